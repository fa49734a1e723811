//! Senders known by name: their signature, and where type, key and time are found in what they send. What a source says
//! itself goes before what its preset says.

use formats::signature::{hmac_template::Scheme, presets};
use model::limit::SIGNATURE_TOLERANCE;

use crate::compiled::{Handshake, Verify};

/// A sender known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Shopify's webhooks.
    Shopify,
    /// Webhooks of a `WooCommerce` shop.
    Woocommerce,
    /// Whoever signs by Standard Webhooks.
    StandardWebhooks,
    /// `EasyPost`'s tracker events.
    Easypost,
    /// Stripe's events.
    Stripe,
    /// GitHub's webhooks.
    Github,
}

/// The names of the presets, as project files write them.
pub const PRESETS: &[&str] = &["shopify", "woocommerce", "standard-webhooks", "easypost", "stripe", "github"];

/// Where a preset finds a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresetPick {
    /// In a header.
    Header(&'static str),
    /// In the data.
    Path(&'static str),
}

/// What a preset knows besides the signature.
#[derive(Clone, Copy, Debug)]
pub struct PresetData {
    /// Where the native type is.
    pub kind: PresetPick,
    /// Where the key is.
    pub key: PresetPick,
    /// Where the time of occurrence is, if it is sent as an RFC 3339 text.
    pub time: Option<PresetPick>,
    /// Headers that are worth keeping.
    pub keep_headers: &'static [&'static str],
}

impl Preset {
    /// The preset of a name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "shopify" => Self::Shopify,
            "woocommerce" => Self::Woocommerce,
            "standard-webhooks" => Self::StandardWebhooks,
            "easypost" => Self::Easypost,
            "stripe" => Self::Stripe,
            "github" => Self::Github,
            _ => return None,
        })
    }

    /// How its requests are verified.
    pub fn verify(self) -> Verify {
        let signed = |scheme: Scheme| Verify::Signed(Box::new(scheme));
        match self {
            Self::Shopify => signed(presets::shopify()),
            Self::Woocommerce => signed(presets::woocommerce()),
            Self::StandardWebhooks => Verify::StandardWebhooks { tolerance: SIGNATURE_TOLERANCE },
            Self::Easypost => signed(presets::easypost()),
            Self::Stripe => signed(presets::stripe()),
            Self::Github => signed(presets::github()),
        }
    }

    /// Where its requests have what a source needs.
    pub const fn data(self) -> PresetData {
        use PresetPick::{Header, Path};
        match self {
            Self::Shopify => PresetData {
                kind: Header("x-shopify-topic"),
                key: Header("x-shopify-webhook-id"),
                time: Some(Header("x-shopify-triggered-at")),
                keep_headers: &["x-shopify-shop-domain", "x-shopify-api-version", "x-shopify-event-id"],
            },
            Self::Woocommerce => PresetData {
                kind: Header("x-wc-webhook-topic"),
                key: Header("x-wc-webhook-delivery-id"),
                time: None,
                keep_headers: &["x-wc-webhook-source", "x-wc-webhook-id", "x-wc-webhook-resource", "x-wc-webhook-event"],
            },
            Self::StandardWebhooks => PresetData {
                kind: Path(".type"),
                key: Header("webhook-id"),
                time: Some(Path(".timestamp")),
                keep_headers: &[],
            },
            Self::Easypost => PresetData {
                kind: Path(".description"),
                key: Path(".id"),
                time: Some(Path(".created_at")),
                keep_headers: &[],
            },
            Self::Stripe => PresetData { kind: Path(".type"), key: Path(".id"), time: None, keep_headers: &[] },
            Self::Github => PresetData {
                kind: Header("x-github-event"),
                key: Header("x-github-delivery"),
                time: None,
                keep_headers: &["x-github-hook-id", "x-github-hook-installation-target-type"],
            },
        }
    }

    /// Test calls that it makes when a webhook is switched on.
    pub fn handshake(self) -> Vec<Handshake> {
        match self {
            Self::Woocommerce => vec![Handshake::FormPing { field: "webhook_id".to_owned() }],
            Self::Github => vec![Handshake::Ping { header: "x-github-event".to_owned(), equals: "ping".to_owned() }],
            Self::Shopify | Self::StandardWebhooks | Self::Easypost | Self::Stripe => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_preset() {
        for name in PRESETS {
            assert!(Preset::named(name).is_some(), "{name}");
        }
    }
}
