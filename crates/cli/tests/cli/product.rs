//! Running the binary: once, as the product of a folder, or as a receiver. Whatever runs is ended when its value goes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use serde_json::Value;

/// Nothing answers there (the discard service), so that a command that was given no product finds none.
pub(crate) const NOBODY: &str = "http://127.0.0.1:9";
/// How long a process may take until it is ready, on a machine that is busy with other tests.
const READY: Duration = Duration::from_mins(1);
/// How often the product is asked for what it does by itself; each time starts a process.
const LOOKS_MAX: usize = 2_000;

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The same, when it ended so.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    /// Its standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }

    /// Checks that standard output has this text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text), "{text:?} is not in\n{}\n{}", self.out, self.err);
        self
    }

    /// Checks that standard error has this text.
    #[track_caller]
    pub(crate) fn remarks(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not in\n{}", self.err);
        self
    }
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
    command.current_dir(folder).args(args).env_clear().env("PATH", "/usr/bin:/bin");
    command
}

/// Runs it in a folder, where no product is.
pub(crate) fn run(folder: &Path, args: &[&str]) -> Ran {
    finish(command(folder, args).env("CROSSDOCK_URL", NOBODY), "")
}

/// As [`run`], with variables.
pub(crate) fn run_with(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    finish(command(folder, args).env("CROSSDOCK_URL", NOBODY).envs(variables.iter().copied()), "")
}

fn finish(command: &mut Command, input: &str) -> Ran {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that does not read its input has closed it.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let done = child.wait_with_output().unwrap();
    Ran {
        code: done.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&done.stdout).into_owned(),
        err: String::from_utf8_lossy(&done.stderr).into_owned(),
    }
}

/// A process that is ready and goes on.
#[derive(Debug)]
pub(crate) struct Going {
    child: Child,
    pub(crate) url: String,
    ready: String,
    out: BufReader<ChildStdout>,
}

impl Going {
    /// Starts it and awaits its ready line; what it says to people goes to a file.
    #[track_caller]
    fn start(command: &mut Command, err: &Path) -> Self {
        let err_file = std::fs::File::create(err).unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(err_file).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (sender, receiver) = sync_channel(1);
        std::thread::spawn(move || {
            let mut line = String::new();
            // Without a reader the test has given up.
            drop(out.read_line(&mut line).map(|_| sender.send((line, out))));
        });
        let Ok((line, out)) = receiver.recv_timeout(READY) else {
            drop(child.kill());
            panic!("not ready in time: {}", std::fs::read_to_string(err).unwrap());
        };
        let url = line.split_whitespace().find_map(|word| word.strip_prefix("url="));
        let url = url.unwrap_or_else(|| panic!("{line}{}", std::fs::read_to_string(err).unwrap())).to_owned();
        Self { child, url, ready: line, out }
    }

    /// A value of its ready line.
    #[track_caller]
    pub(crate) fn told(&self, name: &str) -> &str {
        let value = self.ready.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("no {name} in {}", self.ready))
    }

    /// A receiver that answers with a status.
    pub(crate) fn listener(folder: &Path, status: &str) -> Self {
        Self::listener_with(folder, &["--status", status, "--secret-file", ".crossdock/secrets/warehouse/webhook"])
    }

    /// A receiver with these flags, which prints JSON.
    pub(crate) fn listener_with(folder: &Path, flags: &[&str]) -> Self {
        let mut command = command(folder, &[&["listen", "--port", "0", "-o", "json"], flags].concat());
        Self::start(&mut command, &folder.join(format!("listen-{}.err", flags.len() + flags[1].len())))
    }

    /// A simulated Odoo with these flags.
    pub(crate) fn odoo(folder: &Path, flags: &[&str]) -> Self {
        Self::start(&mut command(folder, &[&["simulate", "odoo"], flags].concat()), &folder.join("odoo.err"))
    }

    /// The next line that it prints, as JSON.
    pub(crate) fn line(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Tells it to end, and answers its exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        // What has ended already is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The product of a folder.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) folder: PathBuf,
    pub(crate) going: Going,
    pub(crate) token: String,
}

impl Product {
    pub(crate) fn up(folder: &Path) -> Self {
        Self::up_with(folder, &[])
    }

    /// The same with settings from a file.
    pub(crate) fn up_with_settings(folder: &Path, settings: &str) -> Self {
        Self::up_with(folder, &["--settings", settings])
    }

