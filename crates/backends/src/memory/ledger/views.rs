//! Pages for people, from the same rows.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use model::limit::{CAUSE_SAMPLES, CAUSES_MAX, PAGE_ROWS_MAX};
use model::view::{
    Backlog, CauseGroup, DeliveryQuery, DeliveryStory, EventStory, FeedRow, Found, Page, QuarantineGroup, QuarantineQuery,
    ReplayStory,
};
use model::{
    AuditRow, Delivery, DeliveryId, DeliveryState, EventId, PolicyVersion, Position, QuarantineRow, QuarantineState, Replay,
    ReplayId, Timestamp,
};
use uuid::Uuid;

use super::state::State;

/// LIMIT: rows of a page whose question names no number.
const PAGE_ROWS: usize = 50;

/// The place of a row in a page: its time and its id, or digest. Newer rows never change what is below it.
type Place<I = Uuid> = (Timestamp, I);

impl State {
    pub(super) fn deliveries_page(&self, query: &DeliveryQuery) -> Page<Delivery> {
        let below = match place_of(query.cursor.as_deref()) {
            Ok(below) => below,
            Err(Unreadable) => return Page::default(),
        };
        let rows = self.by_age.rows().values().rev().filter_map(|id| self.deliveries.get(id)).map(|row| &row.delivery);
        page(rows.filter(|delivery| matches_query(delivery, query)), |it| (it.created_at, it.id.0), below, query.limit)
    }

    pub(super) fn delivery_story(&self, id: DeliveryId) -> Option<DeliveryStory> {
        let delivery = self.delivery(id)?;
        let attempts = self.attempts.rows().range((id, 0)..=(id, u32::MAX));
        Some(DeliveryStory { delivery, attempts: attempts.map(|(_, attempt)| attempt.clone()).collect() })
    }

    pub(super) fn event_story(&self, event: EventId) -> EventStory {
        let ids = self.by_event.rows().range((event, 0)..=(event, u64::MAX)).map(|(_, id)| *id);
        let mut deliveries: Vec<DeliveryStory> = ids.filter_map(|id| self.delivery_story(id)).collect();
        deliveries.sort_by_key(|story| (story.delivery.created_at, story.delivery.id));
        let subjects: BTreeSet<String> =
            deliveries.iter().map(|story| story.delivery.id.to_string()).chain([event.to_string()]).collect();
        let mut audit: Vec<AuditRow> =
            self.audit.rows().values().filter(|row| subjects.contains(&row.subject)).cloned().collect();
        audit.sort_by_key(|row| (row.at, row.id));
        EventStory { quarantine: self.quarantine.get(&event).cloned(), deliveries, audit }
    }

    pub(super) fn causes(&self) -> Vec<CauseGroup> {
        let mut groups: BTreeMap<_, CauseGroup> = BTreeMap::new();
        let oldest_first = self.by_age.rows().values().filter_map(|id| self.deliveries.get(id)).map(|row| &row.delivery);
        for delivery in oldest_first {
            let (DeliveryState::Held { for_whom: owner } | DeliveryState::DeadLettered { owner }) = &delivery.state else {
                continue;
            };
            let key = (
                delivery.state.word(),
                delivery.flow.clone(),
                delivery.destination.clone(),
                delivery.cause.clone(),
                owner.clone(),
            );
            let group = groups.entry(key).or_insert_with(|| CauseGroup {
                state: delivery.state.word().to_owned(),
                flow: delivery.flow.clone(),
                destination: delivery.destination.clone(),
                cause: delivery.cause.clone(),
                owner: owner.clone(),
                count: 0,
                oldest_at: delivery.created_at,
                newest_at: delivery.created_at,
                example: delivery.id,
                why: String::new(),
                samples: Vec::new(),
            });
            group.count += 1;
            group.newest_at = delivery.created_at;
            group.example = delivery.id;
            group.why.clone_from(&delivery.why);
            sample(&mut group.samples, delivery.bytes_at);
        }
        largest_first(groups.into_values().collect(), |group| group.count)
    }

