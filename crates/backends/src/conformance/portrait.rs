//! A portrait of a ledger: the answers to all its questions, for comparing before with after and one store with another.
//!
//! Where a port promises no order, the portrait brings one; the numbers of the feed are left out, their order is not.

use engine::ports::{DueQuery, Ledger, Shard, Views};
use model::change::Switch;
use std::sync::Arc;

use model::newest::{Latest, NewestQuery, Place};
use model::view::{
    Backlog, CauseGroup, DeliveryQuery, DeliveryStory, EventStory, FeedRow, Found, Page, QuarantineGroup, QuarantineQuery,
    ReplayStory,
};
use model::{
    Account, AuditRow, Consumer, Delivery, DeliveryId, DestinationName, Digest, EventId, Fault, FlowName, InForce,
    KeyedWrite, Known, LaneKey, LaterEvent, NodeName, Offset, Partition, PolicyVersion, Position, QuarantineRow, Replay,
    ReplayId, ReplayMember, Sight, SourceName, Standing, Timestamp, Token,
};
use uuid::Uuid;

/// What is asked by name: what the store may know, and some that it does not.
#[derive(Clone, Debug, Default)]
pub struct Subjects {
    /// The present time.
    pub now: Timestamp,
    /// A time in the past.
    pub stale_before: Timestamp,
    /// Deliveries.
    pub deliveries: Vec<DeliveryId>,
    /// Events.
    pub events: Vec<EventId>,
    /// Destinations.
    pub destinations: Vec<DestinationName>,
    /// Lanes and ordering keys.
    pub keys: Vec<LaneKey>,
    /// Flows.
    pub flows: Vec<FlowName>,
    /// Consumers.
    pub consumers: Vec<Consumer>,
    /// Partitions.
    pub partitions: Vec<Partition>,
    /// Policies.
    pub policies: Vec<PolicyVersion>,
    /// Emitted ids.
    pub emitted: Vec<Uuid>,
    /// Replays.
    pub replays: Vec<ReplayId>,
    /// Nodes.
    pub nodes: Vec<NodeName>,
    /// Digests of tokens.
    pub tokens: Vec<Digest>,
    /// Keyed writes.
    pub keyed: Vec<Digest>,
    /// Sources with a captured model each.
    pub captured: Vec<(SourceName, String)>,
    /// Words of the index.
    pub words: Vec<String>,
    /// Subjects of the audit.
    pub audited: Vec<String>,
    /// Questions for pages of deliveries.
    pub queries: Vec<DeliveryQuery>,
}

/// All answers.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is the answer to the question of its name")]
pub struct Portrait {
    pub deliveries: Vec<Option<DeliveryStory>>,
    pub due: Vec<Vec<Delivery>>,
    pub overdue: Vec<Vec<Delivery>>,
    pub newest: Vec<Latest>,
    pub agenda: Vec<(DestinationName, Timestamp)>,
    pub orphans: Vec<Delivery>,
    pub cursors: Vec<Offset>,
    pub policies: Vec<Option<Vec<(String, String)>>>,
    pub policy_list: Vec<(PolicyVersion, Timestamp)>,
    pub seen: Vec<Uuid>,
    pub outbox: Vec<String>,
    pub quarantined: Vec<Option<QuarantineRow>>,
    pub later: Vec<Option<LaterEvent>>,
    pub replays: Vec<Option<ReplayStory>>,
    pub members: Vec<Vec<ReplayMember>>,
    pub progress: Vec<Vec<(String, u64)>>,
    pub replays_running: Vec<Replay>,
    pub replays_newest: Vec<Replay>,
    pub breakers: Vec<(DestinationName, String)>,
    pub switches: Vec<(String, Switch)>,
    pub shards: Vec<Shard>,
    pub incarnations: Vec<Option<u64>>,
    pub tokens: Vec<Token>,
    pub tokens_found: Vec<Option<Token>>,
    pub in_force: Option<InForce>,
    pub keyed: Vec<Option<KeyedWrite>>,
    pub keyed_writes: u64,
    pub known: Vec<Vec<Known>>,
    pub known_counts: Vec<Vec<u64>>,
    pub known_ids: Vec<Vec<u64>>,
    pub standings: Vec<Option<Standing>>,
    pub account: Account,
    pub recount: Account,
    pub needed: Vec<Vec<Offset>>,
    pub stories: Vec<EventStory>,
    pub causes: Vec<CauseGroup>,
    pub quarantine_causes: Vec<QuarantineGroup>,
    pub backlog: Vec<Backlog>,
    pub pages: Vec<Vec<Delivery>>,
    pub quarantine: Vec<QuarantineRow>,
    pub found: Vec<Vec<Found>>,
    pub feed: Vec<FeedRow>,
    pub audit: Vec<Vec<AuditRow>>,
}

