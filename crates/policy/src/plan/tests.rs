//! Plans by example.

use super::*;

fn files(list: &[(&str, &str)]) -> Vec<SourceFile> {
    list.iter().map(|(path, text)| SourceFile::new(*path, *text)).collect()
}

fn check(before: &[(&str, &str)], after: &[(&str, &str)], expected: &str) {
    let plan = plan(&files(before), &files(after));
    assert_eq!(text(&plan), expected);
    assert!(serde_json::to_string(&plan).is_ok());
}

const SYSTEM: &str = "owner: team\nsources:\n  shop:\n    verify: { preset: shopify, secrets: [shop/webhook] }\n    events:\n      orders/create: { contract: order@1.0.0 }\ndestinations:\n  wms:\n    url: https://wms.example.com/\n";
const FLOW: &str = "owner: team\non: { types: [order] }\nmapping: order\nto: wms\n";
const MAPPING: &str = "from: order@1.0.0\nto: order@1.0.0\nfields:\n  weight: .weight\n  gone: .x\n";
const CONTRACT: &str =
    "schema:\n  type: object\n  required: [id]\n  properties:\n    id: { type: integer }\n    state: { enum: [a, b] }\n";

const PROJECT: &[(&str, &str)] = &[
    ("systems/shop.yaml", SYSTEM),
    ("flows/orders.yaml", FLOW),
    ("mappings/order.yaml", MAPPING),
    ("contracts/order/1.0.0.yaml", CONTRACT),
];

fn changed(path: &str, text: &str) -> Vec<(&'static str, String)> {
    PROJECT.iter().map(|(at, old)| (*at, if *at == path { text.to_owned() } else { (*old).to_owned() })).collect()
}

fn check_change(path: &str, now: &str, expected: &str) {
    let after = changed(path, now);
    let after: Vec<(&str, &str)> = after.iter().map(|(path, text)| (*path, text.as_str())).collect();
    check(PROJECT, &after, expected);
}

#[test]
fn nothing_and_layout_are_no_change() {
    check(PROJECT, PROJECT, "Plan: nothing to change.\n");
    let flow = format!("# why\n{}", FLOW.replace("types: [order]", "types: [\"order\"]"));
    check_change("flows/orders.yaml", &flow, "Plan: nothing to change; only comments or layout differ.\n");
}

#[test]
fn a_first_project_comes_whole() {
    check(
        &[],
        PROJECT,
        "  + system       shop\n  + source       shop                     of shop\n  + destination  wms                      of shop, https://wms.example.com/\n  + contract     order@1.0.0\n  + mapping      order                    order@1.0.0 → order@1.0.0\n  + flow         orders                   on order, to wms\nAffects   1 flow (orders) · 1 source (shop) · 1 destination (wms)\nPlan: 6 to add, 0 to change, 0 to remove.\n",
    );
}

#[test]
fn fields_of_a_mapping_change_by_path() {
    check_change(
        "mappings/order.yaml",
        "from: order@1.0.0\nto: order@1.0.0\nfields:\n  weight: .weight / 1000\n  buyer: { name: .n }\n",
        "  ~ mapping      order\n      weight: .weight  →  .weight / 1000\n      + buyer: {\"name\":\".n\"}\n      - gone: .x\nAffects   1 flow (orders) · 1 destination (wms)\nPlan: 0 to add, 1 to change, 0 to remove.\n",
    );
}

#[test]
fn what_goes_is_flagged() {
    let without = SYSTEM.split("destinations:").next().unwrap();
    check_change(
        "systems/shop.yaml",
        without,
        "  - destination  wms                      of shop, https://wms.example.com/\n      ▲ its open deliveries are held; finish or cancel them first\nAffects   1 flow (orders) · 1 destination (wms)\nPlan: 0 to add, 0 to change, 1 to remove.\n",
    );
}

#[test]
fn lists_tell_what_comes_and_goes() {
    check_change(
        "flows/orders.yaml",
        "owner: team\non: { types: [order, sale] }\nmapping: order\nto: wms\ndeliver: { lane: none }\n",
        "  ~ flow         orders\n      + on.types: sale\n      + deliver: {\"lane\":\"none\"}\nAffects   1 flow (orders) · 1 destination (wms)\nPlan: 0 to add, 1 to change, 0 to remove.\n",
    );
}

#[test]
fn a_schema_changes_by_its_fields_and_says_whom_it_breaks() {
    check_change(
        "contracts/order/1.0.0.yaml",
        "schema:\n  type: object\n  required: [id]\n  properties:\n    id: { type: integer }\n    state: { enum: [a, b] }\n    note: { type: string }\n",
        "  ~ contract     order@1.0.0              compatible\n      + note: string, optional\nAffects   1 flow (orders) · 1 source (shop) · 1 destination (wms)\nPlan: 0 to add, 1 to change, 0 to remove.\n",
    );
    check_change(
        "contracts/order/1.0.0.yaml",
        "schema:\n  type: object\n  required: [id, state]\n  properties:\n    id: { type: string }\n    state: { enum: [a, c] }\n",
        "  ~ contract     order@1.0.0              breaks those who send and those who read\n      id: integer  →  string   (breaks those who send and those who read)\n      state: optional  →  required   (breaks those who send)\n      state enum: \"a\" \"b\"  →  \"a\" \"c\"   (breaks those who send and those who read)\n      ▲ those who send: mapping order, source shop\n      ▲ those who read: destination wms, mapping order\n      ✗ order@1.0.0 breaks those who send and those who read: it needs the version 2.0.0\nAffects   1 flow (orders) · 1 source (shop) · 1 destination (wms)\nPlan: 0 to add, 1 to change, 0 to remove.\n",
    );
}

#[test]
fn a_version_takes_the_place_of_another() {
    let next = CONTRACT.replace("state:", "status:");
    let before = [("contracts/order/1.0.0.yaml", CONTRACT)];
    let text_of = |after: &[(&str, &str)]| text(&plan(&files(&before), &files(after)));
    assert_eq!(
        text_of(&[("contracts/order/2.0.0.yaml", &next)]),
        "  ~ contract     order                    1.0.0 → 2.0.0   breaks those who read\n      - state: any, optional   (breaks those who read)\n      + status: any, optional\nAffects   nothing that runs\nPlan: 0 to add, 1 to change, 0 to remove.\n",
    );
    assert_eq!(
        text_of(&[("contracts/order/1.0.0.yaml", CONTRACT), ("contracts/order/1.1.0.yaml", CONTRACT)]),
        "  + contract     order@1.1.0              1.0.0 → 1.1.0   compatible\nAffects   nothing that runs\nPlan: 1 to add, 0 to change, 0 to remove.\n",
    );
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    let text = "schema: { $ref: '#/$defs/a', $defs: { a: { properties: { b: { $ref: '#/$defs/a' }, c: { $ref: '#/$defs/a' } } } } }\n";
    let before = [("contracts/order/1.0.0.yaml", CONTRACT)];
    let plan = plan(&files(&before), &files(&[("contracts/order/1.0.0.yaml", text)]));
    assert_eq!(plan.counts(), (0, 1, 0));
}
