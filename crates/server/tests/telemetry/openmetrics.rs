//! A strict reader of OpenMetrics text: what breaks a rule of the standard that an exporter can break is a panic.

use std::collections::{BTreeMap, BTreeSet};

/// A family that is being read.
#[derive(Debug)]
struct Family {
    name: String,
    kind: String,
    unit: Option<String>,
}

/// The samples of a page by name and sorted labels; empty labels count as absent.
pub(crate) fn read(page: &str) -> BTreeMap<String, f64> {
    let body = page.strip_suffix("# EOF\n").expect("it ends with its mark");
    assert!(!page.contains('\r') && !body.contains("# EOF"));
    let mut seen = BTreeSet::new();
    let mut family: Option<Family> = None;
    let mut samples = BTreeMap::new();
    let mut buckets: BTreeMap<String, f64> = BTreeMap::new();
    for line in body.lines() {
        if let Some(described) = line.strip_prefix("# ") {
            let mut words = described.splitn(3, ' ');
            let (what, name, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            match what {
                "TYPE" => {
                    assert!(seen.insert(name.to_owned()), "{name} is interleaved or there twice");
                    family = Some(Family { name: name.to_owned(), kind: rest.to_owned(), unit: None });
                }
                "UNIT" => {
                    assert!(name.ends_with(&format!("_{rest}")), "{line}");
                    family.as_mut().unwrap().unit = Some(rest.to_owned());
                }
                "HELP" => assert!(!rest.is_empty()),
                other => panic!("{other}"),
            }
            assert_eq!(family.as_ref().unwrap().name, name, "{line}");
            continue;
        }
        let of = family.as_ref().expect("a sample after its family");
        let (name, labels, value) = sample(line);
        assert!(suffixes(&of.kind).iter().any(|suffix| name == format!("{}{suffix}", of.name)), "{line} in {of:?}");
        assert!(of.kind == "gauge" || value >= 0.0, "{line}");
        if let Some(bound) = labels.get("le").filter(|_| name.ends_with("_bucket")) {
            let mut others = labels.clone();
            others.remove("le");
            let below = buckets.insert(format!("{name}{others:?}"), value).unwrap_or(0.0);
            assert!(below <= value, "buckets add up: {line}");
            assert!(bound == "+Inf" || bound.contains('.'), "{line}");
        }
        let pairs: Vec<String> =
            labels.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={value}")).collect();
        let key = format!("{name}{{{}}}", pairs.join(","));
        assert!(samples.insert(key, value).is_none(), "{line} is there twice");
    }
    samples
}

fn suffixes(kind: &str) -> &'static [&'static str] {
    match kind {
        "counter" => &["_total"],
        "gauge" => &[""],
        "histogram" => &["_bucket", "_count", "_sum"],
        other => panic!("{other}"),
    }
}

/// Names of the project have no quotes in them, so that values need no unescaping.
fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (name, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = name.split_once('{').map_or((name, ""), |(name, rest)| (name, rest.strip_suffix('}').unwrap()));
    let pairs = labels.split_terminator("\",").map(|pair| {
        let (name, value) = pair.split_once("=\"").unwrap();
        (name.to_owned(), value.trim_end_matches('"').to_owned())
    });
    (name.to_owned(), pairs.collect(), value.parse().unwrap())
}
