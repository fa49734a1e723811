//! How reconciliations stand, in words and as numbers: for their list, the status and the metrics.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::intake::capture::reconcile::order::{Reconciliations, Stands};
use engine::intake::capture::reconcile::standing::{Completeness, Mode, Outcome, Place, Run};
use engine::observe::catalogue as all;
use engine::observe::metric::{Family, Sample, Value};
use model::{Fault, SourceName};

use crate::api::{CompletenessLine, ReconciliationLine};
use crate::app::App;

/// The commands on reconciliations.
pub fn room(app: &App) -> Reconciliations {
    Reconciliations {
        ledger: Arc::clone(&app.ground.ledger),
        book: Arc::clone(&app.ground.book),
        board: Arc::clone(&app.node.board),
    }
}

/// All captured models.
pub async fn lines(app: &App) -> Result<Vec<ReconciliationLine>, Fault> {
    let gaps = app.node.board.gaps.all();
    let why = |source: &SourceName, model: &str| {
        let is_of = |of: &Option<String>| of.as_ref().is_none_or(|of| of == model);
        gaps.iter().find(|gap| gap.source == *source && is_of(&gap.model)).map(|gap| gap.why.clone())
    };
    let line = |Stands { source, model, reconciliation, hidden, refused }: Stands| ReconciliationLine {
        state: state(reconciliation.run.as_ref()).to_owned(),
        completeness: reconciliation.last.as_ref().and_then(completeness),
        text: reconciliation.last.as_ref().map(sentence).unwrap_or_default(),
        unread: why(&source, &model),
        source,
        model,
        run: reconciliation.run,
        last: reconciliation.last,
        brake: reconciliation.brake,
        hidden,
        refused,
    };
    Ok(room(app).all().await?.into_iter().map(line).collect())
}

/// How complete each source was, over all its models that were compared.
pub fn by_source(lines: &[ReconciliationLine]) -> BTreeMap<SourceName, CompletenessLine> {
    let mut sources: BTreeMap<SourceName, CompletenessLine> = BTreeMap::new();
    for line in lines {
        let Some(one) = &line.completeness else { continue };
        let of = |it: &CompletenessLine| Completeness { same: it.same, of: it.of };
        let sum = match sources.get(&line.source) {
            Some(held) => CompletenessLine::new(of(held).and(of(one)), held.at.min(one.at)),
            None => one.clone(),
        };
        sources.insert(line.source.clone(), sum);
    }
    sources
}

/// The numbers of the last reconciliations, and how many records are hidden or refused.
pub async fn families(app: &App) -> Result<[Family; 4], Fault> {
    let (mut parts, mut gaps, mut unseen, mut refusals) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Stands { source, model, reconciliation, hidden, refused } in room(app).all().await? {
        unseen.push((vec![source.to_string(), model.clone()], hidden));
        refusals.push((vec![source.to_string(), model.clone()], refused));
        let Some(last) = reconciliation.last else { continue };
        let Some(part) = last.completeness() else { continue };
        let labels = |more: Option<&str>| {
            let both = [source.as_str(), model.as_str()].into_iter().chain(more);
            both.map(str::to_owned).collect::<Vec<_>>()
        };
        parts.push(Sample { labels: labels(None), value: Value::Level(ratio(part)) });
        let tally = last.tally;
        for (kind, count) in [
            ("missing", tally.missing),
            ("differing", tally.differing),
            ("gone", tally.gone),
            ("withheld", tally.withheld),
            ("unreadable", tally.unreadable),
        ] {
            gaps.push((labels(Some(kind)), count));
        }
    }
    let parts = Family { metric: &all::COMPLETENESS, samples: parts };
    let (hidden, refused) = (Family::levels(&all::HIDDEN, unseen), Family::levels(&all::CAPTURE_REFUSED, refusals));
    Ok([parts, Family::levels(&all::GAPS, gaps), hidden, refused])
}

/// From 0 to 1, and 1 only where all is there.
#[expect(clippy::cast_precision_loss, reason = "below 2^53 it is exact, and what is not complete stays below one")]
fn ratio(part: Completeness) -> f64 {
    match part {
        Completeness { same, of } if same == of => 1.0,
        Completeness { same, of } => (same as f64 / of as f64).min(1.0 - f64::EPSILON),
    }
}

