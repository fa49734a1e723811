//! What every request handler shares. Values and handles only; no behaviour.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use engine::intake::run::Intake;
use engine::node::{Ground, Node};
use engine::ports::Views;
use prometheus_client::registry::Registry;

use crate::http::once::UnderWay;
use crate::settings::Settings;

/// The running product.
#[derive(Debug)]
pub struct App {
    /// The ports that the node stands on.
    pub ground: Ground,
    /// The node.
    pub node: Node,
    /// Pages for people.
    pub views: Arc<dyn Views>,
    /// Where events come in.
    pub intake: Intake,
    /// The settings.
    pub settings: Settings,
    /// The metrics.
    pub registry: Registry,
    /// What a write without a bearer token must carry.
    pub same_site: String,
    /// Writes with keys that this process is at.
    pub under_way: UnderWay,
    /// Whether traffic is accepted.
    pub ready: AtomicBool,
}
