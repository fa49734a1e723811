//! What a record that was read tells, compared with what was known of it: pure. The same content, told for the same time, is one
//! event, however often and by whom it is found.

use bytes::Bytes;
use model::{Digest, Known, Seen, Telling, Told as Tellings};
use serde_json::json;

use crate::ports::{Row, Shape};

/// What happened to a record that entered no state.
const CREATED: &str = "created";
const CHANGED: &str = "changed";
pub(in crate::intake::capture) const DELETED: &str = "deleted";

/// What a record that was read is, compared with what was known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What happened to it, where it is an event.
    pub news: Option<News>,
    /// What is known of it from now on.
    pub known: Known,
}

/// What happened to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The last part of its native type: its state, `created`, `changed` or `deleted`.
    pub word: String,
    /// Its key in the journal.
    pub key: String,
    /// How often the record was told before.
    pub times: u64,
    /// What it holds; `None` where it is gone.
    pub content: Option<Digest>,
}

/// Whether a look at bodies or at less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Ids, write dates and states, at first. What is not known becomes so without an event; what is known by then was read
    /// whole after a nudge, and what its event said stays what is compared with.
    First,
    /// The same anew: what is known was read otherwise, and its content is not comparable any more.
    Light,
    /// Everything.
    Whole,
    /// Everything, of a record that is said to have changed: one that is known without its content is an event.
    Changed,
    /// Everything, and what intake refused is an event once more: it may take it now.
    Again,
}

/// Judges a record that was read. Tellings of one of which nothing is known are counted from `counted_from` on.
pub fn judge(model: &str, row: &Row, (before, counted_from): (Option<&Known>, u64), shape: Shape, depth: Depth) -> Judged {
    let told = before.map_or(Tellings { times: counted_from, telling: Telling::Done }, |before| before.told);
    let seen = |digest, told| Known {
        id: row.id,
        written_at: row.written_at,
        state: row.state.clone(),
        digest,
        seen: Seen::Shown,
        told,
    };
    match (depth, before) {
        // What was written since is left as it was: a sweep finds it.
        (Depth::First | Depth::Light, Some(before)) if before.written_at != row.written_at => {
            Judged { news: None, known: before.clone() }
        }
        (Depth::First, Some(before)) => Judged { news: None, known: Known { seen: Seen::Shown, ..before.clone() } },
        (Depth::First, None) | (Depth::Light, _) => Judged { news: None, known: seen(None, told) },
        (Depth::Whole | Depth::Changed | Depth::Again, before) => {
            let digest = Digest::of(&row.body);
            if before.is_some_and(|before| is_same(row, before, digest, depth)) {
                return Judged { news: None, known: seen(Some(digest), told) };
            }
            let times = told.times + passed_over(before, digest);
            let news =
                News { word: word(row, before, shape), key: key(model, row, times, digest), times, content: Some(digest) };
            let told = Tellings { times: times + 1, telling: Telling::Done };
            Judged { news: Some(news), known: seen(Some(digest), told) }
        }
    }
}

/// Whether it is as it is known. Where an event was begun that may be in the journal or not, it is told again whatever it is: under
/// the same key where it is what was begun. What intake refused is told again where that is asked for.
fn is_same(row: &Row, before: &Known, digest: Digest, depth: Depth) -> bool {
    let has_same_content = match before.digest {
        Some(held) => held == digest,
        // Nothing was read of it yet: the write date is all there is to compare.
        None => depth != Depth::Changed && before.written_at == row.written_at && before.state == row.state,
    };
    let is_told = match before.told.telling {
        Telling::Done => true,
        Telling::Refused => depth != Depth::Again,
        Telling::Begun => false,
    };
    has_same_content && is_told
}

/// What is known of a record that is listed and whose content is refused, where that is new.
pub fn closed(id: u64, before: Option<&Known>, counted_from: u64) -> Option<Known> {
    let told = Tellings { times: counted_from, telling: Telling::Done };
    match before {
        Some(before) if before.seen == Seen::Closed => None,
        Some(before) => Some(Known { seen: Seen::Closed, ..before.clone() }),
        None => Some(Known { id, written_at: None, state: None, digest: None, seen: Seen::Closed, told }),
    }
}

/// How many tellings were begun before this one that may be in the journal: one, of another content. Told under its number too, this
/// one would be a repeat when it is there again after a third.
fn passed_over(before: Option<&Known>, digest: Digest) -> u64 {
    let is_begun = |before: &Known| before.told.telling == Telling::Begun && before.digest != Some(digest);
    u64::from(before.is_some_and(is_begun))
}

/// What is known of a record from before its event is in the journal until after: what was known, and which telling of which
/// content was begun.
pub fn begun(id: u64, before: Option<&Known>, news: &News) -> Known {
    let told = Tellings { times: news.times, telling: Telling::Begun };
    let (written_at, state) = before.map_or((None, None), |before| (before.written_at, before.state.clone()));
    Known { id, written_at, state, digest: news.content, seen: Seen::Shown, told }
}

fn word(row: &Row, before: Option<&Known>, shape: Shape) -> String {
    // Of one that was closed before anybody read it, or begun and nothing more, nothing is known but that it is there.
    let before = before.filter(|before| before.written_at.is_some() || before.state.is_some());
    let entered = row.state.as_ref().filter(|state| before.is_none_or(|before| before.state.as_ref() != Some(state)));
    match (shape, entered, before) {
        (Shape::Stated, Some(state), _) => state.clone(),
        (Shape::Stated | Shape::Plain, _, None) => CREATED.to_owned(),
        (Shape::Stated | Shape::Plain, _, Some(_)) => CHANGED.to_owned(),
    }
}

/// The key of what was read. The same content, told for the same time, is one event, however often and by whom it is found; a record
/// that goes there and back is told each time.
fn key(model: &str, row: &Row, times: u64, digest: Digest) -> String {
    let written = row.written_at.map_or_else(String::new, |at| at.secs().to_string());
    format!("{model}/{}/{written}/{times}/{digest}", row.id)
}

/// The deletion of a record of which this was known. Ids are not used again, but a database that was restored has them again: so the
/// key says what was deleted.
pub fn deletion(model: &str, known: &Known) -> News {
    let written = known.written_at.map_or_else(String::new, |at| at.secs().to_string());
    let times = known.told.times;
    let key = format!("{model}/{}/deleted/{written}/{times}", known.id);
    News { word: DELETED.to_owned(), key, times, content: None }
}

/// From where tellings are counted of what is read after this record was deleted.
pub const fn counted_after(known: &Known) -> u64 {
    known.told.times + 1
}

/// Whether a word of an event is not a state but what we say happened.
pub fn is_our_word(word: &str) -> bool {
    [CREATED, CHANGED, DELETED].contains(&word)
}

/// The body of the event of a deletion.
pub fn deleted_body(model: &str, id: u64) -> Bytes {
    Bytes::from(json!({ "model": model, "id": id, "record": null }).to_string())
}
