//! What of a record is read, in the words of the version at hand, and the name of that reading: a rule of the outbox carries both, and
//! what was written by a rule of another name is not taken for what is read now.

use std::fmt::Write as _;

use engine::ports::{Peer, Reading};
use model::Digest;
use model::outcome::Refusal;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::failure::Failure;
use super::fields::{Fields, Known, model_there, specification, unknown};
use super::session::{Odoo, Session};
use super::version::Version;

/// LIMIT: models whose fields are kept of one Odoo; a project captures about ten, and each leads to a few more.
const MODELS_MAX: usize = 200;
/// Fields that every captured record is read with, where its model has them.
pub(super) const WRITTEN: &str = "write_date";
pub(super) const STATE: &str = "state";

/// What is read of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Specified {
    /// As `web_read` takes it.
    pub specification: Map<String, Value>,
    /// Its name: 64 hexadecimal digits, others for another specification. So an upgrade, or a field that comes or goes, makes another name.
    pub reading: String,
}

impl Specified {
    /// Of a reading of ours. `there` is the model by its name in this version, and `fields` are those of all models that it touches.
    pub(super) fn new(reading: &Reading, there: &str, version: &Version, fields: &Known) -> Self {
        let mut wanted = specification(reading, there, version, fields);
        let has = |name: &str| fields.get(there).is_some_and(|it| it.0.contains_key(name));
        for name in [WRITTEN, STATE].into_iter().filter(|name| has(name)) {
            wanted.entry(name).or_insert_with(|| json!({}));
        }
        let name = Digest::of(canonical(&wanted).as_bytes()).to_string();
        Self { specification: wanted, reading: name }
    }
}

/// The specification in one form, whatever order it was made in.
fn canonical(specification: &Map<String, Value>) -> String {
    let mut names: Vec<&String> = specification.keys().collect();
    names.sort();
    let mut text = String::new();
    for name in names {
        let within = specification[name].get("fields").and_then(Value::as_object);
        let within = within.map(canonical).unwrap_or_default();
        write!(text, "{name}({within})").expect("writing to a text does not fail");
    }
    text
}

impl Odoo {
    /// What a rule of the outbox has to be given for a reading of a model.
    pub async fn specified(
        &self,
        peer: &Peer,
        session: &Session,
        model: &str,
        reading: &Reading,
    ) -> Result<Specified, Failure> {
        let there = model_there(&session.version, model);
        let mut fields = Known::new();
        self.learn((peer, session), there, reading, &mut fields).await?;
        Ok(Specified::new(reading, there, &session.version, &fields))
    }

    /// Learns the fields of all models that a reading touches.
    pub(super) async fn learn(
        &self,
        (peer, session): (&Peer, &Session),
        there: &str,
        reading: &Reading,
        known: &mut Known,
    ) -> Result<(), Failure> {
        while let Some(next) = unknown(reading, there, &session.version, known).first().cloned() {
            if known.len() >= MODELS_MAX {
                known.clear();
            }
            let ask = Call::of_model(&next, "fields_get").with("attributes", json!(["type", "relation"]));
            let told = self.call(peer, session, &ask).await.map_err(no_such_model)?;
            known.insert(next, Fields::from_answer(&told.value).ok_or_else(not_odoo)?);
        }
        Ok(())
    }
}

/// 18 says that a model does not exist with the exception of business rules; what only asks breaks none of these.
pub(super) fn no_such_model(failure: Failure) -> Failure {
    match failure {
        Failure::Said { refusal: Refusal::Rule, name, message } => {
            Failure::Said { refusal: Refusal::NotFound, name, message }
        }
        other => other,
    }
}

pub(super) fn not_odoo() -> Failure {
    Failure::Foreign { status: 200, looks: "not an answer of Odoo's" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(names: &[&str]) -> Reading {
        Reading { fields: names.iter().map(|name| ((*name).to_owned(), None)).collect() }
    }

    fn fields(names: &[&str]) -> Fields {
        let about = |name: &&str| ((*name).to_owned(), json!({ "type": "char" }));
        Fields::from_answer(&Value::Object(names.iter().map(about).collect())).unwrap()
    }

    #[test]
    fn the_write_date_and_the_state_are_read_always_and_the_name_is_of_what_is_read_there() {
        let version = Version { major: 19, text: "19".to_owned() };
        let of = |wanted: &[&str], there: &[&str]| {
            let known = Known::from([("sale.order".to_owned(), fields(there))]);
            Specified::new(&reading(wanted), "sale.order", &version, &known)
        };
        let there = ["name", "state", "write_date", "note"];
        let specified = of(&["name", "note"], &there);
        assert_eq!(
            Value::Object(specified.specification.clone()),
            json!({ "name": {}, "note": {}, "write_date": {}, "state": {} })
        );
        assert_eq!(specified.reading.len(), 64);
        assert_eq!(of(&["name", "note", "state"], &there).reading, specified.reading, "the same is read");
        assert_ne!(of(&["name"], &there).reading, specified.reading);
        assert_ne!(of(&["name", "note"], &["name", "state", "write_date"]).reading, specified.reading, "a field has gone");
    }

    #[test]
    fn what_is_read_within_is_part_of_the_name() {
        let flat = json!({ "order_line": {}, "name": {} });
        let within = json!({ "order_line": { "fields": { "name": {} } } });
        let other = json!({ "order_line": { "fields": {} }, "name": {} });
        let names: Vec<String> = [&flat, &within, &other].map(|it| canonical(it.as_object().unwrap())).into();
        assert_eq!(names, ["name()order_line()", "order_line(name())", "name()order_line()"]);
    }
}