impl Subjects {
    /// A question for the newest of each flow, destination and key, over two places.
    fn newest(&self) -> Vec<NewestQuery> {
        let mut questions = Vec::new();
        for (flow, destination) in self.flows.iter().flat_map(|flow| self.destinations.iter().map(move |to| (flow, to))) {
            for (key, offset) in self.keys.iter().flat_map(|key| [(key, 0), (key, 20)]) {
                let after = Position { partition: Partition(0), offset: Offset(offset) };
                let (flow, destination) = (flow.clone(), destination.clone());
                let place = if offset == 0 { Place::Beside } else { Place::End { but: Arc::default() } };
                questions.push(NewestQuery { flow, destination, key: key.clone(), after, place });
            }
        }
        questions
    }
}

/// LIMIT: rows of one answer; more than any test makes.
const ROWS: usize = 100_000;
/// Rows of one page, small so that there are many.
const PAGE: usize = 7;

impl Portrait {
    /// Asks everything.
    pub async fn of(ledger: &dyn Ledger, views: &dyn Views, subjects: &Subjects) -> Result<Self, Fault> {
        let mut portrait = Self::default();
        portrait.ask_work(ledger, subjects).await?;
        portrait.ask_rows(ledger, subjects).await?;
        portrait.ask_settings(ledger, subjects).await?;
        portrait.ask_known(ledger, subjects).await?;
        portrait.ask_views(views, subjects).await?;
        portrait.ask_pages(views, subjects).await?;
        Ok(portrait)
    }

