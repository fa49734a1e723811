//! The Debian packages that the tests need, and how they come onto the machine.
//!
//! As root they are installed; anyone else is told what is missing and the run fails. A test never
//! installs anything by itself.

use std::path::Path;

use crate::process::{self, Call};

/// A Debian package and the test that cannot run without it.
#[derive(Clone, Copy, Debug)]
struct Package {
    name: &'static str,
    needed_for: &'static str,
}

/// Everything the whole suite needs beyond Rust and git. Empty while no test starts a broker, a
/// database server or a browser; a package is added in the change that brings its first test.
const PACKAGES: &[Package] = &[];

/// Makes sure that every package is there.
pub(crate) fn ensure() -> Result<(), String> {
    let missing: Vec<Package> = PACKAGES.iter().copied().filter(|package| !installed(package.name)).collect();
    println!("{} Debian packages needed, {} missing", PACKAGES.len(), missing.len());
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || !process::answers("apt-get", &["--version"]) {
        return Err(ask(&missing));
    }
    process::run(&apt(&["update", "--quiet"]))?;
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(missing.iter().map(|package| package.name));
    process::run(&apt(&install))
}

fn apt(args: &[&str]) -> Call {
    Call::new("apt-get", args).with_env("DEBIAN_FRONTEND", "noninteractive")
}

fn installed(name: &str) -> bool {
    let asked = ["--show", "--showformat", "${db:Status-Status}", name];
    process::output("dpkg-query", &asked, Path::new(".")).is_some_and(|status| status == b"installed")
}

fn is_root() -> bool {
    process::output("id", &["-u"], Path::new(".")).is_some_and(|id| id.trim_ascii() == b"0")
}

fn ask(missing: &[Package]) -> String {
    let mut text = String::from("packages are missing and cannot be installed from here:\n");
    for package in missing {
        text.push_str("  ");
        text.push_str(package.name);
        text.push_str(", needed for ");
        text.push_str(package.needed_for);
        text.push('\n');
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    text.push_str("run as root: apt-get install --yes ");
    text.push_str(&names.join(" "));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_names_each_package_its_use_and_the_command() {
        let missing = [
            Package { name: "nats-server", needed_for: "broker conformance" },
            Package { name: "chromium", needed_for: "console pages" },
        ];
        let text = ask(&missing);
        assert!(text.contains("nats-server, needed for broker conformance"), "{text}");
        assert!(text.ends_with("apt-get install --yes nats-server chromium"), "{text}");
    }

    #[test]
    fn a_package_that_nobody_made_is_not_installed() {
        assert!(!installed("crossdock-no-such-package"));
    }
}