    pub(super) fn quarantine_causes(&self) -> Vec<QuarantineGroup> {
        let mut open: Vec<&QuarantineRow> =
            self.quarantine.rows().values().filter(|row| row.state == QuarantineState::Open).collect();
        open.sort_by_key(|row| (row.at, row.event));
        let mut groups: BTreeMap<_, QuarantineGroup> = BTreeMap::new();
        for row in open {
            let key = (row.source.clone(), row.owner.clone(), row.cause());
            let group = groups.entry(key).or_insert_with(|| QuarantineGroup {
                source: row.source.clone(),
                code: row.cause(),
                owner: row.owner.clone(),
                count: 0,
                oldest_at: row.at,
                newest_at: row.at,
                example: row.event,
                reason: String::new(),
                samples: Vec::new(),
            });
            group.count += 1;
            group.newest_at = row.at;
            group.example = row.event;
            group.reason = row.reasons.first().map(|reason| reason.message.clone()).unwrap_or_default();
            sample(&mut group.samples, row.position);
        }
        largest_first(groups.into_values().collect(), |group| group.count)
    }

    pub(super) fn quarantine_page(&self, query: &QuarantineQuery) -> Page<QuarantineRow> {
        let below = match place_of(query.cursor.as_deref()) {
            Ok(below) => below,
            Err(Unreadable) => return Page::default(),
        };
        let fits = |row: &&QuarantineRow| {
            (query.states.is_empty() || query.states.iter().any(|word| word == row.state.word()))
                && query.source.as_ref().is_none_or(|source| *source == row.source)
        };
        let mut rows: Vec<&QuarantineRow> = self.quarantine.rows().values().filter(fits).collect();
        rows.sort_by_key(|row| Reverse((row.at, row.event)));
        page(rows.into_iter(), |row| (row.at, row.event.0), below, query.limit)
    }

    pub(super) fn lookup(&self, word: &str, limit: usize) -> Vec<Found> {
        let from = (word.to_owned(), EventId(Uuid::nil()));
        let rows = self.words.rows().range(from..).take_while(|((found, _), _)| found == word);
        let mut found: Vec<Found> = rows.map(|((_, event), (at, _))| Found { at: *at, event: *event }).collect();
        found.sort_by_key(|found| Reverse(*found));
        found.truncate(limit);
        found
    }

    pub(super) fn feed_after(&self, after: u64, limit: usize) -> Vec<FeedRow> {
        self.feed.rows().range(after.saturating_add(1)..).take(limit).map(|(_, row)| row.clone()).collect()
    }

    pub(super) fn backlog(&self) -> Vec<Backlog> {
        let mut work: BTreeMap<_, Backlog> = BTreeMap::new();
        for delivery in self.deliveries.rows().values().map(|row| &row.delivery) {
            let DeliveryState::Waiting { due } = delivery.state else { continue };
            let line = work.entry((&delivery.destination, &delivery.flow)).or_insert_with(|| Backlog {
                flow: delivery.flow.clone(),
                destination: delivery.destination.clone(),
                waiting: 0,
                leased: 0,
                oldest_at: None,
                next_due: None,
            });
            if delivery.lease.is_some() {
                line.leased += 1;
                continue;
            }
            line.waiting += 1;
            line.oldest_at = Some(line.oldest_at.map_or(delivery.created_at, |at| at.min(delivery.created_at)));
            if !delivery.behind {
                line.next_due = Some(line.next_due.map_or(due, |next| next.min(due)));
            }
        }
        work.into_values().collect()
    }

    pub(super) fn replays_page(&self, cursor: Option<&str>, limit: usize) -> Page<Replay> {
        let Ok(below) = place_of(cursor) else { return Page::default() };
        let mut replays: Vec<&Replay> = self.replays.rows().values().collect();
        replays.sort_by_key(|replay| Reverse((replay.created_at, replay.id)));
        page(replays.into_iter(), |replay| (replay.created_at, replay.id.0), below, limit)
    }

