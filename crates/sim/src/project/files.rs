//! Writes a project as the files that the product reads.

use std::fmt::Write as _;

use model::OnDead;
use policy::SourceFile;

use super::{
    Destination, Filter, Flow, KeyPlace, Lane, Mapping, OnBroken, OnUnknown, Project, Proof, Retry, Source, UPDATED,
    contract_of, owner_of,
};

impl Project {
    /// The files of the project.
    pub fn files(&self) -> Vec<SourceFile> {
        let mut files = vec![
            file("systems/receivers.yaml".to_owned(), receivers(&self.destinations)),
            file("contracts/canonical.order/1.0.0.yaml".to_owned(), CANONICAL.to_owned()),
        ];
        for source in &self.sources {
            files.push(file(format!("systems/{}.yaml", source.name), sender(source)));
            files.push(file(format!("contracts/{}/1.0.0.yaml", contract_of(&source.name)), contract(&source.name)));
        }
        files.extend(self.captured.iter().flat_map(super::captured::Captured::files));
        for retry in &self.retries {
            files.push(file(format!("policies/{}.yaml", retry.name), retry_text(retry)));
        }
        for flow in &self.flows {
            files.push(file(format!("flows/{}.yaml", flow.name), flow_text(flow)));
            if let Some(mapping) = &flow.mapping {
                files.push(file(format!("mappings/{}.yaml", flow.name), mapping_text(mapping)));
            }
        }
        files
    }
}

fn file(path: String, text: String) -> SourceFile {
    SourceFile { path, text }
}

fn sender(source: &Source) -> String {
    let Source { name, .. } = source;
    let verify = match source.proof {
        Proof::TimedHmac => {
            "hmac: { algorithm: sha256, header: x-signature, encoding: hex, signed: \"{timestamp}.{body}\", \
             timestamp: { header: x-timestamp, format: seconds }, tolerance: 5m }"
        }
        Proof::PlainHmac => {
            "hmac: { algorithm: sha256, header: x-signature, encoding: hex, prefix: \"sha256=\", signed: \"{body}\" }"
        }
        Proof::StandardWebhooks => "preset: standard-webhooks",
        Proof::SecretHeader => "shared_secret: { header: x-secret }",
    };
    let key = match source.key {
        KeyPlace::Data => "{ path: .id }",
        KeyPlace::Header => "{ header: x-event-id }",
        KeyPlace::Body => "{ digest: body }",
    };
    let unknown = match source.unknown {
        OnUnknown::Accept => "accept",
        OnUnknown::Quarantine => "quarantine",
        OnUnknown::Refuse => "refuse",
    };
    let on_invalid = match source.on_invalid {
        OnBroken::Quarantine => "quarantine",
        OnBroken::Refuse => "refuse",
    };
    let contract = contract_of(name);
    let rate = source.rate.map(|rate| format!("    limits: {{ rate: {rate}/s, burst: {rate} }}\n")).unwrap_or_default();
    format!(
        "owner: {}\nsources:\n  {name}:\n    verify:\n      {verify}\n      secrets: [{}]\n    type: {{ path: .type }}\n    key: \
         {key}\n    events:\n      order.created: {{ contract: {contract}@1.0.0 }}\n      {UPDATED}: {{ contract: \
         {contract}@1.0.0, type: {} }}\n    unknown: {unknown}\n    on_invalid: {on_invalid}\n{rate}",
        owner_of(name),
        source.secret_name(),
        source.updated_type(),
    )
}

