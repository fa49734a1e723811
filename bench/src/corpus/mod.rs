//! Every real payload of shops and carriers, posted through a running process: the packs as one project, each request signed
//! for its source, a sink behind. Says how many were mapped, quarantined, held and delivered, and why.

mod payloads;
mod process;
mod tally;
mod wire;

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use self::payloads::Payload;
use self::process::Process;
use self::tally::Tally;
use crate::arguments::Corpus;
use crate::report::say;
use crate::{Outcome, sink};

/// The packs that are put together, the canonical one first.
const PACKS: [&str; 5] = ["canonical", "shopify", "woocommerce", "easypost", "ups"];
/// LIMIT: how long the process may take until nothing moves any more.
const DRAIN: Duration = Duration::from_mins(2);

/// Posts everything, and says what became of it.
pub(crate) async fn run(given: Corpus) -> Outcome<()> {
    let Corpus { binary, packs, from } = given;
    let binary = binary.map_or_else(crate::product::binary, Ok)?;
    let payloads = payloads::all(&from)?;
    if payloads.is_empty() {
        return Err(format!("no payloads in {}: say where they are with --from", from.display()).into());
    }
    let sink = sink::start().await?;
    let folder = tempfile::tempdir()?;
    let project = folder.path().join("project");
    write_project(&packs, &project, &sink)?;
    say(&format!("{} payloads", payloads.len()));
    let process = Process::start(&binary, &project, &folder.path().join("data")).await?;
    let mut tally = post(&process, &payloads).await?;
    let status = settled(&process).await?;
    tally.deliveries(&process.pages("/api/v1/deliveries?limit=500").await?);
    tally.quarantined(&process.pages("/api/v1/quarantine?states=open&limit=500").await?);
    tally.print();
    let arrived = wire::get(&sink, "/", None).await?;
    tally.conclude(&status, arrived["count"].as_u64().unwrap_or_default())?;
    process.stop().await
}

/// The files of all packs in one folder, with the sink in the place of the address of the canonical destination.
fn write_project(packs: &Path, project: &Path, sink: &str) -> Outcome<()> {
    for pack in PACKS {
        for folder in ["systems", "contracts", "mappings", "flows"] {
            copy(&packs.join(pack).join(folder), &project.join(folder))?;
        }
    }
    let destination = format!(
        "owner: team-integration\ndestinations:\n  canonical:\n    url: http://{sink}/canonical\n    sign: [canonical/signing]\n    allow: [127.0.0.0/8]\n"
    );
    std::fs::write(project.join("systems/canonical.yaml"), destination)?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Outcome<()> {
    if !from.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            std::fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

async fn post(process: &Process, payloads: &[Payload]) -> Outcome<Tally> {
    let mut tally = Tally::default();
    for payload in payloads {
        let mut headers = payload.headers.clone();
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        headers.push(process::proof(payload.source, payload.body.as_bytes())?);
        let path = format!("/in/{}", payload.source);
        let (status, answer) = wire::exchange(&process.address, "POST", &path, &headers, payload.body.as_bytes()).await?;
        tally.answer(payload, status, &answer);
    }
    Ok(tally)
}

/// Waits until nothing moves, and answers the status then.
async fn settled(process: &Process) -> Outcome<Value> {
    let began = crate::stats::now_us();
    loop {
        let status = process.get("/api/v1/status").await?;
        if status["moving"] == 0 {
            return Ok(status);
        }
        if crate::stats::now_us() - began > u64::try_from(DRAIN.as_micros())? {
            return Err(format!("{} entries and deliveries still move after {} s", status["moving"], DRAIN.as_secs()).into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
