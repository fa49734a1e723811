//! The packs, inside of the binary, so that `crossdock init` needs nothing but itself. Each is the folder of its name below
//! `packs/`, with the canonical one put under it.

pub(crate) mod odoo;

use clap::ValueEnum;

/// A file of a pack, with the path that it has in a project.
macro_rules! file {
    ($pack:literal, $path:literal) => {
        ($path, include_str!(concat!("../../../packs/", $pack, "/", $path)))
    };
}

/// Path and text.
pub(crate) type File = (&'static str, &'static str);

/// A source that a project can begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pack {
    /// Orders and fulfilments of a Shopify shop
    Shopify,
    /// Orders of a WooCommerce shop
    Woocommerce,
    /// Trackers of EasyPost
    Easypost,
    /// Scans of UPS Track Alert
    Ups,
    /// Records of Odoo, and commands to it
    Odoo,
}

impl Pack {
    /// Its own files.
    const fn own(self) -> &'static [File] {
        match self {
            Self::Shopify => SHOPIFY,
            Self::Woocommerce => WOOCOMMERCE,
            Self::Easypost => EASYPOST,
            Self::Ups => UPS,
            Self::Odoo => ODOO,
        }
    }

    /// A command that shows what becomes of an event of its own: sent, or in its tests where nobody sends.
    pub(crate) const fn send(self) -> &'static str {
        match self {
            Self::Shopify => "crossdock send shopify --type orders/create --file tests/shopify/order.json",
            Self::Woocommerce => "crossdock send woocommerce --type order.created --file tests/woocommerce/order.json",
            Self::Easypost => "crossdock send easypost --file tests/easypost/tracker.json",
            Self::Ups => "crossdock send ups --file tests/ups/scan.json",
            Self::Odoo => "crossdock test",
        }
    }
}

/// The files of these packs as one project. Of the canonical contracts it has those that a mapping or a source names; what
/// is sent goes to this machine, until somebody writes the address of their own.
pub(crate) fn project(packs: &[Pack]) -> Vec<(&'static str, String)> {
    let own: Vec<File> = packs.iter().flat_map(|pack| pack.own()).copied().collect();
    let is_made = |path: &str| {
        let Some(name) = path.strip_prefix("contracts/").and_then(|path| path.strip_suffix(".yaml")) else { return true };
        let reference = name.replace('/', "@");
        let uses = |path: &str| path.starts_with("mappings/") || path.starts_with("systems/");
        own.iter().any(|(path, text)| uses(path) && text.contains(&reference))
    };
    let canonical = CANONICAL.iter().filter(|(path, _)| is_made(path)).map(|(path, text)| (*path, sent_here(text)));
    canonical.chain(own.iter().map(|(path, text)| (*path, (*text).to_owned()))).collect()
}

/// A file of the canonical pack that sends to this machine.
fn sent_here(text: &str) -> String {
    text.replace(AWAY, HERE)
}

/// The address of the canonical destination as the pack has it, and as a new project does.
const AWAY: &str = "    url: https://events.example.com/canonical\n";
const HERE: &str = "    url: http://127.0.0.1:9000/canonical\n    # For this machine only; destinations reach no private network unless they are allowed to.\n    allow: [127.0.0.0/8]\n";