fn receivers(destinations: &[Destination]) -> String {
    let mut text = "owner: team-receivers\ndestinations:\n".to_owned();
    for it in destinations {
        let sign = if it.signed { format!("    sign: [{}]\n", it.secret_name()) } else { String::new() };
        let rate = it.rate.map(|rate| format!("    rate: {rate}/s\n    burst: {rate}\n")).unwrap_or_default();
        let repeat = if it.repeat_safe { "safe" } else { "unsafe" };
        let written = write!(
            text,
            "  {name}:\n    url: https://{name}.example.com/in\n{sign}    timeout: {timeout}\n    concurrency: {concurrency}\n{rate}    \
             repeat: {repeat}\n    breaker: {{ failures: 60%, of: 20, within: 30s, in_a_row: {in_a_row}, pause: {pause}, pause_max: \
             20s }}\n",
            name = it.name,
            timeout = it.timeout,
            concurrency = it.concurrency,
            in_a_row = it.breaker_in_a_row,
            pause = it.breaker_pause,
        );
        written.expect("a String takes everything");
    }
    text
}

fn contract(source: &str) -> String {
    format!(
        "owner: {}\nidentifiers:\n  order: .order\nordering: .order\ncorrelation: .order\nschema:\n  type: object\n  required: [id, \
         type, order, region, total]\n  properties:\n    id: {{ type: string }}\n    type: {{ type: string }}\n    order: {{ type: string \
         }}\n    region: {{ type: string, enum: [eu, us, uk] }}\n    total: {{ type: integer, minimum: 0 }}\n    note: {{ type: [string, \
         \"null\"] }}\n    lines:\n      type: array\n      items:\n        type: object\n        required: [sku, qty]\n        \
         properties:\n          sku: {{ type: string }}\n          qty: {{ type: integer }}\n",
        owner_of(source)
    )
}

/// What every mapping makes.
const CANONICAL: &str = "owner: team-mappings
schema:
  type: object
  required: [orderId, region, total, revision, lines]
  properties:
    orderId: { type: string }
    region: { type: string }
    total: { type: integer }
    revision: { type: string }
    note: { type: string }
    lines:
      type: array
      items:
        type: object
        properties:
          sku: { type: string }
          amount: { type: integer }
";

fn retry_text(retry: &Retry) -> String {
    let waits: Vec<String> = retry.waits.iter().map(ToString::to_string).collect();
    let end = if retry.dead_letter { "dead_letter" } else { "hold" };
    format!("waits: [{}]\njitter: 20%\nend: {end}\n", waits.join(", "))
}

fn flow_text(flow: &Flow) -> String {
    let types: Vec<String> = flow.types.iter().map(|kind| format!("\"{kind}\"")).collect();
    let sources = flow.source.as_ref().map(|name| format!("  sources: [{name}]\n")).unwrap_or_default();
    let filter = match &flow.filter {
        Filter::All => String::new(),
        Filter::Region(region) => format!("  where: .region == \"{region}\"\n"),
        Filter::NotRegion(region) => format!("  where: .region != \"{region}\"\n"),
    };
    let mapping = flow.mapping.as_ref().map(|_| format!("mapping: {}\n", flow.name)).unwrap_or_default();
    let lane = match flow.lane {
        Lane::Ordering => "ordering",
        Lane::Region => ".region",
        Lane::None => "none",
    };
    let on_dead = match flow.on_dead {
        OnDead::Hold => "hold",
        OnDead::Pass => "pass",
    };
    let deadline = flow.deadline.map(|span| format!("  deadline: {span}\n")).unwrap_or_default();
    format!(
        "owner: {}\non:\n  types: [{}]\n{sources}{filter}{mapping}to: {}\ndeliver:\n  retry: {}\n  lane: {lane}\n  on_dead: {on_dead}\n{deadline}",
        owner_of(&flow.name),
        types.join(", "),
        flow.destination,
        flow.retry,
    )
}

fn mapping_text(mapping: &Mapping) -> String {
    let note = if mapping.needs_note { "note: string!(.note)" } else { "note?: .note" };
    format!(
        "owner: team-mappings\nfrom: {}@1.0.0\nto: canonical.order@1.0.0\nfields:\n  orderId: .order\n  region: .region\n  total: .total\n  revision: '\"r{}\"'\n  \
         {note}\n  lines:\n    each: .lines\n    fields:\n      sku: .sku\n      amount: .qty\n",
        contract_of(&mapping.from),
        mapping.revision,
    )
}
