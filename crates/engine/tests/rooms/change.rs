//! Policies are applied once, rolled back, and leave nothing waiting for nobody.

use std::sync::Arc;

use engine::book::Book;
use engine::change::apply::{Effect, bootstrap};
use engine::change::decide::{Breaches, MissingSecrets, OpenDeliveries, Terms};
use engine::drive::Turn;
use engine::keyring::{Keyring, Loaded};
use engine::ports::Journal;
use engine::rules::asked::{Asked, NotDone};
use formats::signature::Secret;
use model::{DeliveryState, Entry, Offset, Partition, PolicyVersion, Principal};
use policy::SourceFile;

use crate::world::{End, World, project};

fn one() -> Vec<SourceFile> {
    project("lane: none", &[])
}

fn two() -> Vec<SourceFile> {
    project("lane: none\n  deadline: 2h", &[])
}

fn without_flow() -> Vec<SourceFile> {
    one().into_iter().filter(|file| !file.path.starts_with("flows/")).collect()
}

fn without_wms() -> Vec<SourceFile> {
    without_flow().into_iter().filter(|file| !file.path.contains("wms")).collect()
}

async fn applied(journal: &dyn Journal) -> Vec<PolicyVersion> {
    let version = |entry: &Entry| match entry {
        Entry::PolicyApplied { version, .. } => Some(*version),
        _ => None,
    };
    let records = journal.read(Partition(0), Offset(0), 100).await.unwrap();
    records.iter().filter_map(|record| version(&record.entry)).collect()
}

#[tokio::test]
async fn coming_back_to_a_version_is_applied_again_and_repeating_it_is_not() {
    let mut world = World::new(&one()).await;
    let first = world.book.current().version;
    let second = world.apply(&two(), Terms::default()).await.unwrap().version;
    assert_eq!(world.book.current().version, second);
    assert_eq!(world.apply(&two(), Terms::default()).await.unwrap().effect, Effect::None);
    let back = world.changes().roll_back(first, Terms::default(), &world.asked()).await.unwrap();
    assert_eq!((back.effect, back.version), (Effect::Applied, first));
    assert_eq!(world.apply(&two(), Terms::default()).await.unwrap().effect, Effect::Applied);
    world.route().await;
    assert_eq!(applied(&*world.journal).await, [first, second, first, second]);
    for (version, actions) in [(first, ["policy.roll_back", "policy.bootstrap"]), (second, ["policy.apply", "policy.apply"])]
    {
        let subject = format!("policy/{}", version.short());
        let audit = world.views.audit(Some(subject), None, 10).await.unwrap().rows;
        assert_eq!(audit.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), actions);
    }
}

#[tokio::test]
async fn the_first_policy_is_applied_once_and_later_starts_read_it() {
    let world = World::new(&one()).await;
    let again = bootstrap(&world.ledger, &world.journal.partitions(), &two(), &world.asked()).await.unwrap();
    assert_eq!((again.effect, again.policy.version), (Effect::None, world.book.current().version));
}

