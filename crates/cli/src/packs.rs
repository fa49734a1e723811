//! The packs, inside of the binary, so that `crossdock init` needs nothing but itself. Each is the folder of its name below
//! `packs/`, with the canonical one put under it.

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
}

impl Pack {
    /// Its own files.
    const fn own(self) -> &'static [File] {
        match self {
            Self::Shopify => SHOPIFY,
            Self::Woocommerce => WOOCOMMERCE,
            Self::Easypost => EASYPOST,
            Self::Ups => UPS,
        }
    }

    /// A command that sends the event of its test.
    pub(crate) const fn send(self) -> &'static str {
        match self {
            Self::Shopify => "crossdock send shopify --type orders/create --file tests/shopify/order.json",
            Self::Woocommerce => "crossdock send woocommerce --type order.created --file tests/woocommerce/order.json",
            Self::Easypost => "crossdock send easypost --file tests/easypost/tracker.json",
            Self::Ups => "crossdock send ups --file tests/ups/scan.json",
        }
    }
}

/// The files of these packs as one project. Of the canonical contracts it has those that a mapping makes; what is sent goes
/// to this machine, until somebody writes the address of their own.
pub(crate) fn project(packs: &[Pack]) -> Vec<(&'static str, String)> {
    let own: Vec<File> = packs.iter().flat_map(|pack| pack.own()).copied().collect();
    let is_made = |path: &str| {
        let Some(name) = path.strip_prefix("contracts/").and_then(|path| path.strip_suffix(".yaml")) else { return true };
        let reference = name.replace('/', "@");
        own.iter().any(|(path, text)| path.starts_with("mappings/") && text.contains(&reference))
    };
    let canonical = CANONICAL.iter().filter(|(path, _)| is_made(path)).map(|(path, text)| (*path, text.replace(AWAY, HERE)));
    canonical.chain(own.iter().map(|(path, text)| (*path, (*text).to_owned()))).collect()
}

/// The address of the canonical destination as the pack has it, and as a new project does.
const AWAY: &str = "    url: https://events.example.com/canonical\n";
const HERE: &str = "    url: http://127.0.0.1:9000/canonical\n    # For this machine only; destinations reach no private network unless they are allowed to.\n    allow: [127.0.0.0/8]\n";

const CANONICAL: &[File] = &[
    file!("canonical", "contracts/logistics.package.status.v1/1.0.0.yaml"),
    file!("canonical", "contracts/logistics.shipment.cancelled.v1/1.0.0.yaml"),
    file!("canonical", "contracts/logistics.shipment.dispatched.v1/1.0.0.yaml"),
    file!("canonical", "contracts/sales.order.cancelled.v1/1.0.0.yaml"),
    file!("canonical", "contracts/sales.order.changed.v1/1.0.0.yaml"),
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
