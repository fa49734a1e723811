//! What a captured contract says is to be read: the members of `record` in its schema. One list, because what is declared is
//! what is read (decision 0040).

use super::schema::Schema;
use crate::compiled::Reading;

/// The member of the data that holds the record.
const RECORD: &str = "record";
/// LIMIT: readings within readings. Order, lines, product, its category.
const DEPTH_MAX: usize = 4;

/// What a schema declares below `record`; none where it declares nothing there.
pub(super) fn reading(schema: &Schema<'_>) -> Option<Reading> {
    let record = schema.parts().into_iter().find_map(|part| part.schema.property(RECORD))?;
    below(&record, DEPTH_MAX)
}

/// The fields of the record itself that a schema requires in every case.
pub(super) fn required(schema: &Schema<'_>) -> Vec<String> {
    let record = schema.parts().into_iter().find_map(|part| part.schema.property(RECORD));
    let parts = record.map(|record| record.parts()).unwrap_or_default();
    let certain = parts.iter().filter(|part| part.certain);
    certain.flat_map(|part| part.schema.required()).map(str::to_owned).collect()
}

fn below(schema: &Schema<'_>, depth: usize) -> Option<Reading> {
    let mut reading = Reading::default();
    for part in schema.parts() {
        for name in part.schema.properties().into_iter().flat_map(|members| members.keys()) {
            let Some(member) = part.schema.property(name) else { continue };
            let inner = if depth > 1 { inner(&member, depth - 1) } else { None };
            let held = reading.fields.entry(name.clone()).or_default();
            if held.is_none() {
                *held = inner;
            }
        }
    }
    (!reading.fields.is_empty()).then_some(reading)
}

/// The reading of a record that a field leads to, or of the records of a list.
fn inner(member: &Schema<'_>, depth: usize) -> Option<Reading> {
    let items = member.parts().into_iter().find_map(|part| part.schema.item(0));
    below(items.as_ref().unwrap_or(member), depth)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(reading: &Reading) -> String {
        let field = |(name, inner): (&String, &Option<Reading>)| match inner {
            Some(inner) => format!("{name}({})", told(inner)),
            None => name.clone(),
        };
        reading.fields.iter().map(field).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_the_schema_declares_is_read_and_what_leads_to_records_is_read_within() {
        let schema = json!({
            "type": "object",
            "properties": {
                "model": { "const": "sale.order" },
                "record": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/order" }] },
            },
            "$defs": {
                "order": { "type": "object", "properties": {
                    "name": { "type": "string" },
                    "commitment_date": { "type": ["string", "null"] },
                    "partner_id": { "type": ["object", "null"], "properties": { "display_name": {}, "ref": {} } },
                    "order_line": { "type": "array", "items": { "type": "object", "properties": {
                        "product_uom_qty": { "type": "number" },
                        "product_id": { "type": "object", "properties": { "default_code": {} } },
                    } } },
                    "tag_ids": { "type": "array", "items": { "type": "integer" } },
                } },
            },
        });
        let read = reading(&Schema::root(&schema)).unwrap();
        assert_eq!(
            told(&read),
            "commitment_date name order_line(product_id(default_code) product_uom_qty) partner_id(display_name ref) tag_ids"
        );
        assert_eq!(reading(&Schema::root(&json!({ "type": "object" }))), None);
    }
}