#[tokio::test]
async fn a_policy_with_mistakes_changes_nothing() {
    let world = World::new(&one()).await;
    let mut files = two();
    files.push(SourceFile { path: "flows/other.yaml".to_owned(), text: "to: nowhere\n".to_owned() });
    assert!(matches!(world.apply(&files, Terms::default()).await, Err(NotDone::Invalid(findings)) if !findings.is_empty()));
    assert_eq!(world.views.policies(None, 10).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn a_person_who_saw_another_version_is_told() {
    let world = World::new(&one()).await;
    let first = world.book.current().version;
    world.apply(&two(), Terms { onto: Some(first), ..Terms::default() }).await.unwrap();
    let late = world.apply(&without_flow(), Terms { onto: Some(first), ..Terms::default() }).await;
    assert!(matches!(late, Err(NotDone::Changed(_))));
}

#[tokio::test]
async fn what_has_open_deliveries_is_removed_only_when_they_are_to_be_held() {
    let mut world = World::new(&one()).await;
    let id = world.accept(1, "a").await;
    let (changes, in_force) = (world.changes(), world.book.current().version);
    let preview = changes.preview(&without_wms(), Terms::default(), world.asked().at).await.unwrap();
    let removed: Vec<(String, u64)> =
        preview.found.removals.iter().map(|removal| (removal.object.to_string(), removal.open)).collect();
    assert_eq!(removed, [("flow/orders-to-wms".to_owned(), 1), ("destination/wms".to_owned(), 1)]);
    assert!(matches!(preview.refusals.as_slice(), [NotDone::Refused(_)]), "{:?}", preview.refusals);
    assert_eq!((preview.previous, world.book.current().version), (in_force, in_force), "a preview changes nothing");
    let refused = world.apply(&without_wms(), Terms::default()).await;
    assert!(matches!(refused, Err(NotDone::Refused(_))), "{refused:?}");
    let terms = Terms { open: OpenDeliveries::Hold, ..Terms::default() };
    assert!(changes.preview(&without_wms(), terms, world.asked().at).await.unwrap().refusals.is_empty());
    let applied = world.apply(&without_wms(), terms).await.unwrap();
    assert_eq!((applied.held, applied.under_way), (1, 0));
    assert!(matches!(world.delivery(id).await.state, DeliveryState::Held { .. }));
    world.check_accounts().await;
}

#[tokio::test]
async fn what_is_final_does_not_keep_a_destination() {
    let mut world = World::new(&one()).await;
    world.accept(1, "a").await;
    world.attempt(End::Done).await;
    assert_eq!(world.apply(&without_wms(), Terms::default()).await.unwrap().effect, Effect::Applied);
}

#[tokio::test]
async fn of_two_people_who_apply_at_once_the_second_is_told_who_was_first() {
    let world = World::new(&one()).await;
    let (two, without) = (two(), without_flow());
    let changes = world.changes();
    let (ines, ada) = (world.asked(), Asked { by: Principal::new("ada"), ..world.asked() });
    let terms = Terms { onto: Some(world.book.current().version), ..Terms::default() };
    let ends = futures::future::join(changes.apply(&two, terms, &ines), changes.apply(&without, terms, &ada)).await;
    let (done, beaten) = match ends {
        (Ok(done), Err(beaten)) | (Err(beaten), Ok(done)) => (done, beaten),
        other => panic!("one of them wins: {other:?}"),
    };
    let winner = world.ledger.in_force().await.unwrap().unwrap();
    assert_eq!((winner.number, winner.version), (2, done.version));
    let said = beaten.to_string();
    assert!(matches!(beaten, NotDone::Changed(_)) && said.contains(winner.by.as_str()), "{said}");
    assert_eq!(world.views.policies(None, 10).await.unwrap().rows.len(), 2, "the second left nothing");
}

#[tokio::test]
async fn an_earlier_policy_that_comes_back_is_an_application_of_its_own() {
    let world = World::new(&one()).await;
    let first = world.book.current().version;
    world.apply(&two(), Terms::default()).await.unwrap();
    world.apply(&one(), Terms::default()).await.unwrap();
    let last = world.ledger.in_force().await.unwrap().unwrap();
    assert_eq!((last.number, last.version), (3, first));
    let again = world.apply(&one(), Terms::default()).await.unwrap();
    assert_eq!(again.effect, Effect::None);
    assert_eq!(world.ledger.in_force().await.unwrap().unwrap().number, 3);
}

#[tokio::test]
async fn a_policy_with_a_secret_that_has_no_value_is_refused_unless_the_person_knows() {
    let world = World::new(&one()).await;
    let missing = vec!["wms/token (CROSSDOCK_SECRET_WMS_TOKEN)".to_owned()];
    let loaded = Loaded { missing: missing.clone(), ..Loaded::default() };
    drop(world.book.follow_keys(Box::new(move |_| loaded.clone())));
    let refused = world.apply(&two(), Terms::default()).await;
    assert!(matches!(&refused, Err(NotDone::SecretsMissing(found)) if *found == missing), "{refused:?}");
    let terms = Terms { missing: MissingSecrets::Allow, ..Terms::default() };
    assert_eq!(world.apply(&two(), terms).await.unwrap().effect, Effect::Applied);
}

#[tokio::test]
async fn a_contract_keeps_what_it_promised_unless_the_person_knows_and_the_way_back_is_open() {
    let with = |states: &str| {
        let schema =
            format!("lifecycle: approved\nschema:\n  type: object\n  properties:\n    state: {{ enum: [{states}] }}\n");
        project("lane: none", &[("contracts/orders/1.0.0.yaml", &schema)])
    };
    let world = World::new(&with("open, shut")).await;
    let first = world.book.current().version;
    let broken = vec!["orders@1.0.0 breaks those who read: it needs the version 2.0.0".to_owned()];
    let more = with("open, shut, ajar");
    let refused = world.apply(&more, Terms::default()).await;
    assert!(matches!(&refused, Err(NotDone::Breaks(told)) if *told == broken), "{refused:?}");
    let preview = world.changes().preview(&more, Terms::default(), world.asked().at).await.unwrap();
    assert!(matches!(preview.refusals.as_slice(), [NotDone::Breaks(told)] if *told == broken), "{:?}", preview.refusals);
    assert_eq!(world.book.current().version, first, "nothing was changed");
    let terms = Terms { breaches: Breaches::Allow, ..Terms::default() };
    assert_eq!(world.apply(&more, terms).await.unwrap().effect, Effect::Applied);
    // The state that goes breaks those who send it; who goes back is not asked.
    let back = world.changes().roll_back(first, Terms::default(), &world.asked()).await.unwrap();
    assert_eq!((back.effect, back.version), (Effect::Applied, first));
}

#[tokio::test]
async fn values_of_the_old_and_the_new_policy_are_held_before_the_new_one_is_seen() {
    let signed = |secret: &str| {
        let system = format!(
            "owner: team\nsources:\n  web:\n    verify: {{ shared_secret: {{ header: x-token }}, secrets: [{secret}] }}\n"
        );
        project("lane: none", &[("systems/web.yaml", &system)])
    };
    let world = World::new(&signed("web/old")).await;
    let book = Arc::clone(&world.book);
    let load = |policies: &[&policy::Policy]| {
        let names = policies.iter().flat_map(|policy| policy.sources.values()).flat_map(|source| source.secrets.clone());
        Loaded { keys: Keyring::from_pairs(names.map(|name| (name, Secret::new("value")))), missing: Vec::new() }
    };
    let (seen, order) = std::sync::mpsc::sync_channel(8);
    let keys = book.follow_keys(Box::new(move |policies| {
        seen.send(policies.len()).unwrap();
        load(policies)
    }));
    let names = || keys.borrow().names().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(), ["web/old"]);
    world.apply(&signed("web/new"), Terms::default()).await.unwrap();
    assert_eq!(names(), ["web/new", "web/old"], "who still judges by the old policy finds its values");
    world.book.renew_keys();
    assert_eq!(names(), ["web/new"]);
    assert_eq!(order.try_iter().collect::<Vec<_>>(), [1, 1, 2, 1], "start, check of what is applied, both, the new one");
}

#[tokio::test]
async fn a_router_that_lags_brings_back_no_earlier_policy() {
    let mut world = World::new(&one()).await;
    let first = world.book.current().version;
    world.apply(&two(), Terms::default()).await.unwrap();
    world.changes().roll_back(first, Terms::default(), &world.asked()).await.unwrap();
    world.outbox().turn().await.unwrap();
    while world.route_one().await == Turn::Worked {
        assert_eq!(world.book.current().version, first, "what was rolled back judges nothing any more");
    }
}

#[tokio::test]
async fn another_node_learns_what_is_in_force_and_not_what_routers_have_reached() {
    let world = World::new(&one()).await;
    let first = world.book.current();
    let second = world.apply(&two(), Terms::default()).await.unwrap().version;
    let mut other = world.membership(Arc::new(Book::new(world.ledger.clone(), first.clone())));
    other.turn().await.unwrap();
    assert_eq!(other.book.current().version, second, "the router has not moved");
    world.changes().roll_back(first.version, Terms::default(), &world.asked()).await.unwrap();
    other.turn().await.unwrap();
    assert_eq!(other.book.current().version, first.version);
}

#[tokio::test]
async fn of_two_people_who_apply_at_once_one_is_told_to_look_again() {
    let world = World::new(&one()).await;
    let (changes, asked) = (world.changes(), world.asked());
    let (files, others) = (two(), project("lane: none\n  deadline: 3h", &[]));
    let both =
        futures::join!(changes.apply(&files, Terms::default(), &asked), changes.apply(&others, Terms::default(), &asked));
    let told = [both.0, both.1].into_iter().filter(Result::is_err).count();
    let in_force = world.ledger.in_force().await.unwrap().unwrap();
    assert_eq!(in_force.number, 3 - told as u64, "each that was told done counts");
    assert_eq!(world.book.current().version, in_force.version);
}

#[tokio::test]
async fn a_start_begins_with_what_is_in_force_however_far_the_router_is() {
    let world = World::new(&one()).await;
    let second = world.apply(&two(), Terms::default()).await.unwrap().version;
    let again = bootstrap(&world.ledger, &world.journal.partitions(), &one(), &world.asked()).await.unwrap();
    assert_eq!(again.policy.version, second);
}
