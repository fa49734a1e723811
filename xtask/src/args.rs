//! Flags of `cargo xtask`, read against a list so that a misspelt flag is an error. What the simulator and the bench are told is
//! theirs to read.
//!
//! There is no parser crate here: xtask must build in seconds on a bare machine.

use crate::exit::Stop;

/// Checks `given` against the flags that a command knows, and gives it back.
pub(crate) fn read<'a>(given: &'a [String], known: &[&str]) -> Result<Vec<&'a str>, Stop> {
    let is_unknown = |word: &&String| !known.contains(&word.as_str());
    match given.iter().find(is_unknown) {
        Some(word) if known.is_empty() => Err(Stop::Usage(format!("unknown argument `{word}`; none is known here"))),
        Some(word) => Err(Stop::Usage(format!("unknown argument `{word}`; known here: {}", known.join(", ")))),
        None => Ok(given.iter().map(String::as_str).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[&str], known: &[&str], expected: Result<usize, &str>) {
        let given: Vec<String> = given.iter().map(|word| (*word).to_owned()).collect();
        match (read(&given, known), expected) {
            (Ok(words), Ok(count)) => assert_eq!(words.len(), count, "{given:?}"),
            (Err(Stop::Usage(message)), Err(part)) => assert!(message.contains(part), "{given:?}: {message}"),
            (got, expected) => panic!("{given:?}: got {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn known_flags_pass_and_others_are_named() {
        check(&[], &[], Ok(0));
        check(&["--quick"], &["--quick", "--list"], Ok(1));
        check(&["--quik"], &["--quick", "--list"], Err("unknown argument `--quik`; known here: --quick, --list"));
        check(&["--quick"], &[], Err("none is known here"));
    }
}
