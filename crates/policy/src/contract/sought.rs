//! Where a contract finds a business identifier: at a path, or by an expression where one field holds several or a list
//! holds them deeper. An expression reads the data alone, and what it cannot answer is not an identifier.

use serde_json::Value;

use crate::Spanned;
use crate::expression::{BadPath, Data, Expression, Kind, Path, Source, Steps, scalar_text};

/// Where an identifier is.
#[derive(Debug)]
pub(super) enum Sought {
    /// At a path; a list there has one in each item.
    Path(Path),
    /// In what an expression answers.
    Expression(Box<Expression>),
}

impl Sought {
    /// A text with a call in it is an expression; paths have no brackets of that kind.
    pub(super) fn read(text: &Spanned<String>, file: &str) -> Result<Self, BadPath> {
        match text.value.parse::<Path>() {
            Ok(path) => Ok(Self::Path(path)),
            Err(_) if text.value.contains('(') => {
                Ok(Self::Expression(Box::new(Expression::new(Source::new(file, "", text), Kind::Texts))))
            }
            Err(bad) => Err(bad),
        }
    }

    /// The texts there; an expression takes no more than these steps.
    pub(super) fn texts(&self, data: &Data<'_>, steps: &Steps) -> Vec<String> {
        match self {
            Self::Path(path) => match data.json().ok().and_then(|json| path.get(json)) {
                Some(Value::Array(items)) => items.iter().filter_map(scalar_text).collect(),
                Some(_) => data.text(path).into_iter().collect(),
                None => Vec::new(),
            },
            Self::Expression(expression) => expression.eval_texts(data, steps).unwrap_or_default(),
        }
    }
}
