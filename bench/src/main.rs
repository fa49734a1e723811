//! Measures Crossdock against the limits of the machine that it runs on, in the same run: a bare HTTP answer (L0), the same
//! with verification, parsing and a durable append (L1), and one `fdatasync` (F). It reports ratios and judges by them;
//! it asserts nothing.
//!
//! Load, sink and limits are processes of their own and serve the limits and the product alike.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures of a bench are rounded anyway"
)]

mod arguments;
mod capture;
mod corpus;
mod event;
mod kill;
mod limit;
mod load;
mod measure;
mod product;
mod report;
mod sides;
mod sink;
mod starts;
mod stats;
mod store;
mod writes;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Campaign};

fn main() -> ExitCode {
    let Arguments { campaign, measure } = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    let ended = runtime.block_on(async {
        match campaign {
            None => measure::run(&measure).await,
            Some(Campaign::Kill { rounds, seed }) => kill::run(rounds, seed).await,
            Some(Campaign::Corpus(given)) => corpus::run(given).await,
            Some(Campaign::Capture(given)) => capture::run(&given).await,
            Some(Campaign::Cost { version, records }) => capture::cost::run(version.into(), records).await,
            Some(Campaign::Writes { version, orders, seed }) => writes::run(version.into(), orders, seed).await,
            Some(Campaign::Store(given)) => store::speed::run(given).await,
            Some(Campaign::Load(plan)) => load::process(plan).await,
            Some(Campaign::Sink) => sink::process().await,
            Some(Campaign::Limit { kind, file }) => limit::process(kind, file).await,
        }
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Whatever went wrong, in words.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
