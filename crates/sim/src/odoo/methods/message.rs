//! Messages and activities on any record. They change no write date of what they are about.

use super::preset;
use crate::odoo::calls::{Amount, Call, Method, On, Outcome};
use crate::odoo::env::Env;
use crate::odoo::errors::Failure;
use crate::odoo::rights::Operation;
use crate::odoo::store::Record;
use crate::odoo::value::{Value, second, text};

pub(super) const METHODS: &[Method] = &[
    Method { model: "*", name: "message_post", on: On::Records, needs: Operation::Write, takes: &["**"], work: post },
    Method {
        model: "*",
        name: "activity_schedule",
        on: On::Records,
        needs: Operation::Write,
        takes: &["act_type_xmlid", "date_deadline", "summary", "note", "**"],
        work: schedule,
    },
];

fn post(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let word = |name: &str| call.get(name).as_str().unwrap_or_default().to_owned();
    let id = call.ids.first().copied().unwrap_or_default();
    env.get(&call.model, id)?;
    let body = word("body");
    let body = if call.get("body_is_html").as_bool() == Some(true) { body } else { escaped(&body) };
    let author = env.get("res.users", env.tx.user)?.get("partner_id").clone();
    let kind = word("message_type");
    let fields = vec![
        ("body", text(&format!("<p>{body}</p>"))),
        ("model", text(&call.model)),
        ("res_id", Value::Int(id)),
        ("message_type", text(if kind.is_empty() { "notification" } else { &kind })),
        ("subtype_xmlid", text(&word("subtype_xmlid"))),
        ("message_id", text(&word("message_id"))),
        ("date", second(env.now())),
        ("author_id", author),
    ];
    let message = env.add("mail.message", fields)?;
    Ok(Outcome::Made(vec![message], Amount::One))
}

/// Text as text, whatever it looks like.
fn escaped(body: &str) -> String {
    body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn schedule(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let word = |name: &str| text(call.get(name).as_str().unwrap_or_default());
    let mut made = Vec::new();
    for id in &call.ids {
        env.get(&call.model, *id)?;
        let user = call.get("user_id").as_i64().unwrap_or(env.tx.user);
        let fields = vec![
            ("res_model", text(&call.model)),
            ("res_id", Value::Int(*id)),
            ("summary", word("summary")),
            ("note", word("note")),
            ("date_deadline", word("date_deadline")),
            ("user_id", Value::Ref(user)),
        ];
        made.push(env.add("mail.activity", fields)?);
    }
    Ok(Outcome::Records("mail.activity", made))
}

/// Fills an activity: what it is about may be said by the context alone, which needs no right to `ir.model`.
pub(super) fn fill_activity(env: &Env<'_>, record: &mut Record) {
    preset(record, "user_id", Value::Ref(env.tx.user));
    let view = env.view();
    let name = |id: i64| view.find("ir.model", id).map(|row| row.text("model").to_owned()).unwrap_or_default();
    let said = env.context.get("default_res_model").and_then(serde_json::Value::as_str).unwrap_or_default();
    if let Some(id) = view.all("ir.model").into_iter().find(|id| name(*id) == said) {
        preset(record, "res_model_id", Value::Ref(id));
    }
    let of = name(record.int("res_model_id"));
    preset(record, "res_model", text(&of));
}
