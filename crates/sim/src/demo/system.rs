//! The systems of the demo world and the secrets that they share with the product. Everyone may know these secrets: they
//! are worth nothing outside the demo.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A simulated system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum System {
    /// The web shop.
    #[serde(rename = "shop")]
    Shop,
    /// The ERP.
    #[serde(rename = "odoo")]
    Odoo,
    /// The warehouse.
    #[serde(rename = "wms-rotterdam")]
    Warehouse,
    /// The carrier with bad days.
    #[serde(rename = "parcelwind")]
    Parcelwind,
    /// The slow carrier.
    #[serde(rename = "northpost")]
    Northpost,
    /// Finance.
    #[serde(rename = "finance")]
    Finance,
}

impl System {
    /// All of them, in the order of an order's way.
    pub const ALL: [Self; 6] = [Self::Shop, Self::Odoo, Self::Warehouse, Self::Parcelwind, Self::Northpost, Self::Finance];

    /// Its name in the project; its one source has the same.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shop => "shop",
            Self::Odoo => "odoo",
            Self::Warehouse => "wms-rotterdam",
            Self::Parcelwind => "parcelwind",
            Self::Northpost => "northpost",
            Self::Finance => "finance",
        }
    }

    /// The secret by which it proves what it sends.
    pub const fn sends_with(self) -> &'static str {
        match self {
            Self::Shop => "shop/webhook",
            Self::Odoo => "odoo/path",
            Self::Warehouse => "wms/webhook",
            Self::Parcelwind => "parcelwind/webhook",
            Self::Northpost => "northpost/webhook",
            Self::Finance => "finance/webhook",
        }
    }
}

/// The names of all secrets of the demo project.
pub const SECRETS: [&str; 18] = [
    "finance/password",
    "finance/signing",
    "finance/webhook",
    "northpost/signing",
    "northpost/token",
    "northpost/webhook",
    "odoo/path",
    "odoo/signing",
    "odoo/token",
    "parcelwind/password",
    "parcelwind/signing",
    "parcelwind/webhook",
    "shop/signing",
    "shop/token",
    "shop/webhook",
    "wms/key",
    "wms/signing",
    "wms/webhook",
];

/// The value of a secret. Those of Standard Webhooks are keys in their form.
pub fn secret(name: &str) -> String {
    let is_key = name.ends_with("/signing") || name == System::Warehouse.sends_with();
    if is_key {
        format!("whsec_{}", STANDARD.encode(format!("the demo, known to all: {name}")))
    } else {
        format!("demo-{}", name.replace('/', "-"))
    }
}

#[cfg(test)]
mod tests {
    use formats::signature::standard_webhooks::SigningKey;

    use super::*;

    #[test]
    fn keys_have_their_form_and_every_sender_has_a_secret() {
        for name in SECRETS.iter().filter(|name| name.ends_with("/signing")) {
            assert!(SigningKey::parse(&secret(name)).is_ok(), "{name}");
        }
        for system in System::ALL {
            assert!(SECRETS.contains(&system.sends_with()), "{system:?}");
        }
    }
}
