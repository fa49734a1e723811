//! The counts of a run, by source: what was answered, what was quarantined and why, what was delivered or held and why.

use std::collections::BTreeMap;

use serde_json::Value;

use super::payloads::Payload;
use crate::Outcome;
use crate::report::print;

/// The counts of one source.
#[derive(Debug, Default)]
struct Counts {
    posted: u64,
    duplicates: u64,
    admitted: u64,
    quarantined: u64,
    refused: BTreeMap<String, u64>,
    why_quarantined: BTreeMap<String, u64>,
    /// Flow and state -> how many.
    deliveries: BTreeMap<(String, String), u64>,
    /// Why deliveries wait for a person.
    why_held: BTreeMap<String, u64>,
}

/// The counts of all sources, in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sources: BTreeMap<String, Counts>,
}

impl Tally {
    /// What the process answered to a payload.
    pub(crate) fn answer(&mut self, payload: &Payload, status: u16, answer: &Value) {
        let counts = self.sources.entry(payload.source.to_owned()).or_default();
        counts.posted += 1;
        match (status, answer["duplicate"].as_bool(), answer["quarantined"].as_bool()) {
            (202, Some(true), _) => counts.duplicates += 1,
            (202, _, Some(true)) => counts.quarantined += 1,
            (202, ..) => counts.admitted += 1,
            _ => {
                let why = answer["code"].as_str().or(answer["type"].as_str()).unwrap_or_default();
                let why = format!("{status} {why} ({})", payload.name);
                *counts.refused.entry(why).or_default() += 1;
            }
        }
    }

    /// Rows of quarantined events.
    pub(crate) fn quarantined(&mut self, rows: &[Value]) {
        for row in rows {
            let codes = row["reasons"].as_array().into_iter().flatten().filter_map(|reason| reason["code"].as_str());
            let mut codes: Vec<&str> = codes.collect();
            codes.dedup();
            let counts = self.sources.entry(row["source"].as_str().unwrap_or_default().to_owned()).or_default();
            *counts.why_quarantined.entry(codes.join(" ")).or_default() += 1;
        }
    }

    /// Rows of deliveries. The flows of a pack begin with the name of its source.
    pub(crate) fn deliveries(&mut self, rows: &[Value]) {
        for row in rows {
            let flow = row["flow"].as_str().unwrap_or_default();
            let source = flow.split('-').next().unwrap_or_default();
            let state = row["state"]["state"].as_str().unwrap_or_default().to_owned();
            let counts = self.sources.entry(source.to_owned()).or_default();
            *counts.deliveries.entry((flow.to_owned(), state.clone())).or_default() += 1;
            if state != "done" {
                *counts.why_held.entry(row["why"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
            }
        }
    }

    /// Tells everything.
    pub(crate) fn print(&self) {
        print("| source | posted | duplicates | refused | quarantined | admitted | delivered | held or dead | no flow |");
        print("|---|---|---|---|---|---|---|---|---|");
        for (source, counts) in &self.sources {
            let Counts { posted, duplicates, quarantined, admitted, .. } = counts;
            let (refused, done, all) = (counts.refused.values().sum::<u64>(), counts.done(), counts.all());
            let no_flow = admitted.saturating_sub(all);
            print(&format!(
                "| {source} | {posted} | {duplicates} | {refused} | {quarantined} | {admitted} | {done} | {} | {no_flow} |",
                all - done
            ));
        }
        for (source, counts) in &self.sources {
            print(&format!("{source}:"));
            let deliveries = counts.deliveries.iter().map(|((flow, state), count)| (format!("{flow} {state}"), count));
            let quarantined = counts.why_quarantined.iter().map(|(why, count)| (format!("quarantined {why}"), count));
            let held = counts.why_held.iter().map(|(why, count)| (format!("held: {why}"), count));
            let refused = counts.refused.iter().map(|(why, count)| (format!("refused {why}"), count));
            for (what, count) in quarantined.chain(deliveries).chain(held).chain(refused) {
                print(&format!("{count:>5}  {what}"));
            }
        }
    }

    /// Compares the senders' counts, the process's own and the sink's: they have to agree.
    pub(crate) fn conclude(&self, status: &Value, arrived: u64) -> Outcome<()> {
        let sum = |of: fn(&Counts) -> u64| self.sources.values().map(of).sum::<u64>();
        let accepted = sum(|counts| counts.admitted + counts.quarantined);
        let line = status["lines"].as_array().into_iter().flatten().find(|line| line["origin"] == "live");
        let journalled = line.and_then(|line| line["accepted"].as_u64()).unwrap_or_default();
        let (done, waiting) = (sum(Counts::done), sum(|counts| counts.quarantined + counts.all() - counts.done()));
        print(&format!("accepted {accepted}, in the journal {journalled}; delivered {done}, at the sink {arrived}"));
        print(&format!("with a person {waiting}, by the status {}; missing {}", status["with_a_person"], status["missing"]));
        let agree =
            accepted == journalled && done == arrived && status["with_a_person"] == waiting && status["missing"] == 0;
        if agree { Ok(()) } else { Err("the counts do not agree".into()) }
    }
}

impl Counts {
    fn done(&self) -> u64 {
        self.deliveries.iter().filter(|((_, state), _)| state == "done").map(|(_, count)| count).sum()
    }

    fn all(&self) -> u64 {
        self.deliveries.values().sum()
    }
}
