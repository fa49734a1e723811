//! The one binary, `crossdock`: reads the command line, runs one verb, ends with its exit code. Decides nothing itself.

mod address;
mod args;
mod ask;
mod client;
mod exit;
mod help;
mod moment;
mod odoo;
mod output;
mod packs;
mod patience;
mod problems;
mod project;
mod signing;
mod verbs;
mod world;

use std::process::ExitCode;

use clap::FromArgMatches as _;
use clap::error::{ContextKind, ContextValue};

use crate::args::{Args, Common, Form, Verb};
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = match help::command().try_get_matches().and_then(|matches| Args::from_arg_matches(&matches)) {
        Ok(args) => args,
        Err(error) => return misunderstood(&error),
    };
    let output = Output::new(&args.common);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return output.fail(Exit::Failed, &format!("the runtime cannot start: {error}")).code();
        }
    };
    let exit = runtime.block_on(run(args, &output));
    exit.code()
}

/// Help and version were asked for, or the command line is wrong. Programs that asked for JSON get the mistake as JSON too.
fn misunderstood(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Nobody reads it any more: no error of ours.
        drop(error.print());
        return Exit::Done.code();
    }
    let words: Vec<String> = std::env::args().collect();
    let asks_json = words.iter().any(|word| matches!(word.as_str(), "--json" | "-ojson" | "-o=json" | "--output=json"))
        || words
            .windows(2)
            .any(|pair| matches!(pair, [flag, form] if (flag == "-o" || flag == "--output") && form == "json"));
    let form = if asks_json { Form::Json } else { Form::Table };
    let output = Output::new(&Common { output: form, ..Common::default() });
    if let Some(failure) = unknown_verb(error) {
        return output.failure(&failure).code();
    }
    if !asks_json {
        drop(error.print());
        return Exit::Usage.code();
    }
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    output.failure(&Failure::new(Exit::Usage, "usage", message).hint("crossdock help")).code()
}

/// A verb that there is not, with those that were probably meant. An alias of one letter is near everything and says nothing.
fn unknown_verb(error: &clap::Error) -> Option<Failure> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let near: Vec<String> = match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(words)) => words.iter().filter(|it| it.len() > 1).map(|it| format!("`{it}`")).collect(),
        Some(ContextValue::String(word)) => vec![format!("`{word}`")],
        Some(_) | None => Vec::new(),
    };
    let hint = if near.is_empty() {
        "`crossdock help` lists the verbs".to_owned()
    } else {
        format!("did you mean {}? `crossdock help` lists the verbs", near.join(" or "))
    };
    Some(Failure::new(Exit::Usage, "usage", format!("there is no verb `{word}`")).hint(hint))
}

async fn run(args: Args, output: &Output) -> Exit {
    let ended = match args.verb.unwrap_or_default() {
        Verb::Up(up) => verbs::up::run(&up, output).await,
        Verb::Check(check) => verbs::check::run(&check, output),
        Verb::Fmt(fmt) => verbs::fmt::run(&fmt, output),
        Verb::Init(init) => verbs::init::run(&init, output),
        Verb::Add(add) => verbs::add::run(&args.common, &add, output).await,
        Verb::Rotate(rotate) => verbs::rotate::run(&rotate, output).await,
        Verb::Test(test) => verbs::test::run(&test, output),
        Verb::Listen(listen) => verbs::listen::run(&args.common, &listen, output).await,
        Verb::Retention(retention) => verbs::retention::run(&retention, output).await,
        Verb::Catalog(catalog) => verbs::catalog::run(&catalog, output),
        Verb::Completion(completion) => Ok(verbs::completion::run(&completion, output)),
        Verb::ExitCodes => Ok(verbs::version::exit_codes(output)),
        verb => ask_product(&args.common, verb, output).await,
    };
    match ended {
        Ok(exit) => exit,
        Err(failure) => output.failure(&failure),
    }
}

/// The verbs that ask the running product.
async fn ask_product(common: &Common, verb: Verb, output: &Output) -> Ended {
    match verb {
        Verb::Explain(args) => verbs::explain::run(common, &args, output).await,
        Verb::Plan(args) => verbs::plan::run(common, &args, output).await,
        Verb::Apply(args) => verbs::apply::run(common, &args, output).await,
        Verb::Rollback(args) => verbs::rollback::run(common, &args, output).await,
        Verb::Diff(args) => verbs::diff::run(common, &args, output).await,
        Verb::Doctor(args) => verbs::doctor::run(common, &args, output).await,
        Verb::Simulate(args) => verbs::simulate::run(common, &args, output).await,
        Verb::Status(args) => verbs::status::run(common, &args, output).await,
        Verb::Trace(args) => verbs::trace::run(common, &args, output).await,
        Verb::Tail(args) => verbs::tail::run(common, &args, output).await,
        Verb::Events(args) => verbs::events::run(common, &args, output).await,
        Verb::Deliveries(args) => verbs::deliveries::run(common, &args, output).await,
        Verb::Retry(args) => verbs::retry::run(common, &args, output).await,
        Verb::Cancel(args) => verbs::operate::cancel(common, &args, output).await,
        Verb::Hold(args) => verbs::operate::hold(common, &args, output).await,
        Verb::Quarantine(args) => verbs::quarantine::run(common, &args, output).await,
        Verb::Replay(args) => verbs::replay::run(common, &args, output).await,
        Verb::Pause(args) => verbs::switch::pause(common, &args, output).await,
        Verb::Resume(args) => verbs::switch::resume(common, &args, output).await,
        Verb::Reconcile(args) => verbs::reconcile::run(common, &args, output).await,
        Verb::Send(args) => verbs::send::run(common, &args, output).await,
        Verb::Audit(args) => verbs::audit::run(common, &args, output).await,
        Verb::Token(args) => verbs::token::run(common, &args, output).await,
        Verb::Version => verbs::version::version(common, output).await,
        Verb::Up(_)
        | Verb::Check(_)
        | Verb::Fmt(_)
        | Verb::Init(_)
        | Verb::Add(_)
        | Verb::Rotate(_)
        | Verb::Test(_)
        | Verb::Listen(_)
        | Verb::Retention(_)
        | Verb::Catalog(_)
        | Verb::Completion(_)
        | Verb::ExitCodes => Err(Failure::new(Exit::Failed, "verb", "this verb does not ask the product")),
    }
}
