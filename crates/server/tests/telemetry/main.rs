//! Telemetry of a running product: what a collector, a scraper and a reader of the log get, and what none of them may get.

#[cfg(test)]
mod chain;
#[cfg(test)]
mod collector;
#[cfg(test)]
mod numbers;
#[cfg(test)]
mod openmetrics;
#[cfg(test)]
mod product;
#[cfg(test)]
mod quiet;
#[cfg(test)]
mod receiver;
