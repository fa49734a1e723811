//! `crossdock tail`: events as they are accepted and deliveries as they move, until a person or a closed pipe ends it.

use model::view::FeedRow;
use model::{Position, Timestamp};
use serde_json::json;
use server::api::{EventSummary, Rows};

use crate::args::{Common, Form, Tail};
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::moment::Moment;
use crate::output::Output;
use crate::patience::Patience;

/// Rows that are asked for at once.
const PAGE: usize = 200;
/// LIMIT: events between two looks that are shown; the journal has them all.
const EVENTS_MAX: usize = 2_000;

/// Lines of what happened before where nothing is said.
const LINES: usize = 10;

/// How far the reader is.
struct Reader<'a> {
    client: &'a Client,
    output: &'a Output,
    /// The feed's last row that was shown.
    feed: u64,
    /// The newest event that was shown, for each partition.
    events: Vec<Position>,
}

/// A line of either kind.
enum Line {
    Event(Box<EventSummary>),
    Delivery(FeedRow),
}

pub(crate) async fn run(common: &Common, args: &Tail, output: &Output) -> Ended {
    let client = Client::new(common)?;
    let since = args.since.map(Moment::at);
    let mut reader = Reader { client: &client, output, feed: 0, events: Vec::new() };
    let mut lines = reader.begin(since, args.limit).await?;
    let mut patience = Patience::new();
    loop {
        let moved = !lines.is_empty();
        lines.sort_by_key(Line::at);
        for line in &lines {
            print(line, output);
        }
        if output.is_closed() || args.no_follow {
            return Ok(Exit::Done);
        }
        if moved {
            patience.renew();
        }
        if patience.wait().await.is_interrupted() {
            return Ok(Exit::Interrupted);
        }
        lines = reader.further().await?;
    }
}