    /// The same where no file may have more than so many kibibytes, which is what a full disk is to it.
    #[cfg(unix)]
    pub(crate) fn up_with_small_files(folder: &Path, kibibytes: u32) -> Self {
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" up --listen 127.0.0.1:0", kibibytes * 2);
        let mut shell = Command::new("sh");
        shell.current_dir(folder).args(["-c", &script, env!("CARGO_BIN_EXE_crossdock")]);
        Self::start(folder, shell.env_clear().env("PATH", "/usr/bin:/bin"))
    }

    /// The same on a disk of its own of so many mebibytes, with what the folder's `.crossdock` has, and a file `ballast` of so many
    /// in the way. The disk goes with the process. `Err` says why there can be none here.
    #[cfg(target_os = "linux")]
    pub(crate) fn up_on_small_disk(folder: &Path, mebibytes: u32, ballast: u32) -> Result<Self, String> {
        let disk = folder.join("disk");
        std::fs::create_dir_all(&disk).unwrap();
        let mount = format!("mount -t tmpfs -o size={mebibytes}m none disk");
        let apart = |script: &str| {
            let mut command = Command::new("unshare");
            command.current_dir(folder).args(["--user", "--map-root-user", "--mount", "sh", "-ec", script]);
            command.arg(env!("CARGO_BIN_EXE_crossdock")).env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
            command
        };
        let tried = apart(&mount).output().map_err(|error| error.to_string())?;
        if !tried.status.success() {
            return Err(String::from_utf8_lossy(&tried.stderr).trim_end().to_owned());
        }
        let fill = format!("cp -a .crossdock/. disk; dd if=/dev/zero of=disk/ballast bs=1M count={ballast} 2>/dev/null");
        let script = format!("{mount}; {fill}; exec \"$0\" up --listen 127.0.0.1:0 --data disk");
        Ok(Self::start(folder, &mut apart(&script)))
    }

    /// A file of its folder as the process itself sees it.
    #[cfg(target_os = "linux")]
    pub(crate) fn inside(&self, path: &str) -> PathBuf {
        let folder = self.folder.strip_prefix("/").unwrap();
        Path::new("/proc").join(self.going.child.id().to_string()).join("root").join(folder).join(path)
    }

    /// The same with further flags.
    pub(crate) fn up_with(folder: &Path, flags: &[&str]) -> Self {
        Self::start(folder, &mut command(folder, &[&["up", "--listen", "127.0.0.1:0"], flags].concat()))
    }

    /// The same at an address that somebody else has to know.
    pub(crate) fn up_at(folder: &Path, address: std::net::SocketAddr) -> Self {
        Self::start(folder, &mut command(folder, &["up", "--listen", &address.to_string()]))
    }

    /// The same with a variable of its environment.
    pub(crate) fn up_with_variable(folder: &Path, name: &str, value: &str) -> Self {
        Self::start(folder, command(folder, &["up", "--listen", "127.0.0.1:0"]).env(name, value))
    }

    fn start(folder: &Path, command: &mut Command) -> Self {
        let err = folder.join("up.err");
        let going = Going::start(command, &err);
        let said = std::fs::read_to_string(err).unwrap();
        let file =
            said.lines().find_map(|line| line.strip_prefix("administrator's token ")?.split(" is in the file ").nth(1));
        let token = file.map(|file| std::fs::read_to_string(folder.join(file)).unwrap()).unwrap_or_default();
        Self { folder: folder.to_owned(), going, token: token.trim_end().to_owned() }
    }

    /// Runs a command against it.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    /// The same with something on standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Ran {
        finish(&mut self.command(args), input)
    }

    /// The same without being told where the product is.
    pub(crate) fn run_here(&self, args: &[&str]) -> Ran {
        self.run_from(&self.folder, args)
    }

    /// The same from another folder.
    pub(crate) fn run_from(&self, folder: &Path, args: &[&str]) -> Ran {
        finish(command(folder, args).env("CROSSDOCK_TOKEN", &self.token), "")
    }

    /// The same as somebody else.
    pub(crate) fn run_as(&self, token: &str, args: &[&str]) -> Ran {
        finish(self.command(args).env("CROSSDOCK_TOKEN", token), "")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(&self.folder, args);
        command.env("CROSSDOCK_URL", &self.going.url).env("CROSSDOCK_TOKEN", &self.token);
        command
    }

    /// A command that goes on by itself; its first line is read.
    pub(crate) fn go(&self, args: &[&str]) -> (Child, BufReader<ChildStdout>) {
        let mut child =
            self.command(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        (child, out)
    }

    /// Traces a reference until its newest event stands so.
    #[track_caller]
    pub(crate) fn await_state(&self, reference: &str, state: &str) -> Value {
        self.await_newest(reference, state, |newest| &newest["state"])
    }

    /// Traces a reference until its newest event is of this type.
    #[track_caller]
    pub(crate) fn await_event(&self, reference: &str, kind: &str) -> Value {
        self.await_newest(reference, kind, |newest| &newest["event"]["type"])
    }

    /// Runs a command until it prints this, and answers all that it printed.
    #[track_caller]
    pub(crate) fn await_out(&self, args: &[&str], text: &str) -> String {
        let mut seen = String::new();
        for _ in 0..LOOKS_MAX {
            seen = self.run(args).out;
            if seen.contains(text) {
                return seen;
            }
        }
        panic!("{text:?} is not in {seen}");
    }

    #[track_caller]
    fn await_newest(&self, reference: &str, expected: &str, of: fn(&Value) -> &Value) -> Value {
        let mut seen = String::new();
        for _ in 0..LOOKS_MAX {
            let ran = self.run(&["trace", reference, "-o", "json"]);
            if ran.code == 0 {
                let trace = ran.json();
                let newest = trace["events"].as_array().and_then(|events| events.last()).cloned().unwrap_or_default();
                if of(&newest) == expected {
                    return newest;
                }
                seen = newest.to_string();
            }
        }
        panic!("{reference} is not {expected}: {seen}");
    }
}

/// A folder with the sample project, whose warehouse is at this address.
pub(crate) fn sample(warehouse: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["init"]).ends(0).says("systems/shop.yaml");
    if let Some(url) = warehouse {
        move_warehouse(folder.path(), url);
    }
    folder
}

/// Lets the sample's warehouse be at another address.
pub(crate) fn move_warehouse(folder: &Path, url: &str) {
    let path = folder.join("systems/warehouse.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let line = text.lines().find(|line| line.trim_start().starts_with("url:")).unwrap();
    std::fs::write(&path, text.replace(line, &format!("    url: {url}/orders"))).unwrap();
}
