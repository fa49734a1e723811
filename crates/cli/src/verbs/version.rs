//! `crossdock version` and `crossdock exit-codes`: what this program is, and what it ends with.

use serde_json::json;
use server::api::Status;

use crate::args::{Common, EXIT_CODES, Form};
use crate::client::Client;
use crate::exit::{Ended, Exit};
use crate::output::Output;

pub(crate) async fn version(common: &Common, output: &Output) -> Ended {
    let client = Client::new(common)?;
    // No product that runs, or none that tells us, is an answer too.
    let running: Option<Status> = client.get("/status").await.ok();
    let product = running.as_ref().map(|status| status.version.clone());
    match output.form {
        Form::Json => output.json(&json!({ "schema": "crossdock/version/1", "program": env!("CARGO_PKG_VERSION"), "product": product, "url": client.base() })),
        Form::Table => output.line(&format!("crossdock {}", env!("CARGO_PKG_VERSION"))),
    }
    if let Some(product) = product {
        output.say(&format!("{} runs {product}", client.base()));
    }
    Ok(Exit::Done)
}

pub(crate) fn exit_codes(output: &Output) -> Exit {
    match output.form {
        Form::Json => {
            let rows: Vec<_> =
                Exit::ALL.iter().map(|(exit, meaning)| json!({ "code": *exit as u8, "meaning": meaning })).collect();
            output.json(&json!({ "schema": "crossdock/exit-codes/1", "rows": rows }));
        }
        Form::Table => output.paragraph(EXIT_CODES),
    }
    Exit::Done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_has_every_exit_code_with_its_meaning() {
        for (exit, meaning) in Exit::ALL {
            let line = format!("  {:<4} {meaning}", exit as u8);
            assert!(EXIT_CODES.lines().any(|shown| shown == line), "{line}");
        }
        assert_eq!(EXIT_CODES.lines().count(), Exit::ALL.len() + 2);
    }
}
