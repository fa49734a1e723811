//! Values of settings that can be read and cannot be meant: each is refused with what to write instead.

use std::net::Ipv6Addr;

use super::{BadSettings, MIB, STORE_MIB};

/// A store without room would refuse everything, and one without a budget fill the disk: neither is asked for by 0.
pub(super) fn budget(name: &'static str, mib: u64) -> Result<u64, BadSettings> {
    match mib {
        0 => {
            Err(BadSettings::Setting(name, format!("0 leaves no room; write how many MiB, or leave it out for {STORE_MIB}")))
        }
        mib => Ok(mib.saturating_mul(MIB)),
    }
}

/// An age of 0 days would remove what has just come.
pub(super) fn days(name: &'static str, days: Option<u64>, default: u64) -> Result<u64, BadSettings> {
    match days {
        Some(0) => {
            let why = format!("0 keeps nothing; write how many days, or leave it out for {default}");
            Err(BadSettings::Setting(name, why))
        }
        days => Ok(days.unwrap_or(default)),
    }
}

/// `Host` is compared with each as it stands: a pattern or a URL would fit nothing.
pub(super) fn hosts(names: Vec<String>) -> Result<Vec<String>, BadSettings> {
    match names.iter().find(|name| !is_host(name)) {
        None => Ok(names),
        Some(bad) => {
            let why = format!(
                "{bad:?} is no host name; write each name that `Host` may have, such as \"hub.example.com\", without scheme, port or `*`"
            );
            Err(BadSettings::Setting("hosts", why))
        }
    }
}

fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(is_name)
    };
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    address.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok()) || name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use crate::settings::{Environment, Flags, Settings};

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_repair() {
        let folder = tempfile::tempdir().unwrap();
        let resolve = |text: &str| {
            let path = folder.path().join("settings.toml");
            std::fs::write(&path, text).unwrap();
            Settings::resolve(&Flags { settings: Some(path), ..Flags::default() }, Environment::default())
        };
        for (text, repair) in [
            ("journal_mib = 0", "leave it out for 20480"),
            ("ledger_mib = 0", "leave it out for 20480"),
            ("body_days = 0", "leave it out for 30"),
            ("record_days = 0", "leave it out for 400"),
            ("audit_days = 0", "0 keeps nothing"),
            ("hosts = [\"*\"]", "without scheme, port or `*`"),
            ("hosts = [\"hub.example.com\", \"https://hub.example.com\"]", "\"https://hub.example.com\" is no host name"),
            ("hosts = [\"hub.example.com:8443\"]", "is no host name"),
            ("hosts = [\"\"]", "is no host name"),
        ] {
            let refused = resolve(text).unwrap_err().to_string();
            assert!(refused.contains(repair), "{text}: {refused}");
        }
        let variable = Environment::from_pairs(&[("CROSSDOCK_JOURNAL_MIB", "0")]);
        assert!(Settings::resolve(&Flags::default(), variable).is_err());
        resolve("hosts = [\"hub.example.com\", \"10.0.0.7\", \"[fd00::7]\", \"hub_1\"]\njournal_mib = 1").unwrap();
    }
}
