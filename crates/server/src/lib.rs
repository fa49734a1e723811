//! HTTP in: ingestion, management API, metrics, health; settings, wiring, telemetry. Decides nothing about events.

pub mod api;
pub mod app;
pub mod clock;
pub mod http;
pub mod identity;
pub mod logs;
pub mod odoo;
pub mod port;
pub mod project;
pub mod secrets;
pub mod service;
pub mod settings;
pub mod tasks;
pub mod telemetry;
pub mod up;