const CANONICAL: &[File] = &[
    file!("canonical", "contracts/finance.invoice.posted.v1/1.0.0.yaml"),
    file!("canonical", "contracts/finance.payment.status_changed.v1/1.0.0.yaml"),
    file!("canonical", "contracts/inventory.lot.created.v1/1.0.0.yaml"),
    file!("canonical", "contracts/inventory.order.allocated.v1/1.0.0.yaml"),
    file!("canonical", "contracts/inventory.position.changed.v1/1.0.0.yaml"),
    file!("canonical", "contracts/inventory.receipt.confirmed.v1/1.0.0.yaml"),
    file!("canonical", "contracts/inventory.stock_move.validated.v1/1.0.0.yaml"),
    file!("canonical", "contracts/logistics.label.generated.v1/1.0.0.yaml"),
    file!("canonical", "contracts/logistics.package.status.v1/1.0.0.yaml"),
    file!("canonical", "contracts/logistics.shipment.cancelled.v1/1.0.0.yaml"),
    file!("canonical", "contracts/logistics.shipment.created.v1/1.0.0.yaml"),
    file!("canonical", "contracts/logistics.shipment.dispatched.v1/1.1.0.yaml"),
    file!("canonical", "contracts/maintenance.request.completed.v1/1.0.0.yaml"),
    file!("canonical", "contracts/maintenance.request.created.v1/1.0.0.yaml"),
    file!("canonical", "contracts/manufacturing.production.completed.v1/1.0.0.yaml"),
    file!("canonical", "contracts/manufacturing.production_order.cancelled.v1/1.0.0.yaml"),
    file!("canonical", "contracts/manufacturing.production_order.released.v1/1.0.0.yaml"),
    file!("canonical", "contracts/manufacturing.production_order.started.v1/1.0.0.yaml"),
    file!("canonical", "contracts/manufacturing.work_order.confirmed.v1/1.0.0.yaml"),
    file!("canonical", "contracts/manufacturing.work_order.started.v1/1.0.0.yaml"),
    file!("canonical", "contracts/masterdata.party.changed.v1/1.0.0.yaml"),
    file!("canonical", "contracts/masterdata.product.changed.v1/1.0.0.yaml"),
    file!("canonical", "contracts/procurement.order.cancelled.v1/1.0.0.yaml"),
    file!("canonical", "contracts/procurement.order.changed.v1/1.0.0.yaml"),
    file!("canonical", "contracts/procurement.order.issued.v1/1.0.0.yaml"),
    file!("canonical", "contracts/returns.return.received.v1/1.0.0.yaml"),
    file!("canonical", "contracts/sales.order.cancelled.v1/1.0.0.yaml"),
    file!("canonical", "contracts/sales.order.changed.v1/1.0.0.yaml"),
    file!("canonical", "contracts/sales.order.confirmed.v1/1.0.0.yaml"),
    file!("canonical", "contracts/sales.order.created.v1/1.0.0.yaml"),
    file!("canonical", "systems/canonical.yaml"),
];

const SHOPIFY: &[File] = &[
    file!("shopify", "contracts/shopify.fulfillment/1.0.0.yaml"),
    file!("shopify", "contracts/shopify.order/1.0.0.yaml"),
    file!("shopify", "flows/shopify-orders-cancelled.yaml"),
    file!("shopify", "flows/shopify-orders-changed.yaml"),
    file!("shopify", "flows/shopify-orders-created.yaml"),
    file!("shopify", "flows/shopify-shipments-cancelled.yaml"),
    file!("shopify", "flows/shopify-shipments-dispatched.yaml"),
    file!("shopify", "mappings/shopify-fulfillment-cancelled.yaml"),
    file!("shopify", "mappings/shopify-fulfillment-dispatched.yaml"),
    file!("shopify", "mappings/shopify-order-cancelled.yaml"),
    file!("shopify", "mappings/shopify-order-changed.yaml"),
    file!("shopify", "mappings/shopify-order-created.yaml"),
    file!("shopify", "systems/shopify.yaml"),
    file!("shopify", "tests/shopify-order.yaml"),
    file!("shopify", "tests/shopify/order.json"),
];

const WOOCOMMERCE: &[File] = &[
    file!("woocommerce", "contracts/woocommerce.order/1.0.0.yaml"),
    file!("woocommerce", "flows/woocommerce-orders-cancelled.yaml"),
    file!("woocommerce", "flows/woocommerce-orders-changed.yaml"),
    file!("woocommerce", "flows/woocommerce-orders-created.yaml"),
    file!("woocommerce", "mappings/woocommerce-order-cancelled.yaml"),
    file!("woocommerce", "mappings/woocommerce-order-changed.yaml"),
    file!("woocommerce", "mappings/woocommerce-order-created.yaml"),
    file!("woocommerce", "systems/woocommerce.yaml"),
    file!("woocommerce", "tests/woocommerce-order.yaml"),
    file!("woocommerce", "tests/woocommerce/order.json"),
];

const EASYPOST: &[File] = &[
    file!("easypost", "contracts/easypost.tracker_event/1.0.0.yaml"),
    file!("easypost", "flows/easypost-packages.yaml"),
    file!("easypost", "mappings/easypost-tracker.yaml"),
    file!("easypost", "systems/easypost.yaml"),
    file!("easypost", "tests/easypost-tracker.yaml"),
    file!("easypost", "tests/easypost/tracker.json"),
];

