//! The project of the occasion: a shop whose events are commands, and one flow to Odoo with a lane for each order.

use std::path::Path;

use crate::Outcome;

/// Writes it below `folder/project`, with the database and the login of our user.
pub(super) fn write(folder: &Path, odoo_url: &str, (database, login): (&str, &str)) -> Outcome<()> {
    let project = folder.join("project");
    for name in ["systems", "contracts/order.command", "flows", "policies"] {
        std::fs::create_dir_all(project.join(name))?;
    }
    let system = SYSTEM.replace("{URL}", odoo_url).replace("{DATABASE}", database).replace("{LOGIN}", login);
    std::fs::write(project.join("systems/erp.yaml"), system)?;
    std::fs::write(project.join("systems/shop.yaml"), SHOP)?;
    std::fs::write(project.join("contracts/order.command/1.0.0.yaml"), CONTRACT)?;
    std::fs::write(project.join("policies/soon.yaml"), "waits: [500ms]\nrepeat_last: true\ndeadline: 2h\nend: hold\n")?;
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
destinations:
  erp-commands:
    commands: on
    concurrency: 4
    timeout: 60s
    breaker: { failures: 100%, of: 1000, in_a_row: 1000 }
";

const SHOP: &str = r#"owner: team-shop
sources:
  shop:
    verify:
      hmac: { algorithm: sha256, header: x-signature, encoding: hex, signed: "{body}" }
      secrets: [shop/webhook]
    type: { path: .type }
    key: { path: .id }
    events:
      order.wanted: { contract: order.command@1.0.0 }
      order.sold: { contract: order.command@1.0.0 }
"#;

const CONTRACT: &str = r"summary: What Odoo should do about an order.
owner: team-erp
ordering: .order
schema:
  type: object
  required: [id, type, order, command]
  properties:
    id: { type: string }
    type: { type: string }
    order: { type: integer }
    command: { enum: [upsert, confirm] }
";

const FLOW: &str = r"owner: team-erp
on:
  types: [order.command]
to: erp-commands
deliver:
  retry: soon
";
