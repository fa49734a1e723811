//! Flags of `cargo xtask`, read against a small table so that a misspelt flag is an error.
//!
//! There is no parser crate here: xtask must build in seconds on a bare machine.

use crate::exit::Stop;

/// A flag that a command knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
}

/// What must follow a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    Number,
    Text,
}

/// Checks `given` against `known` and gives it back as single words, `--name=value` split in two.
///
/// What follows a bare `--` is passed through unread.
pub(crate) fn read(given: &[String], known: &[Flag]) -> Result<Vec<String>, Stop> {
    words(given, known).map_err(Stop::Usage)
}

fn words(given: &[String], known: &[Flag]) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = given.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            words.extend(rest.cloned());
            break;
        }
        let (name, joined) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let Some(flag) = known.iter().find(|flag| flag.name == name) else {
            return Err(format!("unknown argument `{word}`; known here: {}", names(known)));
        };
        words.push(name.to_owned());
        if flag.takes == Takes::Nothing {
            if joined.is_some() {
                return Err(format!("`{name}` takes no value"));
            }
            continue;
        }
        let value = joined.or_else(|| rest.next().cloned());
        words.push(checked(*flag, value)?);
    }
    Ok(words)
}

fn checked(flag: Flag, value: Option<String>) -> Result<String, String> {
    let value = value.ok_or_else(|| format!("`{}` needs a value", flag.name))?;
    if flag.takes == Takes::Number && value.parse::<u64>().is_err() {
        return Err(format!("`{}` needs a whole number, not `{value}`", flag.name));
    }
    Ok(value)
}

fn names(known: &[Flag]) -> String {
    if known.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<&str> = known.iter().map(|flag| flag.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Flag] = &[
        Flag { name: "--seeds", takes: Takes::Number },
        Flag { name: "--break", takes: Takes::Text },
        Flag { name: "--quick", takes: Takes::Nothing },
    ];

    fn check(given: &[&str], expected: Result<&[&str], &str>) {
        let given: Vec<String> = given.iter().map(|word| (*word).to_owned()).collect();
        match (words(&given, KNOWN), expected) {
            (Ok(words), Ok(expected)) => assert_eq!(words, expected, "{given:?}"),
            (Err(message), Err(part)) => assert!(message.contains(part), "{given:?}: {message}"),
            (got, expected) => panic!("{given:?}: got {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn known_flags_pass_and_others_are_named() {
        check(&[], Ok(&[]));
        check(&["--seeds", "20", "--quick"], Ok(&["--seeds", "20", "--quick"]));
        check(&["--seeds=20"], Ok(&["--seeds", "20"]));
        check(&["--quick", "--", "--anything"], Ok(&["--quick", "--anything"]));
        check(&["--seed", "20"], Err("unknown argument `--seed`"));
        check(&["--seeds"], Err("needs a value"));
        check(&["--seeds", "many"], Err("whole number"));
        check(&["--quick=yes"], Err("takes no value"));
    }
}
