//! What the command line asks for.

use crate::defect::Flaw;
use crate::swarm::{Captures, JournalKind};

/// How the tool is called.
pub const USAGE: &str = "usage: sim [--seeds N] [--start S] [--nodes N] [--journal memory|partitioned|both]
           [--captures on|off] [--break NAME]
       sim --seed S [--journal memory|partitioned] [--captures on|off] [--nodes N] [--trace]

  --seeds N     how many seeds (default 100)
  --start S     the first of them (default 1)
  --break NAME  breaks an invariant on purpose (I1 to I11, I1Later, I1Retention, I2Deadlines, I2Retention, I4Keys, I5Ranks,
                I5Removed, I5Replays, I5Waits, I6Policies, I6Routing, I7Deadlines, I8Retention, I10Clocks, I10Room,
                I13Journal, I13Watermark, I13Overlap, I13Gone, I13Hidden, I13Keys); succeeds when that is seen
  --nodes N     so many nodes in every run (default: the seed's choice of 2 to 5)
  --journal J   which journal (default both: even seeds memory, odd seeds partitioned)
  --captures C  whether a company's system is captured (default off: such a seed takes several times as long)
  --seed S      this seed alone
  --trace       prints the last lines of what happened";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    /// How many seeds.
    pub seeds: u64,
    /// The first of them.
    pub start: u64,
    /// What is broken on purpose.
    pub broken: Option<Flaw>,
    /// How many nodes, where it is not the seed's choice.
    pub nodes: Option<usize>,
    /// Which journal, where it is not the seed's choice.
    pub journal: Option<JournalKind>,
    /// Whether a system is captured, where it is not the seed's choice.
    pub captures: Option<Captures>,
    /// This seed alone.
    pub seed: Option<u64>,
    /// Whether the trace is printed.
    pub trace: Trace,
}

/// Whether the trace is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trace {
    /// It is.
    Shown,
    /// It is not.
    #[default]
    Hidden,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            seeds: 100,
            start: 1,
            broken: None,
            nodes: None,
            journal: None,
            captures: None,
            seed: None,
            trace: Trace::Hidden,
        }
    }
}

impl Arguments {
    /// Reads them, or says what is wrong.
    pub fn parse(given: &[String]) -> Result<Self, String> {
        let mut arguments = Self::default();
        let mut rest = given.iter();
        while let Some(name) = rest.next() {
            if name == "--trace" {
                arguments.trace = Trace::Shown;
                continue;
            }
            let value = rest.next().ok_or_else(|| format!("{name} needs a value, or is not known"))?;
            match name.as_str() {
                "--seeds" => arguments.seeds = number(name, value)?,
                "--start" => arguments.start = number(name, value)?,
                "--seed" => arguments.seed = Some(number(name, value)?),
                "--nodes" => arguments.nodes = Some(nodes(value)?),
                "--journal" => arguments.journal = journal(value)?,
                "--captures" => arguments.captures = captures(value)?,
                "--break" => arguments.broken = Some(flaw(value)?),
                _ => return Err(format!("{name} is not known")),
            }
        }
        Ok(arguments)
    }
}

fn number(name: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{name} takes a number, not {value}"))
}

fn nodes(value: &str) -> Result<usize, String> {
    value.parse().ok().filter(|count| (1..=16).contains(count)).ok_or_else(|| format!("--nodes takes 1 to 16, not {value}"))
}

fn journal(value: &str) -> Result<Option<JournalKind>, String> {
    match value {
        "memory" => Ok(Some(JournalKind::Memory)),
        "partitioned" => Ok(Some(JournalKind::Partitioned)),
        "both" => Ok(None),
        _ => Err(format!("--journal takes memory, partitioned or both, not {value}")),
    }
}

fn captures(value: &str) -> Result<Option<Captures>, String> {
    match value {
        "on" => Ok(Some(Captures::On)),
        "off" => Ok(Some(Captures::Off)),
        _ => Err(format!("--captures takes on or off, not {value}")),
    }
}

fn flaw(value: &str) -> Result<Flaw, String> {
    Flaw::named(value).ok_or_else(|| {
        let names: Vec<String> = Flaw::ALL.iter().map(ToString::to_string).collect();
        format!("--break takes {}, not {value}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_asked_for_is_read() {
        let expected = Arguments { seeds: 7, broken: Some(Flaw::I6), nodes: Some(2), ..Arguments::default() };
        assert_eq!(parse("--seeds 7 --break i6 --nodes 2"), Ok(expected));
        let expected = Arguments { broken: Some(Flaw::I1Retention), ..Arguments::default() };
        assert_eq!(parse("--break i1retention"), Ok(expected));
        let expected = Arguments { captures: Some(Captures::Off), ..Arguments::default() };
        assert_eq!(parse("--captures off"), Ok(expected));
        let expected = Arguments { seed: Some(3), trace: Trace::Shown, ..Arguments::default() };
        assert_eq!(parse("--seed 3 --trace"), Ok(expected));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for line in ["--seeds", "--seeds many", "--break I12", "--nodes 0", "--journal paper", "--captures some", "--what 1"]
        {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
