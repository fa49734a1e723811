//! The product under measurement: a project written for the occasion, one process, and what the kernel says of it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::{Outcome, event};

/// A running product.
#[derive(Debug)]
pub(crate) struct Product {
    child: Child,
    /// Where it listens, such as `127.0.0.1:40111`.
    pub(crate) address: String,
    /// Seconds from its start to its ready line.
    pub(crate) ready_s: f64,
}

/// Writes a project with one source and so many flows, each to a path of the sink.
pub(crate) fn project(folder: &Path, sink: &str, flows: usize) -> Outcome<()> {
    for name in ["systems", "contracts/order.placed", "mappings", "flows"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    let mut system = SYSTEM.to_owned();
    if flows > 0 {
        system.push_str("destinations:\n");
    }
    for flow in 0..flows {
        system.push_str(&DESTINATION.replace("{N}", &flow.to_string()).replace("{SINK}", sink));
        std::fs::write(folder.join(format!("flows/to-{flow}.yaml")), FLOW.replace("{N}", &flow.to_string()))?;
    }
    std::fs::write(folder.join("systems/bench.yaml"), system)?;
    std::fs::write(folder.join("contracts/order.placed/1.0.0.yaml"), CONTRACT)?;
    if flows > 0 {
        std::fs::create_dir_all(folder.join("contracts/order.canonical"))?;
        std::fs::write(folder.join("contracts/order.canonical/1.0.0.yaml"), CANONICAL)?;
        std::fs::write(folder.join("mappings/order.yaml"), MAPPING)?;
    }
    Ok(())
}

/// Writes a project whose one flow keeps lanes; repeats come soon.
pub(crate) fn lanes_project(folder: &Path, sink: &str) -> Outcome<()> {
    for name in ["systems", "contracts/step", "flows", "policies"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    let system = SYSTEM.replace("order.placed: { contract: order.placed@1.0.0 }", "step: { contract: step@1.0.0 }");
    let destination = DESTINATION.replace("{N}", "0").replace("{SINK}", sink);
    std::fs::write(folder.join("systems/bench.yaml"), format!("{system}destinations:\n{destination}"))?;
    std::fs::write(folder.join("contracts/step/1.0.0.yaml"), STEP)?;
    std::fs::write(folder.join("policies/soon.yaml"), "waits: [100ms]\nrepeat_last: true\ndeadline: 1h\nend: hold\n")?;
    std::fs::write(folder.join("flows/steps.yaml"), STEPS)?;
    Ok(())
}

const STEP: &str = r"summary: One step of a lane.
owner: team-bench
ordering: .lane
schema:
  type: object
  required: [id, type, lane, number]
  properties:
    id: { type: string }
    type: { type: string }
    lane: { type: integer }
    number: { type: integer }
";

const STEPS: &str = r"owner: team-bench
on:
  types: [step]
to: sink-0
deliver:
  retry: soon
";

const SYSTEM: &str = r#"owner: team-bench
sources:
  bench:
    verify:
      hmac: { algorithm: sha256, header: x-signature, encoding: hex, signed: "{body}" }
      secrets: [bench/webhook]
    type: { path: .type }
    key: { path: .id }
    events:
      order.placed: { contract: order.placed@1.0.0 }
"#;

const DESTINATION: &str = r"  sink-{N}:
    url: http://{SINK}/{N}
    concurrency: 256
    timeout: 10s
    allow: [127.0.0.0/8]
";

const FLOW: &str = r"owner: team-bench
on:
  types: [order.placed]
mapping: order
to: sink-{N}
deliver:
  lane: none
";

const MAPPING: &str = r"summary: The bench's order.
owner: team-bench
from: order.placed@1.0.0
to: order.canonical@1.0.0
fields:
  id: .id
  orderId: .order
  placedAt: .placed_at
  total: { amount: .total, currency: .currency }
  buyer: .customer.name
";

const CONTRACT: &str = r#"summary: An order of the bench.
owner: team-bench
identifiers:
  order: .order
ordering: .order
schema:
  type: object
  required: [id, type, order, placed_at, currency, total, customer, lines]
  properties:
    id: { type: string }
    type: { type: string }
    order: { type: string, pattern: "^S[0-9]+$" }
    placed_at: { type: string }
    currency: { type: string, minLength: 3, maxLength: 3 }
    total: { type: string }
    note: { type: string }
    customer:
      type: object
      required: [name, country]
      properties:
        name: { type: string }
        country: { type: string }
        postcode: { type: string }
    lines:
      type: array
      items:
        type: object
        required: [line, sku, quantity]
        properties:
          line: { type: integer }
          sku: { type: string }
          quantity: { type: integer, minimum: 1 }
          price: { type: string }
"#;

const CANONICAL: &str = r"summary: The order that the bench delivers.
owner: team-bench
schema:
  type: object
  required: [id, orderId]
  properties:
    id: { type: string }
    orderId: { type: string }
    placedAt: { type: string }
    buyer: { type: string }
    total:
      type: object
      properties:
        amount: { type: string }
        currency: { type: string }
";

impl Product {
    /// Starts the release binary and waits for its ready line.
    pub(crate) async fn start(project: &Path, data: &Path) -> Outcome<Self> {
        Self::start_with(project, data, &[("BENCH_WEBHOOK", event::SECRET)]).await
    }

    /// The same, with the values of these secrets, by the ends of their variables' names.
    pub(crate) async fn start_with(project: &Path, data: &Path, secrets: &[(&str, &str)]) -> Outcome<Self> {
        let secrets = secrets.iter().map(|(name, value)| (format!("CROSSDOCK_SECRET_{name}"), *value));
        let begin = crate::stats::now_us();
        let mut child = Command::new(binary()?)
            .args(["up", "--listen", "127.0.0.1:0", "--project"])
            .arg(project)
            .arg("--data")
            .arg(data)
            .envs(secrets)
            .env("CROSSDOCK_METRICS", "open")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let address = first_ready(&mut child).await?;
        let ready_s = (crate::stats::now_us() - begin) as f64 / 1e6;
        Ok(Self { child, address, ready_s })
    }

    /// Applies a project: a product that was started before goes on by the policy in force, whatever its folder says by now.
    pub(crate) async fn apply(&self, project: &Path, data: &Path) -> Outcome<()> {
        let output = Command::new(binary()?)
            .args(["apply", "--yes", "--reason", "bench", "--url"])
            .arg(format!("http://{}", self.address))
            .arg(project)
            .env("CROSSDOCK_TOKEN", std::fs::read_to_string(data.join("admin-token"))?.trim())
            .output()
            .await?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("the project is not applied: {}", String::from_utf8_lossy(&output.stderr)).into())
    }

    /// CPU seconds that the process has used, user and system.
    pub(crate) fn cpu_s(&self) -> Outcome<f64> {
        Ok(crate::stats::cpu_s(&self.pid()?.to_string()))
    }

    /// Resident memory in MB: now, and the most so far.
    pub(crate) fn memory_mb(&self) -> Outcome<(f64, f64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let kb = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.split_whitespace().next().and_then(|text| text.parse::<f64>().ok()).unwrap_or_default()
        };
        Ok((kb("VmRSS:") / 1024.0, kb("VmHWM:") / 1024.0))
    }

    /// Its metrics page.
    pub(crate) async fn metrics(&self) -> Outcome<Metrics> {
        let mut stream = tokio::net::TcpStream::connect(&self.address).await?;
        let request = format!("GET /metrics HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await?;
        let mut page = String::new();
        stream.read_to_string(&mut page).await?;
        Ok(Metrics { page })
    }

    /// Kills it without a word.
    pub(crate) async fn kill(mut self) -> Outcome<()> {
        self.child.kill().await?;
        Ok(())
    }

    fn pid(&self) -> Outcome<u32> {
        self.child.id().ok_or_else(|| "the product has ended".into())
    }
}

/// Waits for the ready line of a product with piped output: where it listens.
pub(crate) async fn first_ready(child: &mut Child) -> Outcome<String> {
    let stdout = child.stdout.take().ok_or("the product has no output")?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.strip_prefix("ready url=http://").and_then(|rest| rest.split(' ').next()) {
            return Ok(address.to_owned());
        }
    }
    Err("the product ended before it was ready".into())
}

