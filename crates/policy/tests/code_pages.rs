//! The examples on the pages of codes: each provokes its code. Blocks begin with their path; what they refer to beside
//! themselves is in a small project that all pages share.

use policy::codes::{CODES, CodeInfo};
use policy::{SourceFile, check_at};

const SHARED: [(&str, &str); 5] = [
    (
        "systems/base.yaml",
        "owner: team-base\nsources:\n  base:\n    verify: { preset: github, secrets: [base/webhook] }\n    events: { order: { contract: order@1.0.0 }, later: { contract: order@2.0.0 } }\ndestinations:\n  wms: { url: https://wms.example.com/ }\n",
    ),
    ("contracts/order/1.0.0.yaml", "schema: { type: object, properties: { id: { type: integer } } }\n"),
    ("contracts/order/2.0.0.yaml", "type: order.later\nschema: { type: object, properties: { id: { type: integer } } }\n"),
    ("mappings/order.yaml", "from: order@1.0.0\nto: order@1.0.0\nfields: { id: .id }\n"),
    ("flows/base.yaml", "owner: team-base\non: { types: [order] }\nmapping: order\nto: wms\n"),
];

#[test]
fn every_example_provokes_its_code() {
    let groups = ["H01", "H02", "H03", "H04", "H05", "H06"];
    let (mut silent, mut examined) = (Vec::new(), 0);
    for info in CODES.iter().filter(|info| groups.iter().any(|group| info.text.starts_with(group))) {
        let files = project(info);
        // A page that has no project as its example shows text instead.
        if !files.is_empty() {
            examined += 1;
            if !provokes(&files, info) {
                silent.push(info.text);
            }
        }
    }
    assert!(examined > 50, "the blocks are found: {examined}");
    assert_eq!(silent, [""; 0], "examples that do not provoke their code");
}

#[test]
fn every_page_says_what_it_means_and_what_to_do() {
    for info in CODES {
        let lines = info.page.lines().count();
        assert!((6..=45).contains(&lines), "{} has {lines} lines", info.text);
    }
}

fn provokes(files: &[SourceFile], info: &CodeInfo) -> bool {
    let shared = SHARED.iter().filter(|(path, _)| files.iter().all(|file| file.path != *path));
    let all: Vec<SourceFile> =
        files.iter().cloned().chain(shared.map(|(path, text)| SourceFile::new(*path, *text))).collect();
    let now = "2026-06-01T00:00:00Z".parse().expect("an instant");
    check_at(&all, now).1.iter().any(|diagnostic| diagnostic.code == info.code)
}

/// The blocks of YAML that begin with their path.
fn project(info: &CodeInfo) -> Vec<SourceFile> {
    let blocks = info.page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let file = |block: &str| {
        let path = block.lines().next()?.strip_prefix("# ")?;
        path.contains('/').then(|| SourceFile::new(path, block))
    };
    blocks.filter_map(file).collect()
}