const UPS: &[File] = &[
    file!("ups", "contracts/ups.track_alert/1.0.0.yaml"),
    file!("ups", "flows/ups-packages.yaml"),
    file!("ups", "mappings/ups-track-alert.yaml"),
    file!("ups", "systems/ups.yaml"),
    file!("ups", "tests/ups-scan.yaml"),
    file!("ups", "tests/ups/scan.json"),
];

const ODOO: &[File] = &[
    file!("odoo", "contracts/odoo.account.move/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.command.confirm/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.command.finish_production/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.command.post_invoice/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.command.post_message/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.command.register_lots/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.command.schedule_activity/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.command.set_tracking/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.command.start_production/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.command.upsert/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.command.validate_transfer/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.maintenance.request/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.mrp.production/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.mrp.workorder/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.product.product/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.purchase.order/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.res.partner/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.sale.order/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.stock.move/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.stock.picking/1.0.0.yaml"),
    file!("odoo", "contracts/odoo.stock.quant/1.0.0.yaml"),
    file!("odoo", "flows/odoo-commands-customers.yaml"),
    file!("odoo", "flows/odoo-commands-invoices-posted.yaml"),
    file!("odoo", "flows/odoo-commands-invoices.yaml"),
    file!("odoo", "flows/odoo-commands-labels.yaml"),
    file!("odoo", "flows/odoo-commands-lots.yaml"),
    file!("odoo", "flows/odoo-commands-orders-confirmed.yaml"),
    file!("odoo", "flows/odoo-commands-orders.yaml"),
    file!("odoo", "flows/odoo-commands-packages-delivered.yaml"),
    file!("odoo", "flows/odoo-commands-packages-exceptions.yaml"),
    file!("odoo", "flows/odoo-commands-productions-released.yaml"),
    file!("odoo", "flows/odoo-commands-productions-started.yaml"),
    file!("odoo", "flows/odoo-commands-productions.yaml"),
    file!("odoo", "flows/odoo-commands-purchases-confirmed.yaml"),
    file!("odoo", "flows/odoo-commands-purchases.yaml"),
    file!("odoo", "flows/odoo-commands-shipments.yaml"),
    file!("odoo", "flows/odoo-invoices-payment.yaml"),
    file!("odoo", "flows/odoo-invoices-posted.yaml"),
    file!("odoo", "flows/odoo-maintenance-completed.yaml"),
    file!("odoo", "flows/odoo-maintenance-created.yaml"),
    file!("odoo", "flows/odoo-moves-validated.yaml"),
    file!("odoo", "flows/odoo-orders-cancelled.yaml"),
    file!("odoo", "flows/odoo-orders-changed.yaml"),
    file!("odoo", "flows/odoo-orders-confirmed.yaml"),
    file!("odoo", "flows/odoo-orders-created.yaml"),
    file!("odoo", "flows/odoo-parties-changed.yaml"),
    file!("odoo", "flows/odoo-positions-changed.yaml"),
    file!("odoo", "flows/odoo-productions-cancelled.yaml"),
    file!("odoo", "flows/odoo-productions-completed.yaml"),
    file!("odoo", "flows/odoo-productions-released.yaml"),
    file!("odoo", "flows/odoo-productions-started.yaml"),
    file!("odoo", "flows/odoo-products-changed.yaml"),
    file!("odoo", "flows/odoo-purchases-cancelled.yaml"),
    file!("odoo", "flows/odoo-purchases-changed.yaml"),
    file!("odoo", "flows/odoo-purchases-issued.yaml"),
    file!("odoo", "flows/odoo-transfers-allocated.yaml"),
    file!("odoo", "flows/odoo-transfers-cancelled.yaml"),
    file!("odoo", "flows/odoo-transfers-created.yaml"),
    file!("odoo", "flows/odoo-transfers-dispatched.yaml"),
    file!("odoo", "flows/odoo-transfers-labelled.yaml"),
    file!("odoo", "flows/odoo-transfers-received.yaml"),
    file!("odoo", "flows/odoo-transfers-returned.yaml"),
    file!("odoo", "flows/odoo-workorders-confirmed.yaml"),
    file!("odoo", "flows/odoo-workorders-started.yaml"),
    file!("odoo", "mappings/odoo-command-customer.yaml"),
    file!("odoo", "mappings/odoo-command-invoice-post.yaml"),
    file!("odoo", "mappings/odoo-command-invoice.yaml"),
    file!("odoo", "mappings/odoo-command-label.yaml"),
    file!("odoo", "mappings/odoo-command-lots.yaml"),
    file!("odoo", "mappings/odoo-command-order-confirm.yaml"),
    file!("odoo", "mappings/odoo-command-order.yaml"),
    file!("odoo", "mappings/odoo-command-package-delivered.yaml"),
    file!("odoo", "mappings/odoo-command-package-exception.yaml"),
    file!("odoo", "mappings/odoo-command-production-confirm.yaml"),
    file!("odoo", "mappings/odoo-command-production-start.yaml"),
    file!("odoo", "mappings/odoo-command-production.yaml"),
    file!("odoo", "mappings/odoo-command-purchase-confirm.yaml"),
    file!("odoo", "mappings/odoo-command-purchase.yaml"),
    file!("odoo", "mappings/odoo-command-shipment.yaml"),
    file!("odoo", "mappings/odoo-invoice-payment.yaml"),
    file!("odoo", "mappings/odoo-invoice-posted.yaml"),
    file!("odoo", "mappings/odoo-maintenance-completed.yaml"),
    file!("odoo", "mappings/odoo-maintenance-created.yaml"),
    file!("odoo", "mappings/odoo-move-validated.yaml"),
    file!("odoo", "mappings/odoo-order-cancelled.yaml"),
    file!("odoo", "mappings/odoo-order-changed.yaml"),
    file!("odoo", "mappings/odoo-order-confirmed.yaml"),
    file!("odoo", "mappings/odoo-order-created.yaml"),
    file!("odoo", "mappings/odoo-party-changed.yaml"),
    file!("odoo", "mappings/odoo-position-changed.yaml"),
    file!("odoo", "mappings/odoo-product-changed.yaml"),
    file!("odoo", "mappings/odoo-production-cancelled.yaml"),
    file!("odoo", "mappings/odoo-production-completed.yaml"),
    file!("odoo", "mappings/odoo-production-released.yaml"),
    file!("odoo", "mappings/odoo-production-started.yaml"),
    file!("odoo", "mappings/odoo-purchase-cancelled.yaml"),
    file!("odoo", "mappings/odoo-purchase-changed.yaml"),
    file!("odoo", "mappings/odoo-purchase-issued.yaml"),
    file!("odoo", "mappings/odoo-transfer-allocated.yaml"),
    file!("odoo", "mappings/odoo-transfer-cancelled.yaml"),
    file!("odoo", "mappings/odoo-transfer-created.yaml"),
    file!("odoo", "mappings/odoo-transfer-dispatched.yaml"),
    file!("odoo", "mappings/odoo-transfer-labelled.yaml"),
    file!("odoo", "mappings/odoo-transfer-received.yaml"),
    file!("odoo", "mappings/odoo-transfer-returned.yaml"),
    file!("odoo", "mappings/odoo-workorder-confirmed.yaml"),
    file!("odoo", "mappings/odoo-workorder-started.yaml"),
    file!("odoo", "systems/odoo.yaml"),
    file!("odoo", "systems/to-odoo.yaml"),
    file!("odoo", "tests/odoo-command-shipment.yaml"),
    file!("odoo", "tests/odoo-transfer.yaml"),
    file!("odoo", "tests/odoo/shipment.json"),
    file!("odoo", "tests/odoo/transfer.json"),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn paths_of(pack: &str) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs").join(pack);
        let files = server::project::read(&root).files;
        let mut paths: Vec<String> = files.into_iter().map(|file| file.path).collect();
        paths.sort();
        paths
    }

    #[test]
    fn the_binary_has_the_files_of_the_folders() {
        let packs = Pack::value_variants().iter().map(|pack| (pack.to_possible_value().unwrap(), pack.own()));
        let packs = packs.map(|(value, files)| (value.get_name().to_owned(), files));
        for (name, files) in packs.chain([("canonical".to_owned(), CANONICAL)]) {
            assert_eq!(files.iter().map(|(path, _)| *path).collect::<Vec<_>>(), paths_of(&name), "packs/{name}");
        }
    }

    #[test]
    fn a_new_project_sends_to_this_machine() {
        let files = project(Pack::value_variants());
        let (_, system) = files.iter().find(|(path, _)| *path == "systems/canonical.yaml").unwrap();
        assert!(system.contains(HERE), "{system}");
    }
}