fn state(run: Option<&Run>) -> &'static str {
    match run.map(|run| run.step.map(|step| step.place)) {
        None => "nothing",
        Some(None) => "waiting",
        Some(Some(Place::Contents { .. })) => "contents",
        Some(Some(Place::Identities { .. })) => "identities",
    }
}

fn completeness(last: &Outcome) -> Option<CompletenessLine> {
    last.completeness().map(|part| CompletenessLine::new(part, last.ended_at))
}

/// What one came to.
pub fn sentence(last: &Outcome) -> String {
    if let Some(why) = &last.unread {
        return format!("could not be compared: {why}");
    }
    let it = &last.tally;
    let moving = counted(it.moving, "left to a nudge that was on its way", "left to nudges that were on their way");
    if it.gaps() == 0 {
        let all = match it.same {
            0 => "nothing was written within the window, and nothing is missing".to_owned(),
            1 => "the one record is here as it is there".to_owned(),
            same => format!("all {same} are here as they are there"),
        };
        return [Some(all), moving].into_iter().flatten().collect::<Vec<_>>().join(", ");
    }
    let gaps = [
        counted(it.missing, "missing here", "missing here"),
        counted(it.differing, "differs", "differ"),
        counted(it.gone, "gone there", "gone there"),
        counted(it.unreadable, "cannot be read here", "cannot be read here"),
        counted(it.withheld, "not shown there any more and not believed", "not shown there any more and not believed"),
        moving,
    ];
    let became = match last.mode {
        Mode::Count => vec!["only counted: nothing was recovered".to_owned()],
        Mode::Recover => [
            counted(it.recovered, "recovered as an event", "recovered as events"),
            counted(it.unlisted, "known now without an event: the source leaves its type out", LEFT_OUT),
            counted(it.refused, "refused at intake: the log says why", "refused at intake: the log says why"),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    let gaps = gaps.into_iter().flatten().collect::<Vec<_>>().join(", ");
    [gaps, became.join(", ")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

const LEFT_OUT: &str = "known now without events: the source leaves their types out";

fn counted(count: u64, one: &str, several: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {several}")),
    }
}

#[cfg(test)]
mod tests {
    use engine::intake::capture::reconcile::standing::Tally;
    use model::{Principal, Timestamp};

    use super::*;

    fn outcome(mode: Mode, tally: Tally) -> Outcome {
        let at = Timestamp::from_secs(9);
        let by = Principal::new("ines");
        Outcome { asked_at: at, ended_at: at, by, mode, window: None, tally, unread: None }
    }

    #[test]
    fn a_sentence_says_what_was_found_and_what_became_of_it() {
        let some = Tally { same: 9, missing: 3, differing: 1, gone: 2, recovered: 5, unlisted: 1, ..Tally::default() };
        for (mode, tally, expected) in [
            (Mode::Recover, Tally::default(), "nothing was written within the window, and nothing is missing"),
            (Mode::Recover, Tally { same: 1, ..Tally::default() }, "the one record is here as it is there"),
            (
                Mode::Recover,
                Tally { same: 7, moving: 1, ..Tally::default() },
                "all 7 are here as they are there, 1 left to a nudge that was on its way",
            ),
            (
                Mode::Recover,
                some,
                "3 missing here, 1 differs, 2 gone there; 5 recovered as events, 1 known now without an event: the source leaves its \
                 type out",
            ),
            (Mode::Count, some, "3 missing here, 1 differs, 2 gone there; only counted: nothing was recovered"),
            (
                Mode::Recover,
                Tally { withheld: 5_213, unreadable: 1, ..Tally::default() },
                "1 cannot be read here, 5213 not shown there any more and not believed",
            ),
        ] {
            assert_eq!(sentence(&outcome(mode, tally)), expected);
        }
        let unread = Outcome { unread: Some("it is not installed".to_owned()), ..outcome(Mode::Recover, some) };
        assert_eq!(sentence(&unread), "could not be compared: it is not installed");
        assert_eq!(completeness(&unread), None);
    }

    #[test]
    fn only_what_is_complete_is_one() {
        let is_one = |same, of| ratio(Completeness { same, of }) >= 1.0;
        assert!(is_one(0, 0) && is_one(7, 7));
        assert!(!is_one(u64::MAX - 1, u64::MAX) && !is_one(0, 1));
    }
}
