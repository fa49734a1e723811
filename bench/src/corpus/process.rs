//! The process under test, with the secrets that its senders sign with, and the token that it makes at its first start.

use std::path::Path;
use std::process::Stdio;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};

use super::wire;
use crate::Outcome;

/// The secret of every source.
const SECRET: &str = "a secret of the corpus run";

/// A running process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Kept open: the process must be able to go on complaining.
    _complaints: ChildStderr,
    /// Where it listens.
    pub(crate) address: String,
    token: String,
}

impl Process {
    /// Starts it on a free port and waits for its ready line.
    pub(crate) async fn start(binary: &Path, project: &Path, data: &Path) -> Outcome<Self> {
        let mut command = Command::new(binary);
        for source in ["SHOPIFY_WEBHOOK", "WOOCOMMERCE_WEBHOOK", "EASYPOST_WEBHOOK", "UPS_CREDENTIAL"] {
            command.env(format!("CROSSDOCK_SECRET_{source}"), SECRET);
        }
        let signing = format!("whsec_{}", STANDARD.encode("thirty-two bytes that sign here."));
        let mut child = command
            .args(["up", "--listen", "127.0.0.1:0", "--project"])
            .arg(project)
            .arg("--data")
            .arg(data)
            .env("CROSSDOCK_SECRET_CANONICAL_SIGNING", signing)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let complaints = child.stderr.take().ok_or("no standard error")?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(address) = line.strip_prefix("ready url=http://").and_then(|rest| rest.split(' ').next()) {
                // It is there before the process is ready.
                let token = tokio::fs::read_to_string(data.join("admin-token")).await?.trim_end().to_owned();
                return Ok(Self { child, _complaints: complaints, address: address.to_owned(), token });
            }
        }
        Err("the process ended before it was ready".into())
    }

    /// What a path of the management interface answers.
    pub(crate) async fn get(&self, path: &str) -> Outcome<Value> {
        wire::get(&self.address, path, Some(&self.token)).await
    }

    /// The rows of all pages behind a path with a query.
    pub(crate) async fn pages(&self, path: &str) -> Outcome<Vec<Value>> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}{cursor}")).await?;
            rows.extend(page["rows"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(rows),
            }
        }
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        self.child.kill().await?;
        Ok(())
    }
}

/// The header by which each source's sender proves who it is.
pub(crate) fn proof(source: &str, body: &[u8]) -> Outcome<(String, String)> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = hmac::sign(&key, body);
    let (header, value) = match source {
        "shopify" => ("x-shopify-hmac-sha256", STANDARD.encode(signature)),
        "woocommerce" => ("x-wc-webhook-signature", STANDARD.encode(signature)),
        "easypost" => ("x-hmac-signature", format!("hmac-sha256-hex={}", hex::encode(signature))),
        "ups" => ("credential", SECRET.to_owned()),
        other => return Err(format!("nobody knows how {other} signs").into()),
    };
    Ok((header.to_owned(), value))
}
