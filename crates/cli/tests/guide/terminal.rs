//! The terminals of somebody who follows a page: one folder, free ports in the place of the two that pages name, the real
//! binary. Nothing sleeps; what stays is ended when the page is.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use crate::compare::fits;
use crate::page::{Command, How};

/// The ports that pages name: the product's, and that of `crossdock listen`.
const NAMED: [u16; 2] = [8080, 9000];
/// How long a command that stays may take for what is shown of it, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a command is asked again; each time starts a process.
const LOOKS_MAX: usize = 2_000;
/// What pages may use besides the product itself; all of it is on every machine.
const TOOLS: [&str; 9] = ["cat", "cp", "echo", "ls", "mkdir", "printf", "rm", "sed", "test"];

/// A command that stays.
struct Staying {
    child: Child,
    lines: Receiver<String>,
}

/// Where a page is followed.
pub(crate) struct Terminal {
    home: tempfile::TempDir,
    folder: PathBuf,
    environment: BTreeMap<String, String>,
    ports: [u16; 2],
    /// `EVENT`, `DELIVERY` and the like, as the latest output has them; and the token.
    known: BTreeMap<&'static str, String>,
    staying: BTreeMap<String, Staying>,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        // Both are held until both are known, so that they differ.
        let free = NAMED.map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = free.map(|listener| listener.local_addr().unwrap().port());
        let binary = Path::new(env!("CARGO_BIN_EXE_crossdock")).parent().unwrap();
        let environment = BTreeMap::from([
            ("PATH".to_owned(), format!("{}:/usr/bin:/bin", binary.display())),
            ("CROSSDOCK_LISTEN".to_owned(), format!("127.0.0.1:{}", ports[0])),
        ]);
        let folder = home.path().to_owned();
        Self { home, folder, environment, ports, known: BTreeMap::new(), staying: BTreeMap::new() }
    }

    /// Runs a command and compares.
    pub(crate) fn run(&mut self, page: &str, command: &Command) {
        let at = format!("{page}:{}: $ {}", command.line, command.text);
        let text = self.filled_in(&command.text);
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["cd", folder] => self.folder = self.folder.join(folder).canonicalize().expect(&at),
            ["export", pair] => {
                let (name, value) = pair.split_once('=').expect(&at);
                self.environment.insert(name.to_owned(), value.to_owned());
            }
            ["cargo", "xtask", "test"] => is_run_by_ci(&at),
            ["crossdock", verb, ..] if command.how == How::Stays => self.stay(&at, verb, &text, &command.expected),
            [word, ..] if *word == "crossdock" || word.starts_with("CROSSDOCK_") || TOOLS.contains(word) => {
                self.ask(&at, command, &text);
            }
            _ => panic!("{at}: a page may use crossdock and {TOOLS:?}"),
        }
        self.move_receivers(&self.folder);
    }

    /// As Ctrl-C in the terminal of a command that stays; returns when it has ended.
    pub(crate) fn stop(&mut self, verb: &str) {
        drop(self.staying.remove(verb));
    }

    fn ask(&mut self, at: &str, command: &Command, text: &str) {
        let looks = if command.how == How::Eventually { LOOKS_MAX } else { 1 };
        let mut seen = (0, String::new());
        for _ in 0..looks {
            let done =
                self.process(&format!("{text}\n")).stdout(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
            let printed = self.as_named(&String::from_utf8_lossy(&done.stdout));
            seen = (done.status.code().unwrap_or(-1), printed);
            if command.codes.contains(&seen.0) && (command.expected.is_empty() || fits(&command.expected, &seen.1)) {
                return self.learn(&seen.1);
            }
        }
        let (code, printed) = seen;
        panic!("{at}\nended with {code}, not {:?}, or printed something else:\n{printed}", command.codes);
    }

    /// Starts a command that stays. One of the same verb has been stopped by the reader.
    fn stay(&mut self, at: &str, verb: &str, text: &str, expected: &[String]) {
        self.stop(verb);
        let port = if verb == "listen" { format!(" --port {}", self.ports[1]) } else { String::new() };
        let mut child = self.process(&format!("exec {text}{port}")).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = sync_channel(10_000);
        std::thread::spawn(move || {
            // Without a receiver the page has ended.
            out.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        let mut staying = Staying { child, lines };
        let printed = staying.until(|printed| printed.lines().last().is_some_and(|line| line.starts_with("ready ")));
        let printed = printed.unwrap_or_else(|printed| panic!("{at}\nis not ready:\n{printed}"));
        let printed = self.as_named(&as_on_a_screen(&printed, &self.folder));
        assert!(expected.is_empty() || fits(expected, &printed), "{at}\nprinted something else:\n{printed}");
        self.learn(&printed);
        self.staying.insert(verb.to_owned(), staying);
    }

    /// What a command that stays prints, until it is what is shown.
    pub(crate) fn arrives(&mut self, page: &str, verb: &str, expected: &[String]) {
        let ports = self.ports;
        let staying = self.staying.get_mut(verb).unwrap_or_else(|| panic!("{page}: {verb} does not run"));
        let printed = staying.until(|printed| fits(expected, &as_named(ports, printed)));
        let printed = printed.unwrap_or_else(|printed| panic!("{page}: {verb} prints something else:\n{printed}"));
        self.learn(&printed);
    }

    fn process(&self, script: &str) -> Process {
        let mut process = Process::new("sh");
        // One stream, so that what is printed keeps its order.
        process.args(["-c", &format!("exec 2>&1\n{script}")]).current_dir(&self.folder).env_clear().envs(&self.environment);
        process.env("HOME", self.home.path()).stdin(Stdio::null());
        process
    }

    /// The command with what the reader would put in: ports, ids, the token; and the binary in the place of cargo.
    fn filled_in(&self, text: &str) -> String {
        let text = match text.strip_prefix("cargo run") {
            Some("") => "crossdock up".to_owned(),
            Some(rest) => format!("crossdock{}", rest.trim_start_matches(" --")),
            None => text.to_owned(),
        };
        let moved = NAMED
            .iter()
            .zip(self.ports)
            .fold(text, |text, (named, port)| text.replace(&format!("127.0.0.1:{named}"), &format!("127.0.0.1:{port}")));
        self.known.iter().fold(moved, |text, (name, value)| text.replace(name, value))
    }

    fn as_named(&self, printed: &str) -> String {
        as_named(self.ports, printed)
    }

    /// Keeps what later commands of the page name.
    fn learn(&mut self, printed: &str) {
        let mut before = ["", ""];
        for word in printed.split_whitespace() {
            let id = word.trim_end_matches(':');
            let name = match before {
                _ if word.starts_with("cdk_") => Some("cdk_…"),
                _ if !is_id(id) => None,
                ["quarantine", "show"] | [_, "trace" | "accepted" | "quarantined"] => Some("EVENT"),
                ["deliveries", "show"] | [_, "retry"] => Some("DELIVERY"),
                ["replay", "show"] | [_, "replay"] => Some("REPLAY"),
                _ => None,
            };
            self.known.extend(name.map(|name| (name, id.to_owned())));
            before = [before[1], word];
        }
        let earlier = printed.lines().filter(|line| !line.ends_with("present")).filter_map(|line| line.split('\t').next());
        if let Some(version) = earlier.into_iter().find(|word| word.len() == 12 && is_hex(word)) {
            self.known.insert("VERSION", version.to_owned());
        }
    }

    /// Projects name the usual port of `crossdock listen`; here it is another.
    fn move_receivers(&self, folder: &Path) {
        for entry in std::fs::read_dir(folder.join("systems")).into_iter().flatten() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let moved = text.replace("127.0.0.1:9000", &format!("127.0.0.1:{}", self.ports[1]));
            if moved != text {
                std::fs::write(&path, moved).unwrap();
            }
        }
    }
}

impl Staying {
    /// Reads on until what was read is so; gives back what was read in vain.
    fn until(&mut self, is_so: impl Fn(&str) -> bool) -> Result<String, String> {
        let mut printed = String::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            printed.push_str(&line);
            printed.push('\n');
            if is_so(&printed) {
                return Ok(printed);
            }
        }
        Err(printed)
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        // As Ctrl-C: what is under way is finished. What has ended already is what is wanted.
        drop(Process::new("kill").args(["-TERM", &self.child.id().to_string()]).stderr(Stdio::null()).status());
        drop(self.child.wait());
    }
}

/// Pages show what a person's screen shows; here is a pipe, for which the administrator's token is kept in a file.
fn as_on_a_screen(printed: &str, folder: &Path) -> String {
    let shown = |line: &str| {
        let (said, file) = line.split_once(" is in the file ")?;
        let token = std::fs::read_to_string(folder.join(file)).ok()?;
        Some(format!("{said}\n  {token}"))
    };
    printed.lines().map(|line| shown(line).unwrap_or_else(|| format!("{line}\n"))).collect()
}

fn as_named(ports: [u16; 2], printed: &str) -> String {
    NAMED.iter().zip(ports).fold(printed.to_owned(), |text, (named, port)| {
        text.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{named}"))
    })
}

fn is_id(word: &str) -> bool {
    word.len() == 36 && is_hex(&word.replace('-', ""))
}

fn is_hex(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The tests cannot be run by a test of theirs; what runs them on every change must run just this.
fn is_run_by_ci(at: &str) {
    let ci = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.ci/run")).unwrap();
    assert!(ci.contains("cargo xtask test"), "{at}: .ci/run runs something else:\n{ci}");
}