    /// Panics at the first answer that differs, and names it.
    pub fn assert_same(&self, expected: &Self, told: &str) {
        let (found, expected) = (self.answers(), expected.answers());
        for ((name, found), (_, expected)) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{told}: {name}");
        }
    }

    /// Each answer, told in lines, under its name.
    fn answers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("deliveries", told(&self.deliveries)),
            ("due", told(&self.due)),
            ("overdue", told(&self.overdue)),
            ("newest", told(&self.newest)),
            ("agenda", told(&self.agenda)),
            ("orphans", told(&self.orphans)),
            ("cursors", told(&self.cursors)),
            ("policies", told(&self.policies)),
            ("policy_list", told(&self.policy_list)),
            ("seen", told(&self.seen)),
            ("outbox", told(&self.outbox)),
            ("quarantined", told(&self.quarantined)),
            ("later", told(&self.later)),
            ("replays", told(&self.replays)),
            ("members", told(&self.members)),
            ("progress", told(&self.progress)),
            ("replays_running", told(&self.replays_running)),
            ("replays_newest", told(&self.replays_newest)),
            ("breakers", told(&self.breakers)),
            ("switches", told(&self.switches)),
            ("shards", told(&self.shards)),
            ("incarnations", told(&self.incarnations)),
            ("tokens", told(&self.tokens)),
            ("tokens_found", told(&self.tokens_found)),
            ("in_force", told(&self.in_force)),
            ("keyed", told(&self.keyed)),
            ("keyed_writes", told(&self.keyed_writes)),
            ("known", told(&self.known)),
            ("known_counts", told(&self.known_counts)),
            ("known_ids", told(&self.known_ids)),
            ("standings", told(&self.standings)),
            ("account", told(&self.account)),
            ("recount", told(&self.recount)),
            ("needed", told(&self.needed)),
            ("stories", told(&self.stories)),
            ("causes", told(&self.causes)),
            ("quarantine_causes", told(&self.quarantine_causes)),
            ("backlog", told(&self.backlog)),
            ("pages", told(&self.pages)),
            ("quarantine", told(&self.quarantine)),
            ("found", told(&self.found)),
            ("feed", told(&self.feed)),
            ("audit", told(&self.audit)),
        ]
    }

    async fn ask_work(&mut self, ledger: &dyn Ledger, subjects: &Subjects) -> Result<(), Fault> {
        for destination in &subjects.destinations {
            for (all, repeats, without) in [(ROWS, ROWS, None), (5, 2, None), (3, 0, None), (5, 2, subjects.flows.first())] {
                let without = without.into_iter().cloned().collect();
                let query = DueQuery { destination: destination.clone(), now: subjects.now, all, repeats, without };
                let due = ledger.due(query).await?;
                assert!(due.unreadable.is_empty(), "{:?}", due.unreadable);
                self.due.push(due.rows);
            }
        }
        for (now, limit) in [(subjects.now, ROWS), (subjects.now, 3), (subjects.stale_before, ROWS)] {
            let overdue = ledger.overdue(now, limit).await?;
            assert!(overdue.unreadable.is_empty(), "{:?}", overdue.unreadable);
            self.overdue.push(overdue.rows);
        }
        self.newest = ledger.newest(subjects.newest()).await?;
        self.agenda = sorted(ledger.agenda().await?, |(destination, _)| destination.clone());
        self.orphans = sorted(ledger.orphans(subjects.stale_before, ROWS).await?.rows, |delivery| delivery.id);
        self.account = ledger.account().await?;
        self.recount = ledger.recount().await?;
        for partition in &subjects.partitions {
            self.needed.push(ledger.needed(*partition, Offset(0), Offset(1 << 40)).await?);
            self.needed.push(ledger.needed(*partition, Offset(3), Offset(20)).await?);
        }
        Ok(())
    }

    async fn ask_rows(&mut self, ledger: &dyn Ledger, subjects: &Subjects) -> Result<(), Fault> {
        self.seen = sorted(ledger.seen(subjects.emitted.clone()).await?, |id| *id);
        self.outbox = ledger.outbox(ROWS).await?.rows.iter().map(told).collect();
        for event in &subjects.events {
            self.quarantined.push(ledger.quarantined(*event).await?);
            self.later.push(ledger.later(*event).await?);
        }
        for consumer in &subjects.consumers {
            for partition in &subjects.partitions {
                self.cursors.push(ledger.cursor(consumer, *partition).await?);
            }
        }
        Ok(())
    }

    async fn ask_settings(&mut self, ledger: &dyn Ledger, subjects: &Subjects) -> Result<(), Fault> {
        for version in &subjects.policies {
            self.policies.push(ledger.policy(*version).await?);
        }
        self.replays_running = sorted(ledger.replays_running().await?.rows, |replay| replay.id);
        self.breakers = sorted(ledger.breakers().await?, |(destination, _)| destination.clone());
        self.switches = sorted(ledger.switches().await?, |(object, _)| object.clone());
        self.shards = sorted(ledger.shards().await?, |shard| shard.shard.clone());
        for node in &subjects.nodes {
            self.incarnations.push(ledger.life(node).await?.map(|life| life.incarnation));
        }
        self.tokens = sorted(ledger.tokens().await?, |token| token.id);
        for digest in &subjects.tokens {
            self.tokens_found.push(ledger.token(*digest).await?);
        }
        self.in_force = ledger.in_force().await?;
        for id in &subjects.keyed {
            self.keyed.push(ledger.keyed_write(*id).await?);
            self.keyed_writes = ledger.keyed_writes(*id).await?;
        }
        for id in &subjects.replays {
            self.replays.push(ledger.replay(*id).await?.map(|replay| ReplayStory { replay, members: Vec::new() }));
            self.members.push(ledger.members(*id, 1, 3).await?);
            self.progress.push(sorted(ledger.replay_progress(*id).await?, Clone::clone));
        }
        Ok(())
    }

    async fn ask_known(&mut self, ledger: &dyn Ledger, subjects: &Subjects) -> Result<(), Fault> {
        for (source, model) in &subjects.captured {
            let known = ledger.known(source, model, (0..40).rev().collect()).await?;
            assert!(known.unreadable.is_empty(), "{:?}", known.unreadable);
            self.known.push(known.rows);
            let ranges = vec![(0, 10), (10, 25), (5, u64::MAX), (7, 7), (9, 3)];
            self.known_counts.push(ledger.known_counts(source, model, ranges).await?);
            for sight in [Sight::Listed, Sight::Unread] {
                self.known_ids.push(ledger.known_ids(source, model, (sight, (3, 40)), 9).await?);
            }
            self.standings.push(ledger.standing(source).await?);
        }
        Ok(())
    }

    async fn ask_views(&mut self, views: &dyn Views, subjects: &Subjects) -> Result<(), Fault> {
        for id in &subjects.deliveries {
            self.deliveries.push(views.delivery_story(*id).await?);
        }
        for event in &subjects.events {
            self.stories.push(views.event_story(*event).await?);
        }
        self.causes = views.causes().await?;
        assert!(self.causes.is_sorted_by(|one, next| one.count >= next.count), "causes come largest first");
        self.causes.sort_by_key(|group| format!("{group:?}"));
        self.quarantine_causes = views.quarantine_causes().await?;
        assert!(self.quarantine_causes.is_sorted_by(|one, next| one.count >= next.count), "these come largest first too");
        self.quarantine_causes.sort_by_key(|group| format!("{group:?}"));
        self.backlog = views.backlog().await?;
        for word in &subjects.words {
            self.found.push(views.lookup(word, ROWS).await?);
        }
        self.feed = views.feed(0, ROWS).await?;
        assert!(self.feed.is_sorted_by(|one, next| one.seq < next.seq), "the feed rises");
        assert!(self.feed.iter().all(|row| row.seq > 0), "the feed begins after 0");
        self.feed.iter_mut().for_each(|row| row.seq = 0);
        self.policy_list = views.policies(None, ROWS).await?.rows;
        self.replays_newest = views.replays(None, ROWS).await?.rows;
        for (id, replay) in subjects.replays.iter().zip(&mut self.replays) {
            let story = views.replay_story(*id).await?;
            let same = story.as_ref().map(|story| &story.replay) == replay.as_ref().map(|story| &story.replay);
            assert!(same, "ledger and views know the same replay");
            *replay = story;
        }
        Ok(())
    }

    async fn ask_pages(&mut self, views: &dyn Views, subjects: &Subjects) -> Result<(), Fault> {
        for query in &subjects.queries {
            let mut query = DeliveryQuery { limit: PAGE, cursor: None, ..query.clone() };
            let mut rows = Vec::new();
            loop {
                query.cursor = take(views.deliveries(query.clone()).await?, &mut rows);
                if query.cursor.is_none() {
                    break;
                }
            }
            self.pages.push(rows);
        }
        let mut query = QuarantineQuery { limit: PAGE, ..QuarantineQuery::default() };
        loop {
            query.cursor = take(views.quarantine(query.clone()).await?, &mut self.quarantine);
            if query.cursor.is_none() {
                break;
            }
        }
        for subject in std::iter::once(None).chain(subjects.audited.iter().cloned().map(Some)) {
            let mut rows = Vec::new();
            let mut cursor = None;
            loop {
                cursor = take(views.audit(subject.clone(), cursor, PAGE).await?, &mut rows);
                if cursor.is_none() {
                    break;
                }
            }
            self.audit.push(rows);
        }
        Ok(())
    }
}

/// Takes the rows of a page, which may end short before the last, and answers with the next cursor.
fn take<T>(page: Page<T>, rows: &mut Vec<T>) -> Option<String> {
    assert!(page.rows.len() <= PAGE, "a page is no larger than asked for");
    rows.extend(page.rows);
    page.next
}

fn sorted<T, K: Ord>(mut rows: Vec<T>, key: impl FnMut(&T) -> K) -> Vec<T> {
    rows.sort_by_key(key);
    rows
}

fn told(answer: &impl std::fmt::Debug) -> String {
    format!("{answer:#?}")
}
