//! The catalog of a small project.

use super::*;

const FILES: &[(&str, &str)] = &[
    (
        "systems/erp.yaml",
        "owner: team-erp\nsources:\n  erp:\n    verify: { preset: github, secrets: [erp/webhook] }\n    events:\n      order: { contract: order@1.0.0 }\n      plain: { contract: plain@1.0.0 }\ndestinations:\n  wms: { url: https://wms.example.com/ }\n  lake: { url: https://lake.example.com/ }\n",
    ),
    ("teams/team-erp.yaml", "contacts:\n  - phone: \"+31 20 555 0100\"\n    note: nights\n  - email: erp@example.com\n"),
    (
        "contracts/order/1.0.0.yaml",
        "owner: team-erp\ndomain: sales\naliases: [customer order]\nretention: 3650d\nrecord: { .: erp }\nmode: { pace: batch, why: one wave an hour }\nservice: { within: 90m, share: 99% }\nschema: { type: object, properties: { id: { type: string } } }\n",
    ),
    ("contracts/order/2.0.0.yaml", "lifecycle: draft\nschema: { type: object, properties: { number: { type: string } } }\n"),
    (
        "contracts/order/10.0.0.yaml",
        "lifecycle: draft\nschema: { type: object, properties: { number: { type: string } } }\n",
    ),
    ("contracts/plain/1.0.0.yaml", "schema: { type: object, properties: { id: { type: string } } }\n"),
    ("contracts/job/1.0.0.yaml", "schema: { type: object, properties: { id: { type: string } } }\n"),
    ("mappings/job.yaml", "from: order@1.0.0\nto: job@1.0.0\nfields: { id: .id }\n"),
    ("flows/jobs.yaml", "owner: team-erp\non: { types: [order] }\nmapping: job\nto: wms\n"),
    ("flows/raw.yaml", "owner: team-erp\non: { types: [plain] }\nto: lake\n"),
];

fn entries() -> Vec<Entry> {
    let files: Vec<SourceFile> = FILES.iter().map(|(path, text)| SourceFile::new(*path, *text)).collect();
    let (policy, findings) = crate::check(&files);
    assert!(policy.is_some(), "{findings:?}");
    catalog(&files)
}

#[test]
fn each_version_is_an_entry_with_its_users_the_newest_first() {
    let entries = entries();
    let told: Vec<(String, Vec<&String>, Vec<&String>)> = entries
        .iter()
        .map(|entry| (entry.reference(), entry.users.senders.iter().collect(), entry.users.readers.iter().collect()))
        .collect();
    let told: Vec<String> = told.iter().map(|(name, senders, readers)| format!("{name} {senders:?} {readers:?}")).collect();
    assert_eq!(
        told,
        [
            r#"job@1.0.0 ["mapping job"] ["destination wms"]"#,
            "order@10.0.0 [] []",
            "order@2.0.0 [] []",
            r#"order@1.0.0 ["source erp"] ["mapping job"]"#,
            r#"plain@1.0.0 ["source erp"] ["destination lake"]"#,
        ]
    );
}

#[test]
fn what_was_agreed_is_told_as_it_was_written() {
    let entries = entries();
    let order = entries.iter().find(|entry| entry.reference() == "order@1.0.0").unwrap();
    assert_eq!(order.contacts, ["+31 20 555 0100 (nights)", "erp@example.com"]);
    assert_eq!((order.retention.as_deref(), order.service.as_deref()), (Some("3650d"), Some("99% within 90m")));
    assert_eq!((order.pace, order.pace_reason.as_deref()), (Some("batch"), Some("one wave an hour")));
    assert_eq!(order.record, BTreeMap::from([(".".to_owned(), "erp".to_owned())]));
    assert!(order.schema["properties"]["id"].is_object() && order.clone().short().schema.is_null());
}

#[test]
fn a_contract_is_found_by_whatever_people_call_it() {
    let entries = entries();
    let found = |word| meant(&entries, word).map(|found| found.iter().map(|entry| entry.reference()).collect::<Vec<_>>());
    assert_eq!(found("Customer Order").unwrap(), ["order@1.0.0"]);
    assert_eq!(found("order").unwrap(), ["order@10.0.0", "order@2.0.0", "order@1.0.0"]);
    assert_eq!(found("order@2.0.0").unwrap(), ["order@2.0.0"]);
    assert_eq!(found("oder"), Err(Some("order")));
    assert_eq!(found("zzzzzz"), Err(None));
}
