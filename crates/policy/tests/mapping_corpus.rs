//! Golden tests of mappings: each folder of `corpus/mapping` is a project with one mapping `order`; `expected.txt` says
//! what its check finds and what the mapping makes of each event. `UPDATE=1 cargo test -p crossdock-policy --test
//! mapping_corpus` writes what comes out now.

mod golden;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use model::event::DataAt;
use model::{Diagnostic, Digest, Event, EventType, MappingName, Origin, SourceName, Timestamp};
use policy::render::{self, Colour};
use policy::{EventView, SourceFile, check, codes};

#[test]
fn every_mapping_of_the_corpus_does_as_expected() {
    golden::compare_all("mapping", show);
}

fn show(case: &Path) -> String {
    let mut files = Vec::new();
    collect(case, case, &mut files);
    files.sort_by(|one: &SourceFile, other| one.path.cmp(&other.path));
    let (events, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.path.starts_with("events/"));
    let (policy, found) = check(&files);
    // What is not used is not the question here.
    let found: Vec<Diagnostic> =
        found.into_iter().filter(|found| !matches!(found.code, codes::UNUSED_MAPPING | codes::UNUSED_CONTRACT)).collect();
    let mut shown = render::text(&found, &files, Colour::Plain);
    let Some(policy) = policy else { return shown };
    let mapping = &policy.mappings[&MappingName::new("order").expect("a name")];
    for file in &events {
        writeln!(shown, "=== {}", file.path).expect("a text");
        let event = event(&file.text);
        match mapping.apply_checked(&policy, &EventView::new(&event)) {
            Ok(body) => writeln!(shown, "{}", String::from_utf8_lossy(&body)).expect("a text"),
            Err(reasons) => shown.push_str(&render::text(&reasons, &files, Colour::Plain)),
        }
    }
    shown
}

fn event(data: &str) -> Event {
    Event {
        id: "01890000-0000-7000-8000-000000000007".parse().expect("an id"),
        source: SourceName::new("shop").expect("a name"),
        kind: EventType::new("shopify.orders.create"),
        key: "w-1".to_owned(),
        digest: Digest::of(data.as_bytes()),
        subject: None,
        time: None,
        received_at: Timestamp::from_secs(1_793_000_000),
        contract: None,
        ordering: None,
        correlation: "S00042".to_owned(),
        trace: None,
        identifiers: Vec::new(),
        origin: Origin::Live,
        attributes: BTreeMap::new(),
        body: Bytes::copy_from_slice(data.as_bytes()),
        data: DataAt::Whole,
        content_type: "application/json".to_owned(),
    }
}

fn collect(case: &Path, folder: &Path, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(case, &path, files);
        } else if path.file_name().is_none_or(|name| name != golden::EXPECTED) {
            let name = path.strip_prefix(case).expect("inside").to_string_lossy().replace('\\', "/");
            files.push(SourceFile::new(name, fs::read_to_string(&path).expect("a text")));
        }
    }
}
