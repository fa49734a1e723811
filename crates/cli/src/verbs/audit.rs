//! `crossdock audit`: who did what, when and why; newest first.

use model::AuditRow;
use serde_json::json;

use crate::args::{self, Common, Form};
use crate::client::Client;
use crate::exit::{Ended, Exit};
use crate::output::Output;

pub(crate) async fn run(common: &Common, args: &args::Audit, output: &Output) -> Ended {
    let client = Client::new(common)?;
    let query: Vec<(&str, String)> = args.subject.iter().map(|subject| ("subject", subject.clone())).collect();
    let rows: Vec<AuditRow> = client.rows("/audit", &query, args.limit).await?;
    match output.form {
        Form::Json => output.json(&json!({ "schema": "crossdock/audit/1", "rows": rows })),
        Form::Table => {
            let row = |it: &AuditRow| {
                vec![output.time(it.at), it.by.to_string(), it.action.clone(), it.subject.clone(), it.why.clone()]
            };
            output.table(&["at", "by", "action", "subject", "why"], &rows.iter().map(row).collect::<Vec<_>>());
        }
    }
    Ok(Exit::Done)
}
