//! The demo project, `packs/demo`, inside of the binary. Its URLs name two fixed ports; where the simulated systems listen
//! on others, these are put in their place.

use policy::SourceFile;

use super::system::{SECRETS, secret};

/// The port of the simulated systems, as the project's files have it.
pub const WORLD_PORT: u16 = 9700;
/// The port of Odoo, which has one of its own: it can be restarted.
pub const ODOO_PORT: u16 = 9701;

/// A project file, with the path that it has below `packs/demo`.
macro_rules! file {
    ($path:literal) => {
        ($path, include_str!(concat!("../../../../packs/demo/", $path)))
    };
}

/// All files of the project, in the order of their paths.
pub const FILES: &[(&str, &str)] = &[
    file!("contracts/finance.booking/1.0.0.yaml"),
    file!("contracts/finance.invoice/1.0.0.yaml"),
    file!("contracts/logistics.package.status.v1/1.0.0.yaml"),
    file!("contracts/northpost.label/1.0.0.yaml"),
    file!("contracts/northpost.tracker/1.0.0.yaml"),
    file!("contracts/odoo.sale.order/1.0.0.yaml"),
    file!("contracts/parcelwind.event/1.0.0.yaml"),
    file!("contracts/parcelwind.label/1.0.0.yaml"),
    file!("contracts/sales.order.created.v1/1.0.0.yaml"),
    file!("contracts/shop.fulfillment/1.0.0.yaml"),
    file!("contracts/shop.order/1.0.0.yaml"),
    file!("contracts/warehouse.order/1.0.0.yaml"),
    file!("contracts/wms.pick/1.0.0.yaml"),
    file!("contracts/wms.shipment/1.0.0.yaml"),
    file!("flows/confirmations-to-shop.yaml"),
    file!("flows/invoices-to-odoo.yaml"),
    file!("flows/labels-from-northpost.yaml"),
    file!("flows/labels-from-parcelwind.yaml"),
    file!("flows/northpost-to-odoo.yaml"),
    file!("flows/northpost-to-shop.yaml"),
    file!("flows/orders-to-odoo.yaml"),
    file!("flows/orders-to-wms.yaml"),
    file!("flows/parcelwind-to-odoo.yaml"),
    file!("flows/parcelwind-to-shop.yaml"),
    file!("flows/picks-to-odoo.yaml"),
    file!("flows/shipments-to-finance.yaml"),
    file!("flows/shipments-to-odoo.yaml"),
    file!("mappings/confirmation-to-shop.yaml"),
    file!("mappings/northpost-to-shop.yaml"),
    file!("mappings/northpost-to-status.yaml"),
    file!("mappings/order-to-odoo.yaml"),
    file!("mappings/order-to-wms.yaml"),
    file!("mappings/parcelwind-to-shop.yaml"),
    file!("mappings/parcelwind-to-status.yaml"),
    file!("mappings/shipment-to-finance.yaml"),
    file!("mappings/shipment-to-northpost.yaml"),
    file!("mappings/shipment-to-parcelwind.yaml"),
    file!("policies/labels.yaml"),
    file!("systems/finance.yaml"),
    file!("systems/northpost.yaml"),
    file!("systems/odoo.yaml"),
    file!("systems/parcelwind.yaml"),
    file!("systems/shop.yaml"),
    file!("systems/wms-rotterdam.yaml"),
    file!("tests/delivered-by-northpost.yaml"),
    file!("tests/paid-order.yaml"),
    file!("tests/pending-order.yaml"),
    file!("tests/shipment-for-parcelwind.yaml"),
    file!("tests/unknown-topic.yaml"),
    file!("tests/weight-as-text.yaml"),
];

/// The project for systems that listen on these ports.
pub fn files(world_port: u16, odoo_port: u16) -> Vec<SourceFile> {
    let here = |text: &str| {
        text.replace(&format!("127.0.0.1:{ODOO_PORT}/"), &format!("127.0.0.1:\0{odoo_port}/"))
            .replace(&format!("127.0.0.1:{WORLD_PORT}/"), &format!("127.0.0.1:{world_port}/"))
            .replace('\0', "")
    };
    FILES.iter().map(|(path, text)| SourceFile { path: (*path).to_owned(), text: here(text) }).collect()
}

/// The secrets of the project by name, with the values that the simulated systems know.
pub fn secrets() -> Vec<(&'static str, String)> {
    SECRETS.iter().map(|name| (*name, secret(name))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::demo::doors::DOORS;
    use crate::demo::system::System;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/demo")
    }

    fn collect(folder: &Path, root: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, root, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }

    #[test]
    fn the_binary_has_the_files_of_the_folder() {
        let mut found = Vec::new();
        collect(&folder(), &folder(), &mut found);
        found.sort();
        let held: Vec<_> = FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let names = |files: &[(String, String)]| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
        assert_eq!(names(&held), names(&found), "the table in project.rs names other files than packs/demo has");
        assert_eq!(held, found);
    }

    #[test]
    fn the_project_has_no_findings_on_any_ports() {
        for (world, odoo) in [(WORLD_PORT, ODOO_PORT), (ODOO_PORT, WORLD_PORT), (40_000, 40_001)] {
            let (policy, findings) = policy::check(&files(world, odoo));
            assert!(findings.is_empty(), "{findings:?}");
            let policy = policy.unwrap();
            let urls: BTreeSet<_> = policy.destinations.values().map(|it| it.url.as_str().to_owned()).collect();
            let doors = DOORS.map(|door| {
                format!("http://127.0.0.1:{}{}", if door.system == System::Odoo { odoo } else { world }, door.path)
            });
            assert_eq!(urls, BTreeSet::from(doors));
        }
    }

    #[test]
    fn every_secret_of_the_project_has_a_value_and_no_other_has() {
        let (policy, _) = policy::check(&files(WORLD_PORT, ODOO_PORT));
        let policy = policy.unwrap();
        let mut named: BTreeSet<String> =
            policy.sources.values().flat_map(|it| it.secrets.iter().map(ToString::to_string)).collect();
        for destination in policy.destinations.values() {
            named.extend(destination.sign.iter().map(ToString::to_string));
        }
        for door in DOORS {
            use crate::demo::doors::Known;
            let (Known::Bearer(name) | Known::Basic(name) | Known::Header(_, name)) = door.known;
            named.insert(name.to_owned());
        }
        assert_eq!(named, secrets().into_iter().map(|(name, _)| name.to_owned()).collect());
    }

    #[test]
    fn every_system_sends_by_a_source_of_its_name() {
        let (policy, _) = policy::check(&files(WORLD_PORT, ODOO_PORT));
        let sources: BTreeSet<_> = policy.unwrap().sources.keys().map(ToString::to_string).collect();
        assert_eq!(sources, System::ALL.map(|it| it.name().to_owned()).into());
    }
}