/// A metrics page.
#[derive(Debug)]
pub(crate) struct Metrics {
    page: String,
}

impl Metrics {
    /// Entries and deliveries under way.
    pub(crate) fn moving(&self) -> u64 {
        self.sum("crossdock_entries", "unrouted") + self.sum("crossdock_deliveries", "waiting")
    }

    /// Deliveries that arrived.
    pub(crate) fn done(&self) -> u64 {
        self.sum("crossdock_deliveries", "done")
    }

    /// Deliveries that wait for a person or were given up.
    pub(crate) fn stuck(&self) -> u64 {
        self.sum("crossdock_deliveries", "held") + self.sum("crossdock_deliveries", "dead_lettered")
    }

    /// Attempts by what they came to.
    pub(crate) fn attempts(&self) -> Vec<(String, u64)> {
        self.labelled("crossdock_attempts", "cause")
    }

    /// Entries ever accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.sum("crossdock_entries", "accepted")
    }

    /// Questions that a system answered for captures, of one kind.
    pub(crate) fn reads(&self, look: &str) -> u64 {
        self.looks("crossdock_capture_reads", look)
    }

    /// Records and ids in these answers.
    pub(crate) fn rows(&self, look: &str) -> u64 {
        self.looks("crossdock_capture_rows", look)
    }

    fn looks(&self, name: &str, look: &str) -> u64 {
        self.labelled(name, "look").into_iter().filter(|(word, _)| word == look).map(|(_, count)| count).sum()
    }

    /// Captured events by how they were found.
    pub(crate) fn captured(&self) -> Vec<(String, u64)> {
        self.labelled("crossdock_captured", "found")
    }

    /// The values of a counter by one of its labels.
    fn labelled(&self, name: &str, label: &str) -> Vec<(String, u64)> {
        let lines = self.page.lines().filter(|line| line.starts_with(&format!("{name}_total{{")));
        let of = |line: &str| line.split(&format!("{label}=\"")).nth(1)?.split('"').next().map(str::to_owned);
        lines.filter_map(|line| Some((of(line)?, value(line)?))).collect()
    }

    /// What no account holds.
    pub(crate) fn unaccounted(&self) -> u64 {
        self.page.lines().filter(|line| line.starts_with("crossdock_unaccounted{")).filter_map(value).sum()
    }

    fn sum(&self, name: &str, account: &str) -> u64 {
        let wanted = format!("account=\"{account}\"");
        let lines = self.page.lines().filter(|line| line.starts_with(&format!("{name}{{")) && line.contains(&wanted));
        lines.filter_map(value).sum()
    }
}

fn value(line: &str) -> Option<u64> {
    line.rsplit(' ').next()?.parse().ok()
}

/// The binary of the same profile, beside this one.
pub(crate) fn binary() -> Outcome<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("crossdock");
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("{} is missing: cargo build --release -p crossdock-cli", path.display()).into())
    }
}
