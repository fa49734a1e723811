//! The doors of the simulated systems: where deliveries come in, what proves them, and what they are about.

use super::system::System;

/// How a door knows who knocks, besides the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// `Authorization: Bearer` with the value of this secret.
    Bearer(&'static str),
    /// `Authorization: Basic` of the user `crossdock` with this secret.
    Basic(&'static str),
    /// A header of its own with this secret.
    Header(&'static str, &'static str),
}

/// What is done behind a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A state is kept up to date; the pointer names what of.
    Keep(&'static str),
    /// Odoo keeps an order up to date and confirms new ones.
    KeepOrder,
    /// The warehouse picks and ships an order.
    Fulfil,
    /// A carrier makes a label and carries a parcel; the pointer names the shipper's reference.
    Label(&'static str),
    /// Finance books an invoice.
    Book,
}

/// Where deliveries come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// The path.
    pub path: &'static str,
    /// Whose it is.
    pub system: System,
    /// The secret that deliveries are signed with.
    pub signed: &'static str,
    /// How the caller is known.
    pub known: Known,
    /// What is done.
    pub work: Work,
}

const fn door(path: &'static str, system: System, proof: (&'static str, Known), work: Work) -> Door {
    Door { path, system, signed: proof.0, known: proof.1, work }
}

const ODOO: (&str, Known) = ("odoo/signing", Known::Bearer("odoo/token"));

/// All doors.
pub const DOORS: [Door; 8] = [
    door(
        "/shop/orders",
        System::Shop,
        ("shop/signing", Known::Header("x-shop-access-token", "shop/token")),
        Work::Keep("/order"),
    ),
    door("/odoo/orders", System::Odoo, ODOO, Work::KeepOrder),
    door("/odoo/deliveries", System::Odoo, ODOO, Work::Keep("/tracking")),
    door("/odoo/invoices", System::Odoo, ODOO, Work::Keep("/number")),
    door("/wms/orders", System::Warehouse, ("wms/signing", Known::Header("x-api-key", "wms/key")), Work::Fulfil),
    door(
        "/parcelwind/labels",
        System::Parcelwind,
        ("parcelwind/signing", Known::Basic("parcelwind/password")),
        Work::Label("/reference"),
    ),
    door(
        "/northpost/labels",
        System::Northpost,
        ("northpost/signing", Known::Bearer("northpost/token")),
        Work::Label("/shipment"),
    ),
    door("/finance/bookings", System::Finance, ("finance/signing", Known::Basic("finance/password")), Work::Book),
];

impl Door {
    /// The door of a path.
    pub fn at(path: &str) -> Option<&'static Self> {
        DOORS.iter().find(|door| door.path == path)
    }
}
