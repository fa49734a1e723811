//! Models as tables: which fields each has in which version. The tables are the `.txt` files in `models/`; this reads them. A
//! mistake in a table is a mistake of ours and stops the start.

use std::collections::BTreeMap;

use super::version::Version;

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Boolean,
    /// Whole numbers.
    Integer,
    /// Quantities and amounts.
    Float,
    /// Text of any length.
    Text,
    /// A day.
    Date,
    /// An instant.
    Datetime,
    /// One of these values, each with its label.
    Selection(Vec<(String, String)>),
    /// A record of another model.
    Many2one(&'static str),
    /// The records of another model that refer to this one by that field.
    One2many(&'static str, &'static str),
    /// Records of another model.
    Many2many(&'static str),
}

/// A field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// The type as `fields_get` names it.
    pub type_name: &'static str,
    /// Whether a record cannot be without it.
    pub is_required: bool,
    /// Whether a record that it refers to cannot be deleted.
    pub is_restricting: bool,
    /// Whether it is in the database; else it is computed when it is read.
    pub is_stored: bool,
    /// What a new record has where nothing is given.
    pub default: Option<&'static str>,
}

/// A model.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its name.
    pub name: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// Its fields by name.
    pub fields: BTreeMap<&'static str, Field>,
}

impl Model {
    /// A field.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(name)
    }
}

/// All models of one version.
#[derive(Clone, Debug)]
pub struct Schema {
    models: BTreeMap<&'static str, Model>,
}

const TABLES: [&str; 5] = [
    include_str!("models/sale.txt"),
    include_str!("models/stock.txt"),
    include_str!("models/purchase.txt"),
    include_str!("models/manufacture.txt"),
    include_str!("models/system.txt"),
];

/// What every stored model has.
const EVERYWHERE: &str = "
  id integer \"ID\"
  display_name char \"Display Name\" computed
  create_date datetime \"Created on\"
  create_uid many2one res.users \"Created by\"
  write_date datetime \"Last Updated on\"
  write_uid many2one res.users \"Last Updated by\"
";

impl Schema {
    /// The models of a version.
    ///
    /// # Panics
    /// When a table has a line that cannot be read.
    pub fn of(version: Version) -> Self {
        let mut models = BTreeMap::new();
        let mut current: Option<Model> = None;
        for line in TABLES.iter().flat_map(|table| table.lines()) {
            let words = words(line);
            match words.first() {
                None => {}
                Some(word) if word.starts_with('#') => {}
                Some(_) if line.starts_with("model ") => {
                    models.extend(current.take().map(|model: Model| (model.name, model)));
                    current = applies(&words, version).then(|| begun(&words, version));
                }
                Some(_) => {
                    if let (Some(model), Some(field)) = (&mut current, field(&words, version)) {
                        model.fields.insert(field.name, field);
                    }
                }
            }
        }
        models.extend(current.map(|model| (model.name, model)));
        Self { models }
    }

    /// A model.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.get(name)
    }

    /// All models, by name.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }
}

fn begun(words: &[&'static str], version: Version) -> Model {
    let name = words.get(1).copied().expect("a model of our tables has a name");
    let label = words.get(2).copied().unwrap_or(name);
    let fields = EVERYWHERE.lines().filter_map(|line| field(&self::words(line), version));
    Model { name, label, fields: fields.map(|field| (field.name, field)).collect() }
}

/// Splits at blanks; what is in quotation marks is one word.
fn words(line: &'static str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            found.push(part);
        } else {
            found.extend(part.split_whitespace());
        }
    }
    found
}

fn applies(words: &[&str], version: Version) -> bool {
    let number = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)?.parse::<u16>().ok());
    number("since=").is_none_or(|since| version.major() >= since)
        && number("until=").is_none_or(|until| version.major() <= until)
}

fn field(words: &[&'static str], version: Version) -> Option<Field> {
    let (name, type_name) = (*words.first()?, *words.get(1)?);
    if !applies(words, version) {
        return None;
    }
    let word = |index: usize| words.get(index).copied().expect("a field of our tables says what it refers to");
    let (kind, used) = match type_name {
        "boolean" => (Kind::Boolean, 2),
        "integer" => (Kind::Integer, 2),
        "float" | "monetary" => (Kind::Float, 2),
        "char" | "text" | "html" => (Kind::Text, 2),
        "date" => (Kind::Date, 2),
        "datetime" => (Kind::Datetime, 2),
        "selection" => (Kind::Selection(choices(word(2))), 3),
        "many2one" => (Kind::Many2one(word(2)), 3),
        "one2many" => (Kind::One2many(word(2), word(3)), 4),
        "many2many" => (Kind::Many2many(word(2)), 3),
        other => panic!("our tables have a type {other:?}"),
    };
    Some(Field {
        name,
        label: words.get(used).copied().unwrap_or(name),
        kind,
        type_name,
        is_required: words.contains(&"required"),
        is_restricting: words.contains(&"required") || words.contains(&"restrict"),
        is_stored: !words.contains(&"computed"),
        default: words.iter().find_map(|word| word.strip_prefix("default=")),
    })
}

/// `draft:Quotation,to~invoice:To_Invoice`; `-` stands for none, which means that any text is taken.
fn choices(list: &str) -> Vec<(String, String)> {
    if list == "-" {
        return Vec::new();
    }
    let pair = |choice: &str| {
        let (value, label) = choice.split_once(':').unwrap_or((choice, choice));
        (value.replace('~', " "), label.replace('_', " "))
    };
    list.split(',').map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_to_a_model_and_back() {
        for version in Version::ALL {
            let schema = Schema::of(version);
            for (model, field) in schema.models().flat_map(|model| model.fields.values().map(move |field| (model, field))) {
                match &field.kind {
                    Kind::Many2one(target) | Kind::Many2many(target) => {
                        assert!(schema.model(target).is_some(), "{version:?} {}.{} {target}", model.name, field.name);
                    }
                    Kind::One2many(target, inverse) => {
                        let back = schema.model(target).and_then(|it| it.field(inverse)).map(|it| it.kind.clone());
                        assert_eq!(back, Some(Kind::Many2one(model.name)), "{version:?} {}.{}", model.name, field.name);
                    }
                    _ => {}
                }
            }
        }
    }
}
