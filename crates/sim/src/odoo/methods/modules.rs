//! Modules: the list, and installing over a call, which switches the outbox addon on.

use serde_json::json;

use crate::odoo::calls::{Call, Method, On, Outcome};
use crate::odoo::env::Env;
use crate::odoo::errors::Failure;
use crate::odoo::outbox::Addon;
use crate::odoo::rights::Operation;
use crate::odoo::value::{Value, text};

const MODEL: &str = "ir.module.module";

pub(super) const METHODS: &[Method] = &[
    Method { model: MODEL, name: "update_list", on: On::Model, needs: Operation::Write, takes: &[], work: update_list },
    Method::act(MODEL, "button_immediate_install", install),
    Method::act(MODEL, "button_immediate_uninstall", uninstall),
];

fn update_list(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    env.model(&call.model)?;
    Ok(Outcome::Plain(json!([0, 0])))
}

fn install(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let version = text(&format!("{}.0.1.0", env.version().major()));
    switch(env, call, ("installed", version), Addon::Installed)
}

fn uninstall(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    switch(env, call, ("uninstalled", Value::Empty), Addon::Missing)
}

fn switch(env: &mut Env<'_>, call: &Call, (state, version): (&str, Value), addon: Addon) -> Result<Outcome, Failure> {
    for id in &call.ids {
        env.set(MODEL, *id, &[("state", text(state)), ("latest_version", version.clone())])?;
        if env.get(MODEL, *id)?.text("name") == "crossdock_outbox" {
            env.world.outbox.addon = addon;
        }
    }
    Ok(Outcome::Plain(json!({ "type": "ir.actions.client", "tag": "reload" })))
}
