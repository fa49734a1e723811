//! Events as partners make them: good ones, broken ones, and other bodies under known keys.

use model::LaneKey;
use serde_json::{Value, json};

use crate::project::{CREATED, REGIONS, UNLISTED, UPDATED};
use crate::random::Random;

/// An event before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The sender's own id: its idempotency key where the source takes one.
    pub id: String,
    /// The bytes.
    pub body: Vec<u8>,
}

/// A good event about one of so many orders.
pub fn good(id: &str, orders: u64, random: &mut Random) -> Draft {
    let kind = *random.pick(&[CREATED, CREATED, UPDATED]);
    draft(id, &data(id, kind, orders, random))
}

/// A good event that every mapping can take.
pub fn plain(id: &str, region: &str, kind: &str) -> Draft {
    let value =
        json!({ "id": id, "type": kind, "order": "S00000", "region": region, "total": 1, "note": "fresh", "lines": [] });
    draft(id, &value)
}

/// An event that breaks its contract.
pub fn broken(id: &str, orders: u64, random: &mut Random) -> Draft {
    let mut value = data(id, CREATED, orders, random);
    if random.in_thousand(500) {
        value["total"] = json!("many");
    } else {
        value["region"] = json!("mars");
    }
    draft(id, &value)
}

/// An event of a type that no source lists.
pub fn unlisted(id: &str, orders: u64, random: &mut Random) -> Draft {
    draft(id, &data(id, UNLISTED, orders, random))
}

/// The same about an order that nothing good is about.
pub fn apart(known: &Draft) -> Draft {
    let mut value: Value = serde_json::from_slice(&known.body).unwrap_or_default();
    value["order"] = json!("S99999");
    draft(&known.id, &value)
}

/// Another body under the same key.
pub fn other(known: &Draft) -> Draft {
    let mut value: Value = serde_json::from_slice(&known.body).unwrap_or_default();
    value["total"] = json!(999_999);
    draft(&known.id, &value)
}

/// What a person makes of a broken body.
pub fn mended(body: &[u8]) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(body).unwrap_or_default();
    value["total"] = json!(7);
    value["type"] = json!(CREATED);
    if !value["region"].as_str().is_some_and(|region| REGIONS.contains(&region)) {
        value["region"] = json!("eu");
    }
    value.to_string().into_bytes()
}

/// What any flow may take for the key of a body, or of what is made of it: an order, a region, or the number of a record.
pub fn keys(body: &[u8]) -> Vec<LaneKey> {
    let texts = [body.to_vec(), mended(body)].into_iter().filter_map(|body| serde_json::from_slice::<Value>(&body).ok());
    let named = |value: Value| {
        let of_order = ["order", "region"].map(|name| value[name].as_str().map(LaneKey::new));
        of_order.into_iter().flatten().chain(value["id"].as_u64().map(|id| LaneKey::new(&id.to_string())))
    };
    texts.flat_map(named).collect()
}

fn data(id: &str, kind: &str, orders: u64, random: &mut Random) -> Value {
    let lines: Vec<Value> =
        (0..random.below(3)).map(|line| json!({ "sku": format!("sku-{line}"), "qty": random.between(1, 9) })).collect();
    let note = if random.in_thousand(800) { json!("as agreed") } else { Value::Null };
    json!({
        "id": id,
        "type": kind,
        "order": format!("S{:05}", random.below(orders)),
        "region": *random.pick(&REGIONS),
        "total": random.below(1_000),
        "note": note,
        "lines": lines,
    })
}

fn draft(id: &str, value: &Value) -> Draft {
    Draft { id: id.to_owned(), body: value.to_string().into_bytes() }
}
