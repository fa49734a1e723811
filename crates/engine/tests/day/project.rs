//! The project of the day: a shop whose types are listed, and a warehouse.

use policy::SourceFile;

const SHOP: &str = "
owner: team-commerce
sources:
  shop:
    verify: { unsigned: { owner: team-commerce, until: 2099-01-31, why: a test } }
    key: { path: .id }
    type: { path: .type }
    unknown: quarantine
    events:
      order: { type: shop.order }
";

const WMS: &str = "
owner: team-warehouse
destinations:
  wms:
    url: https://wms.example.com/orders
";

const FLOW: &str = "
owner: team-warehouse
on:
  types: [\"shop.*\"]
to: wms
deliver:
  lane: none
";

pub(crate) fn files() -> Vec<SourceFile> {
    let files = [("systems/shop.yaml", SHOP), ("systems/wms.yaml", WMS), ("flows/orders-to-wms.yaml", FLOW)];
    files.into_iter().map(|(path, text)| SourceFile::new(path, text)).collect()
}
