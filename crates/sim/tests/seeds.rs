//! A few seeds of the simulator, in both journals; that a seed repeats itself; and that checkers see what is broken on
//! purpose. `cargo xtask sim` runs more.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use sim::campaign::past_seeds;
use sim::defect::Flaw;
use sim::oracle::{Rule, Upkeep};
use sim::swarm::JournalKind;
use sim::{Options, run};

const SEEDS: u64 = 20;

/// All are clean, and of what goes by age or for want of room each kind is seen in one of them.
fn check_clean(seeds: impl Iterator<Item = u64>, journal: JournalKind) {
    let mut all = Upkeep::default();
    for seed in seeds {
        let report = run(seed, Options { journal: Some(journal), ..Options::default() });
        assert!(report.is_clean(), "seed {seed} on {journal:?}: {:#?}", report.violations);
        assert!(report.accepted > 0 && report.arrivals > 0, "seed {seed} on {journal:?} shows nothing");
        let Upkeep { rows, refused, shut, key_periods } = report.upkeep;
        all.rows += rows;
        all.refused += refused;
        all.shut += shut;
        all.key_periods += key_periods;
    }
    let each = [all.rows, all.refused, all.shut, all.key_periods];
    assert!(each.iter().all(|count| *count > 0), "on {journal:?} something never goes or is never full: {all:?}");
}

/// The defect must be seen within so many seeds.
fn check_caught(flaw: Flaw, within: u64) {
    let shows = |seed| run(seed, Options { broken: Some(flaw), ..Options::default() }).shows(flaw.rule());
    assert!((1..=within).any(shows), "{flaw} is broken and nobody sees it in {within} seeds");
}

#[test]
fn seeds_are_clean_on_a_journal_in_one_piece() {
    check_clean(1..=SEEDS, JournalKind::Memory);
}

#[test]
fn seeds_are_clean_on_a_partitioned_journal() {
    check_clean(1..=SEEDS, JournalKind::Partitioned);
}

#[test]
fn seeds_that_failed_once_are_clean() {
    for past in past_seeds() {
        let report = run(past.seed, Options { captures: past.captures, ..Options::default() });
        assert!(report.is_clean(), "{past:?}: {:#?}", report.violations);
    }
}

#[test]
fn a_seed_repeats_itself() {
    for journal in [JournalKind::Memory, JournalKind::Partitioned] {
        let options = Options { journal: Some(journal), ..Options::default() };
        let (one, other) = (run(3, options), run(3, options));
        assert_eq!((one.digest, one.polls, one.accepted), (other.digest, other.polls, other.accepted), "{journal:?}");
        assert_ne!(one.digest, run(4, options).digest, "{journal:?}");
    }
}

#[test]
fn what_is_broken_on_purpose_is_seen() {
    for rule in Rule::INVARIANTS {
        assert!(Flaw::ALL.iter().any(|flaw| flaw.rule() == rule), "nothing breaks {rule}");
    }
    // Those of captures are a campaign of their own: `cargo xtask sim --break I13Gone` and its like.
    let flaws: Vec<Flaw> = Flaw::ALL.into_iter().filter(|flaw| flaw.captures().is_none()).collect();
    std::thread::scope(|scope| {
        for half in flaws.chunks(flaws.len().div_ceil(2)) {
            scope.spawn(move || half.iter().for_each(|flaw| check_caught(*flaw, 200)));
        }
    });
}

#[test]
#[ignore = "takes minutes; `cargo xtask test` runs it"]
fn two_hundred_seeds_are_clean() {
    let campaign = Command::new(env!("CARGO_BIN_EXE_sim")).args(["--seeds", "200"]).output().unwrap();
    let said = String::from_utf8_lossy(&campaign.stdout);
    assert!(campaign.status.success(), "{said}");
    // Those that failed once are run besides.
    let whole = format!("sim: {} seeds, 0 failures", 200 + past_seeds().len());
    assert!(said.contains(&whole), "{whole}\n{said}");
}

/// As `sim | head -n 1` does; the trace of a seed is longer than a pipe holds.
#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let mut sim = Command::new(env!("CARGO_BIN_EXE_sim"))
        .args(["--seed", "1", "--trace"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(sim.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ended = sim.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}
