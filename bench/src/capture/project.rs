//! The project of the occasion: one captured model, one flow to the sink.

use std::path::Path;
use std::sync::Arc;

use engine::ports::{Peer, Reading};
use formats::signature::Secret;
use model::Network;
use server::clock::SystemClock;
use sim::odoo::Odoo;

use crate::Outcome;

/// The secret that the path of nudges ends in.
pub(super) const NUDGE: &str = "n0body-gu3sses-this-part-of-the-path";

/// How the run captures: nudges, and rhythms that fit into its minutes.
pub(super) const RUN: &str = "nudges: [erp/nudge], every: 5s, overlap: 30s, identities: 1m, digests: 10m";
/// How it captures from the outbox: its passes fit into the run too.
pub(super) const OUTBOX: &str = "from: outbox, identities: 1m, digests: 10m";

/// What a rule of the outbox has to carry for this project's contract.
pub(super) async fn specified(url: &str, odoo: &Odoo) -> Outcome<adapters::odoo::Specified> {
    let fields = ["name", "state", "client_order_ref", "write_date"];
    let reading = Reading { fields: fields.map(|name| (name.to_owned(), None)).into() };
    let peer = Peer {
        name: "erp".to_owned(),
        url: url.to_owned(),
        database: odoo.database(),
        login: Some(odoo.login().to_owned()),
        key: Secret::new(odoo.key().as_bytes().to_vec()),
        allow: vec![Network { address: std::net::Ipv4Addr::LOCALHOST.into(), bits: 8 }],
    };
    let asker = adapters::odoo::Odoo::new(Arc::new(SystemClock::new()));
    let said = |failure: adapters::odoo::Failure| format!("{failure:?}");
    let session = asker.greet(&peer).await.map_err(said)?;
    Ok(asker.specified(&peer, &session, "sale.order", &reading).await.map_err(said)?)
}

/// Writes it below `folder/project`. `capture` is how the source captures.
pub(super) fn write(folder: &Path, odoo_url: &str, odoo: &Odoo, sink: &str, capture: &str) -> Outcome<()> {
    let project = folder.join("project");
    for name in ["systems", "contracts/odoo.sale.order", "flows"] {
        std::fs::create_dir_all(project.join(name))?;
    }
    let system = SYSTEM
        .replace("{URL}", odoo_url)
        .replace("{DATABASE}", &odoo.database())
        .replace("{LOGIN}", odoo.login())
        .replace("{SINK}", sink)
        .replace("{CAPTURE}", capture);
    std::fs::write(project.join("systems/erp.yaml"), system)?;
    std::fs::write(project.join("contracts/odoo.sale.order/1.0.0.yaml"), CONTRACT)?;
    std::fs::write(project.join("flows/orders.yaml"), FLOW)?;
    Ok(())
}

const SYSTEM: &str = r"kind: odoo
owner: team-erp
odoo:
  url: {URL}
  database: {DATABASE}
  login: {LOGIN}
  keys: [erp/key]
  allow: [127.0.0.0/8]
sources:
  erp:
    capture: { {CAPTURE} }
    events:
      sale.order.draft: { contract: odoo.sale.order@1.0.0 }
      sale.order.sent: { contract: odoo.sale.order@1.0.0 }
      sale.order.sale: { contract: odoo.sale.order@1.0.0 }
      sale.order.cancel: { contract: odoo.sale.order@1.0.0 }
      sale.order.changed: { contract: odoo.sale.order@1.0.0 }
      sale.order.deleted: { contract: odoo.sale.order@1.0.0 }
destinations:
  sink:
    url: http://{SINK}/orders
    concurrency: 64
    timeout: 10s
    allow: [127.0.0.0/8]
";

const CONTRACT: &str = r#"summary: A sales order as Odoo shows it.
owner: team-erp
identifiers:
  order: .record.name
ordering: .id
schema:
  type: object
  required: [model, id, record]
  properties:
    model: { const: sale.order }
    id: { type: integer }
    record:
      type: [object, "null"]
      properties:
        name: { type: string }
        state: { type: string }
        client_order_ref: { type: [string, "null"] }
        write_date: { type: string }
"#;

const FLOW: &str = r"owner: team-erp
on:
  types: [odoo.sale.order]
to: sink
";