    pub(super) fn replay_story(&self, id: ReplayId) -> Option<ReplayStory> {
        let replay = self.replays.get(&id).cloned()?;
        Some(ReplayStory { replay, members: self.members(id, 0, PAGE_ROWS_MAX) })
    }

    pub(super) fn audit_page(&self, subject: Option<&str>, cursor: Option<&str>, limit: usize) -> Page<AuditRow> {
        let Ok(below) = place_of(cursor) else { return Page::default() };
        let mut rows: Vec<&AuditRow> =
            self.audit.rows().values().filter(|row| subject.is_none_or(|subject| row.subject == subject)).collect();
        rows.sort_by_key(|row| Reverse((row.at, row.id)));
        page(rows.into_iter(), |row| (row.at, row.id.0), below, limit)
    }

    pub(super) fn policies_page(&self, cursor: Option<&str>, limit: usize) -> Page<(PolicyVersion, Timestamp)> {
        let Ok(below) = place_of(cursor) else { return Page::default() };
        let mut policies: Vec<(PolicyVersion, Timestamp)> =
            self.policies.rows().iter().map(|(version, text)| (*version, text.at)).collect();
        policies.sort_by_key(|(version, at)| Reverse((*at, *version)));
        page(policies.iter(), |(version, at)| (*at, version.0), below, limit)
    }
}

/// Keeps the newest, newest first.
fn sample(samples: &mut Vec<Position>, newer: Position) {
    samples.insert(0, newer);
    samples.truncate(CAUSE_SAMPLES);
}

fn largest_first<T>(mut groups: Vec<T>, count: impl Fn(&T) -> u64) -> Vec<T> {
    groups.sort_by_key(|group| Reverse(count(group)));
    groups.truncate(CAUSES_MAX);
    groups
}

fn matches_query(delivery: &Delivery, query: &DeliveryQuery) -> bool {
    (query.states.is_empty() || query.states.iter().any(|word| word == delivery.state.word()))
        && query.flow.as_ref().is_none_or(|flow| *flow == delivery.flow)
        && query.destination.as_ref().is_none_or(|destination| *destination == delivery.destination)
        && query.event.is_none_or(|event| event == delivery.event)
        && query.replay.is_none_or(|replay| Some(replay) == delivery.replay)
        && query.cause.as_ref().is_none_or(|cause| *cause == delivery.cause)
        && query.since.is_none_or(|since| delivery.created_at >= since)
        && query.until.is_none_or(|until| delivery.created_at < until)
}

/// A page of rows that come newest first.
fn page<'a, T: Clone + 'a, I: Copy + Ord + Display>(
    rows: impl Iterator<Item = &'a T>,
    place: impl Fn(&T) -> Place<I>,
    below: Option<Place<I>>,
    limit: usize,
) -> Page<T> {
    let limit = if limit == 0 { PAGE_ROWS } else { limit.min(PAGE_ROWS_MAX) };
    let mut wanted = rows.filter(|row| below.is_none_or(|below| place(row) < below));
    let rows: Vec<T> = wanted.by_ref().take(limit).cloned().collect();
    let next = wanted.next().and_then(|_| rows.last()).map(|row| {
        let (at, id) = place(row);
        format!("{}.{id}", at.micros())
    });
    Page { rows, next, unreadable: Vec::new() }
}

/// A cursor that no page gave out.
struct Unreadable;

fn place_of<I: FromStr>(cursor: Option<&str>) -> Result<Option<Place<I>>, Unreadable> {
    let Some(cursor) = cursor else { return Ok(None) };
    let (micros, id) = cursor.split_once('.').ok_or(Unreadable)?;
    let at = micros.parse().map(Timestamp::from_micros).map_err(|_| Unreadable)?;
    Ok(Some((at, id.parse().map_err(|_| Unreadable)?)))
}
