//! `crossdock retention`: what has had its time, without the running product, which does this by itself.

use std::path::Path;
use std::sync::Arc;

use backends::sqlite::{Options, Store};
use engine::membership;
use engine::ports::{Clock, Journal, Ledger};
use engine::retention::decide::{Pressure, Retention as Kept};
use engine::retention::offline::{self, Forecast, Report};
use model::Fault;
use model::limit::KEY_WINDOW;
use serde_json::{Value, json};
use server::clock::SystemClock;
use server::settings::{Environment, Flags, Settings};

use crate::args::{Form, Retention, RetentionOf};
use crate::ask;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;

pub(crate) async fn run(verb: &Retention, output: &Output) -> Ended {
    match verb {
        Retention::Preview(args) => {
            let opened = Opened::new(args).await?;
            let forecast = offline::preview(&opened.journal, &opened.ledger, opened.clock.now(), opened.kept).await;
            opened.close();
            print_forecast(&forecast.map_err(|fault| failed(&fault))?, output);
            Ok(Exit::Done)
        }
        Retention::Run(args) => {
            let opened = Opened::new(args).await?;
            ask::confirm("remove what has had its time?", args.sure, output)?;
            let report = offline::run_once(&opened.journal, &opened.ledger, &opened.clock, opened.kept).await;
            opened.close();
            print_report(&report.map_err(|fault| failed(&fault))?, output);
            Ok(Exit::Done)
        }
    }
}

/// A data folder that nobody else has open.
struct Opened {
    store: Store,
    journal: Arc<dyn Journal>,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    kept: Kept,
}

impl Opened {
    async fn new(args: &RetentionOf) -> Result<Self, Failure> {
        let flags = Flags { data: args.data.clone(), settings: args.settings.clone(), ..Flags::default() };
        let settings = Settings::resolve(&flags, Environment::read())
            .map_err(|error| Failure::new(Exit::Usage, "settings", error.to_string()))?;
        if !server::up::is_data_folder(&settings.data) {
            let message = format!("{} is no data folder of the product", settings.data.display());
            return Err(Failure::new(Exit::NotFound, "no-data", message).hint("name it with --data"));
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let store = open(&settings.data, settings.store(), &clock)?;
        let kept = settings.retention();
        let opened = Self { journal: store.journal.clone(), ledger: store.ledger.clone(), store, clock, kept };
        if let Err(fault) = membership::resume_time(&opened.journal, &opened.ledger, &opened.clock).await {
            opened.close();
            return Err(failed(&fault));
        }
        Ok(opened)
    }

    fn close(&self) {
        self.store.close();
    }
}

fn open(folder: &Path, options: Options, clock: &Arc<dyn Clock>) -> Result<Store, Failure> {
    Store::open(folder, options, clock).map_err(|fault| {
        let failure = Failure::new(Exit::Failed, "data", format!("{fault}"));
        failure.hint("while the product runs, it does this itself; stop it first to do it by hand")
    })
}

fn failed(fault: &Fault) -> Failure {
    Failure::new(Exit::Failed, "store", fault.to_string())
}

fn print_forecast(forecast: &Forecast, output: &Output) {
    let by = match forecast.pressure {
        Pressure::Age => "by age",
        Pressure::Space => "by age and for space",
        Pressure::Nothing => "nothing has had its time",
    };
    if output.form == Form::Json {
        let going: Vec<Value> = forecast.records.iter().map(|it| json!({ "partition": it.partition, "records": it.records, "kept": it.kept, "let_go": it.let_go, "body_bytes": it.body_bytes })).collect();
        output.json(&json!({
            "schema": "crossdock/retention-preview/1", "records": going, "rows_before": forecast.ages.rows,
            "answers_before": forecast.ages.answers, "audit_before": forecast.ages.audit,
            "bytes": forecast.usage.bytes, "budget": forecast.usage.budget, "by": by,
            "ledger_bytes": forecast.room.bytes, "ledger_budget": forecast.room.budget,
        }));
        return;
    }
    let records: u64 = forecast.records.iter().map(|it| it.records).sum();
    output.line(&format!("{records} records would go, {by}"));
    for it in forecast.records.iter().filter(|it| it.records + it.let_go > 0) {
        output.line(&format!(
            "  partition {}: {} records, of which {} are still needed and kept; {} kept before that nobody needs; {} bytes of bodies",
            it.partition.0, it.records, it.kept, it.let_go, it.body_bytes
        ));
    }
    let ages = forecast.ages;
    output.line(&format!("  rows from before {}, keys that were remembered for {}", ages.rows, KEY_WINDOW.rounded()));
    output.line(&format!("  answers from before {}, audit from before {}", ages.answers, ages.audit));
    output.line(&format!("  the journal has {} of {} bytes", forecast.usage.bytes, forecast.usage.budget));
    output.line(&format!("  the ledger has {} of {} bytes", forecast.room.bytes, forecast.room.budget));
    output.next("crossdock retention run");
}

fn print_report(report: &Report, output: &Output) {
    match output.form {
        Form::Json => output.json(&json!({
            "schema": "crossdock/retention/1", "records": report.records, "kept": report.kept, "rows": report.rows, "key_periods": report.key_periods, "emitted": report.emitted,
            "unreadable": report.unreadable,
            "bytes_before": report.before.bytes, "bytes": report.after.bytes,
            "ledger_bytes_before": report.room_before.bytes, "ledger_bytes": report.room_after.bytes,
        })),
        Form::Table => {
            output.line(&report.to_string());
            for row in &report.unreadable {
                output.line(&format!("  it has had its time, cannot be read, and stays: {row}"));
            }
        }
    }
}
