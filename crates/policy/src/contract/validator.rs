//! Schemas as validators: one dialect, no network, no files, patterns with a limit, and a limit of steps where parts multiply.

use std::sync::OnceLock;

use jsonschema::{PatternOptions, ValidationError, ValidationOptions, Validator};
use serde_json::Value;

use super::counting::{self, KEYWORD};
use super::effort::{Effort, Spent};
use super::spread::{Spread, spread};

/// LIMIT: steps back that one pattern may take on one text; ordinary patterns take none.
const PATTERN_STEPS_MAX: usize = 100_000;

/// The dialect that contracts are written in.
pub(super) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A schema that can be asked.
#[derive(Debug)]
pub(super) struct Ready {
    asked: Asked,
    /// The schema with parts that count what they say; made when data is wrong for the first time.
    searched: OnceLock<Option<Validator>>,
}

/// What answers whether data is valid.
#[derive(Debug)]
enum Asked {
    /// Few of its parts apply to one value: its work grows as the event does.
    Plain(Validator),
    /// Its parts count themselves.
    Counted(Validator),
}

impl Ready {
    /// Whether the data is valid.
    pub(super) fn is_valid(&self, data: &Value, effort: &mut Effort) -> Result<bool, Spent> {
        match &self.asked {
            Asked::Plain(validator) => Ok(validator.is_valid(data)),
            Asked::Counted(validator) => effort.run(|| validator.is_valid(data)),
        }
    }

    /// What lists mistakes, for [`Effort::search`] alone: of a body of a few kilobytes an uncounted list can take gigabytes.
    pub(super) fn searched(&self, schema: &Value) -> Option<&Validator> {
        let build = || options().with_keyword(KEYWORD, counting::searched).build(&counting::with_keyword(schema)).ok();
        self.searched.get_or_init(build).as_ref()
    }

    /// Whether its parts count themselves when it is asked.
    #[cfg(test)]
    pub(super) const fn is_counted(&self) -> bool {
        matches!(self.asked, Asked::Counted(_))
    }
}

/// A validator, or what is wrong with the schema.
pub(super) fn compile(schema: &Value) -> Result<Ready, ValidationError<'static>> {
    let asked = match spread(schema) {
        Spread::Few => Asked::Plain(options().build(schema)?),
        Spread::Many | Spread::Grows { .. } => {
            Asked::Counted(options().with_keyword(KEYWORD, counting::asked).build(&counting::with_keyword(schema))?)
        }
    };
    Ok(Ready { asked, searched: OnceLock::new() })
}

/// How every schema is read.
pub(super) fn options<'s>() -> ValidationOptions<'s> {
    jsonschema::draft202012::options()
        .offline()
        .should_validate_formats(false)
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(PATTERN_STEPS_MAX))
}
