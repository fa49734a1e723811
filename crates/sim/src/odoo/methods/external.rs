//! What an external id leads to: the one question about `ir.model.data` that plain users may ask. It tells no more than they may see.

use serde_json::json;

use crate::odoo::calls::{Call, Method, On, Outcome};
use crate::odoo::env::Env;
use crate::odoo::errors::Failure;
use crate::odoo::load;
use crate::odoo::rights::{self, Operation};
use crate::odoo::search::Archived;

pub(super) const METHODS: &[Method] = &[Method {
    model: load::NAMES,
    name: "check_object_reference",
    on: On::Model,
    needs: Operation::Call,
    takes: &["module!", "xml_id!", "raise_on_access_error"],
    work: check,
}];

fn check(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let word = |name: &str| call.get(name).as_str().unwrap_or_default();
    let external = format!("{}.{}", word("module"), word("xml_id"));
    let row = env.world.store.named(env.tx, &external);
    let Some(row) = row.and_then(|row| env.view().find(load::NAMES, row)) else {
        return Err(Failure::Value(format!("External ID not found in the system: {external}")));
    };
    let (model, id) = (row.text("model"), row.int("res_id"));
    rights::check(env, model, Operation::Read)?;
    let view = env.view();
    let has_archive = view.model(model)?.field("active").is_some() && Archived::of(&env.context) == Archived::Left;
    let is_shown = |record: &crate::odoo::store::Record| !has_archive || record.get("active").truth();
    if view.find(model, id).is_some_and(|record| is_shown(&record)) && !view.hides(model, id) {
        return Ok(Outcome::Plain(json!([model, id])));
    }
    if call.get("raise_on_access_error").as_bool() == Some(true) {
        return Err(Failure::Access(format!("Not enough access rights on the external ID \"{external}\"")));
    }
    Ok(Outcome::Plain(json!([model, false])))
}
