//! HTTP in: ingestion, management API, health, telemetry, wiring.
