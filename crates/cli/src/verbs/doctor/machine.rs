//! The machine: room, rights and limits.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use server::api::Status;
use server::settings::Settings;

use super::Checks;

/// Below this much room a day of work does not fit.
const FREE_BYTES_MIN: u64 = 1024 * 1024 * 1024;
/// Connections in and out, files of the store, and a reserve.
const OPEN_FILES_MIN: u64 = 4_096;
const MIB: u64 = 1024 * 1024;

/// The nearest folder above that exists: where a missing one would be made.
fn existing(folder: &Path) -> PathBuf {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    whole.ancestors().find(|path| path.is_dir()).map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

/// Whether files can be made in the data folder, or the folder itself where it is missing.
pub(super) fn data_folder(data: &Path, checks: &mut Checks) {
    let folder = existing(data);
    let probe = folder.join(format!(".crossdock-doctor-{}", std::process::id()));
    match std::fs::write(&probe, b"probe") {
        Ok(()) => {
            // What cannot be removed was shown to be writable all the same.
            drop(std::fs::remove_file(&probe));
            checks.good("data folder", format!("{} can be written", data.display()));
        }
        Err(error) => {
            let fix = format!("make {} writable for this user, or name another with --data", folder.display());
            checks.finding("data folder", format!("{} cannot be written: {error}", data.display()), fix);
        }
    }
}

/// Whether other users of the machine can read events or secrets.
pub(super) fn rights(data: &Path, checks: &mut Checks) {
    for folder in [data.to_owned(), data.join("secrets")] {
        let Ok(meta) = std::fs::metadata(&folder) else { continue };
        let mode = meta.permissions().mode() & 0o777;
        let of_others = mode & 0o077;
        if of_others == 0 {
            checks.good("rights", format!("{} is its owner's alone", folder.display()));
        } else {
            let text = format!("{} can be entered by others (mode {mode:03o})", folder.display());
            checks.finding("rights", text, format!("chmod 700 {}", folder.display()));
        }
    }
}

/// Whether the disk has room for what the stores may still take.
pub(super) fn free_space(settings: &Settings, running: Option<&Status>, checks: &mut Checks) {
    let Some(free) = free_bytes(&existing(&settings.data)) else {
        checks.note("disk", "`df` does not tell how much is free");
        return;
    };
    let rest = |bytes: u64, budget: u64| budget.saturating_sub(bytes);
    let wanted = running.map_or(settings.journal_bytes.saturating_add(settings.ledger_bytes), |status| {
        rest(status.journal.bytes, status.journal.budget) + rest(status.ledger.bytes, status.ledger.budget)
    });
    let text = format!("{} MiB are free", free / MIB);
    if free < FREE_BYTES_MIN {
        checks.finding("disk", text, "make room, or put the data folder elsewhere with --data");
    } else if free < wanted {
        let fix = "lower journal_mib or ledger_mib in the settings file, or make room: intake must stop by its own budget, not by a full disk";
        checks.finding("disk", format!("{text}, and journal and ledger may still take {} MiB", wanted / MIB), fix);
    } else {
        checks.good("disk", text);
    }
}

/// By `df`, which every system has; the third column from the right end of POSIX output is what is available.
fn free_bytes(folder: &Path) -> Option<u64> {
    let answer = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    let kibibytes: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kibibytes.saturating_mul(1024))
}

/// The soft limit of this shell, which the product would have when it is started from it.
pub(super) fn open_files(checks: &mut Checks) {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    match line.and_then(|line| line.split_whitespace().next()) {
        Some("unlimited") => checks.good("open files", "unlimited"),
        Some(word) => match word.parse::<u64>() {
            Ok(limit) if limit < OPEN_FILES_MIN => {
                checks.finding(
                    "open files",
                    format!("at most {limit}"),
                    format!("ulimit -n {OPEN_FILES_MIN}, or LimitNOFILE={OPEN_FILES_MIN} in the unit"),
                );
            }
            Ok(limit) => checks.good("open files", format!("at most {limit}")),
            Err(_) => checks.note("open files", "the limit is not known"),
        },
        None => checks.note("open files", "the limit is not known on this system"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::doctor::Standing;

    #[test]
    fn a_folder_that_others_can_enter_is_found_and_so_are_its_secrets() {
        let place = tempfile::tempdir().unwrap();
        let secrets = place.path().join("secrets");
        std::fs::create_dir(&secrets).unwrap();
        let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        let found = || {
            let mut checks = Checks::default();
            rights(place.path(), &mut checks);
            checks.0.iter().filter(|it| it.standing == Standing::Finding).map(|it| it.fix.clone()).collect::<Vec<_>>()
        };
        set(place.path(), 0o700);
        set(&secrets, 0o700);
        assert_eq!(found(), Vec::<String>::new());
        set(place.path(), 0o755);
        set(&secrets, 0o750);
        assert_eq!(found(), [place.path(), &secrets].map(|path| format!("chmod 700 {}", path.display())));
    }
}
