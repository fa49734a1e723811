//! Running other programs: with inherited output, so that what they say stays on the screen.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program with its arguments, as data, so that a plan of steps can be tested without running it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) program: String,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(&'static str, &'static str)>,
}

impl Call {
    pub(crate) fn new(program: &str, args: &[&str]) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self { program: program.to_owned(), args, env: Vec::new() }
    }

    pub(crate) fn cargo(args: &[&str]) -> Self {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        Self::new(&cargo, args)
    }

    pub(crate) fn with_env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }

    /// The command line as a person would type it.
    pub(crate) fn shown(&self) -> String {
        let program = Path::new(&self.program)
            .file_name()
            .map_or_else(|| self.program.clone(), |name| name.to_string_lossy().into_owned());
        format!("{program} {}", self.args.join(" ")).trim_end().to_owned()
    }
}

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let here = PathBuf::from(here);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

/// Runs a call in `folder`, or in the caller's own folder, and gives its exit code.
pub(crate) fn exit_code(call: &Call, folder: Option<&Path>) -> Result<u8, String> {
    let mut command = Command::new(&call.program);
    command.args(&call.args).envs(call.env.iter().copied());
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    let status = command.status().map_err(|error| format!("cannot run `{}`: {error}", call.shown()))?;
    let code = status.code().unwrap_or(i32::from(crate::exit::FAILED));
    Ok(u8::try_from(code).unwrap_or(crate::exit::FAILED))
}

/// Runs a call in the workspace root; anything but exit code 0 is an error.
pub(crate) fn run(call: &Call) -> Result<(), String> {
    match exit_code(call, Some(&root()))? {
        0 => Ok(()),
        code => Err(format!("`{}` ended with exit code {code}", call.shown())),
    }
}

/// Whether a program answers at all; its output is dropped.
pub(crate) fn answers(program: &str, args: &[&str]) -> bool {
    let status = Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// What a program printed, when it could be run and ended well.
pub(crate) fn output(program: &str, args: &[&str], folder: &Path) -> Option<Vec<u8>> {
    let done =
        Command::new(program).args(args).current_dir(folder).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    done.status.success().then_some(done.stdout)
}
