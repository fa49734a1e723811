//! The processes beside the server under measurement: load generator, sink and limits. Load and sink are pinned to the
//! first core, for the limits and the product alike; the server may use all cores.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::Outcome;
use crate::sink::Arrivals;
use crate::stats::{LoadReport, cpu_s};

/// The core of load and sink.
pub(crate) const CORE: &str = "0";

/// A process of this binary that told its port.
#[derive(Debug)]
pub(crate) struct Side {
    child: Child,
    /// Where it listens.
    pub(crate) address: String,
}

impl Side {
    /// A limit's server: on all cores, as the product.
    pub(crate) async fn limit(args: &[&str]) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("limit").args(args);
        Self::start(command).await
    }

    /// A subscriber.
    pub(crate) async fn sink() -> Outcome<Self> {
        let mut command = pinned()?;
        command.arg("sink");
        Self::start(command).await
    }

    async fn start(mut command: Command) -> Outcome<Self> {
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let port = BufReader::new(stdout).lines().next_line().await?.ok_or("a side process ended at once")?;
        Ok(Self { child, address: format!("127.0.0.1:{port}") })
    }

    /// CPU seconds that it has used.
    pub(crate) fn cpu_s(&self) -> f64 {
        self.child.id().map_or(0.0, |id| cpu_s(&id.to_string()))
    }

    /// What arrived at a sink.
    pub(crate) async fn arrivals(&self) -> Outcome<Arrivals> {
        let mut stream = TcpStream::connect(&self.address).await?;
        let request = format!("GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let body = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
        Ok(serde_json::from_slice(&answer[body..])?)
    }
}

/// What is sent: over so many connections, so long, at a rate (0: as fast as answers come), under the name of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load<'a> {
    pub(crate) connections: u32,
    pub(crate) seconds: u64,
    pub(crate) rate: u64,
    pub(crate) run: &'a str,
}

impl Load<'_> {
    /// Sends it to an address.
    pub(crate) async fn send(self, address: &str) -> Outcome<LoadReport> {
        let numbers = [u64::from(self.connections), self.seconds, self.rate].map(|number| number.to_string());
        let output = pinned()?
            .args(["load", address, "/in/bench"])
            .args(numbers)
            .arg(self.run)
            .stderr(Stdio::inherit())
            .output()
            .await?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// This binary on the core of load and sink.
fn pinned() -> Outcome<Command> {
    let mut command = Command::new("taskset");
    command.args(["-c", CORE]).arg(std::env::current_exe()?);
    Ok(command)
}