impl Reader<'_> {
    /// What there is since a moment, or the last few lines; of either at most so many, the newest.
    async fn begin(&mut self, since: Option<Timestamp>, limit: Option<usize>) -> Result<Vec<Line>, Failure> {
        let mut lines = match since {
            Some(since) => self.begin_at(since, limit.unwrap_or(usize::MAX)).await?,
            None => self.begin_with(limit.unwrap_or(LINES)).await?,
        };
        lines.sort_by_key(Line::at);
        let kept = limit.unwrap_or(if since.is_some() { usize::MAX } else { LINES });
        lines.drain(..lines.len().saturating_sub(kept));
        Ok(lines)
    }

    /// The last row of the feed that there is.
    async fn head(&self) -> Result<u64, Failure> {
        let newest: Rows<FeedRow> = self.client.get("/feed?limit=1").await?;
        Ok(newest.next.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default())
    }

    async fn begin_at(&mut self, since: Timestamp, wanted: usize) -> Result<Vec<Line>, Failure> {
        let head = self.head().await?;
        self.feed = self.feed_before(since, head).await?;
        // One more tells whether there are more.
        let mut events: Vec<EventSummary> = self.client.rows("/events", &[], EVENTS_MAX + 1).await?;
        self.note(&events);
        events.retain(|event| event.received_at >= since);
        if events.len() > EVENTS_MAX {
            events.truncate(EVENTS_MAX);
            if wanted > EVENTS_MAX {
                self.output.say(&format!(
                    "only the newest {EVENTS_MAX} events are shown, and there are more: crossdock events ls --since {since} --limit N"
                ));
            }
        }
        self.with_feed(events).await
    }

    /// At least so many lines, where there are as many.
    async fn begin_with(&mut self, limit: usize) -> Result<Vec<Line>, Failure> {
        self.feed = self.head().await?.saturating_sub(limit as u64);
        // The newest is known, even if it is not shown.
        let events: Vec<EventSummary> = self.client.rows("/events", &[], limit.max(1)).await?;
        self.note(&events);
        self.with_feed(events).await
    }

    async fn with_feed(&mut self, events: Vec<EventSummary>) -> Result<Vec<Line>, Failure> {
        let mut lines = self.feed().await?;
        lines.extend(events.into_iter().map(|event| Line::Event(Box::new(event))));
        Ok(lines)
    }

    /// A place in the feed such that what happened at or after `since` is above it, found by halving.
    async fn feed_before(&self, since: Timestamp, head: u64) -> Result<u64, Failure> {
        let (mut below, mut above) = (0, head);
        while below < above {
            let middle = below + (above - below) / 2;
            let row: Rows<FeedRow> = self.client.get(&format!("/feed?after={middle}&limit=1")).await?;
            match row.rows.first() {
                Some(row) if row.at < since => below = row.seq.max(middle + 1),
                Some(_) | None => above = middle,
            }
        }
        Ok(below)
    }

    async fn further(&mut self) -> Result<Vec<Line>, Failure> {
        let mut lines = self.feed().await?;
        let mut fresh = Vec::new();
        let mut cursor = None;
        while fresh.len() < EVENTS_MAX {
            let page: Rows<EventSummary> = self.client.query("/events", &json!({ "limit": PAGE, "cursor": cursor })).await?;
            let asked = page.rows.len();
            let before = fresh.len();
            fresh.extend(page.rows.into_iter().filter(|event| self.is_new(event)));
            cursor = page.next;
            let has_reached_known = fresh.len() - before < asked;
            if cursor.is_none() || has_reached_known {
                break;
            }
            if fresh.len() >= EVENTS_MAX {
                self.output.say("more events came at once than are shown: crossdock events ls --limit N");
            }
        }
        self.note(&fresh);
        lines.extend(fresh.into_iter().map(|event| Line::Event(Box::new(event))));
        Ok(lines)
    }

    fn is_new(&self, event: &EventSummary) -> bool {
        let shown = self.events.iter().find(|position| position.partition == event.position.partition);
        shown.is_none_or(|shown| event.position.offset > shown.offset)
    }

    fn note(&mut self, events: &[EventSummary]) {
        for event in events {
            match self.events.iter_mut().find(|position| position.partition == event.position.partition) {
                Some(shown) => *shown = (*shown).max(event.position),
                None => self.events.push(event.position),
            }
        }
    }

    async fn feed(&mut self) -> Result<Vec<Line>, Failure> {
        let mut lines = Vec::new();
        loop {
            let page: Rows<FeedRow> = self.client.get(&format!("/feed?after={}&limit={PAGE}", self.feed)).await?;
            let full = page.rows.len() == PAGE;
            self.feed = page.rows.last().map_or(self.feed, |row| row.seq);
            lines.extend(page.rows.into_iter().map(Line::Delivery));
            if !full {
                return Ok(lines);
            }
        }
    }
}

impl Line {
    fn at(&self) -> Timestamp {
        match self {
            Self::Event(event) => event.received_at,
            Self::Delivery(row) => row.at,
        }
    }
}

fn print(line: &Line, output: &Output) {
    match (line, output.form) {
        (Line::Event(event), Form::Json) => {
            output.json_line(&json!({ "schema": "crossdock/tail/1", "event": event }));
        }
        (Line::Delivery(row), Form::Json) => {
            output.json_line(&json!({ "schema": "crossdock/tail/1", "delivery": row }));
        }
        (Line::Event(event), Form::Table) => {
            let names: Vec<String> = event.identifiers.iter().map(|it| format!("{}={}", it.scheme, it.value)).collect();
            output.line(&format!(
                "{}  event     {}  {:<11} {} from {}  {}",
                output.time(event.received_at),
                event.id,
                event.verdict,
                event.kind,
                event.source,
                names.join(" ")
            ));
        }
        (Line::Delivery(row), Form::Table) => {
            output.line(&format!(
                "{}  delivery  {}  {:<11} {} to {}, attempt {}  {}",
                output.time(row.at),
                row.delivery,
                row.state,
                row.flow,
                row.destination,
                row.attempts,
                row.why
            ));
        }
    }
}
