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

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    let ended = runtime.block_on(async {
        match args.first().map(String::as_str) {
            Some("load") => load::process(&args[1..]).await,
            Some("sink") => sink::process().await,
            Some("limit") => limit::process(&args[1..]).await,
            Some("corpus") => corpus::run(&args[1..]).await,
            Some("capture") => capture::run(&args[1..]).await,
            Some("cost") => capture::cost::run(&args[1..]).await,
            Some("writes") => writes::run(&args[1..]).await,
            Some("kill") => kill::run(&args[1..]).await,
            Some("store") => store::speed::run(&args[1..]).await,
            _ => measure::run(&args).await,
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
