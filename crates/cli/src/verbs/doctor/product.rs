//! The running product: clock, conservation, journal, breakers, what was paused; or why it cannot be asked.

use server::api::Status;
use server::settings::{Listen, Settings};
use tokio::net::TcpListener;

use super::Checks;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::moment;

/// Signatures have tolerances of minutes; a clock that is off by seconds is a sign.
const DRIFT_MS_MAX: i64 = 2_000;

pub(super) fn check(client: &Client, status: &Status, checks: &mut Checks) {
    checks.good("product", format!("{} runs {}, policy {}", client.base(), status.version, status.policy.short()));
    if status.missing == 0 {
        checks.good("accounts", "everything accepted is accounted for");
    } else {
        checks.finding(
            "accounts",
            format!("{} are not accounted for", status.missing),
            "keep the data folder as it is and report this: it is a defect of the product",
        );
    }
    clock(status, checks);
    let percent = status.journal.bytes.saturating_mul(100) / status.journal.budget.max(1);
    let fix = "raise journal_mib or lower body_days in the settings file, or finish what keeps its bytes: crossdock deliveries \
               ls --state dead_lettered, crossdock quarantine ls";
    if percent >= 100 {
        checks.finding(
            "journal",
            format!("{percent} % of its budget is in use: intake answers 503 until there is room"),
            fix,
        );
    } else if percent >= 70 {
        checks.finding("journal", format!("{percent} % of its budget is in use"), fix);
    } else {
        checks.good("journal", format!("{percent} % of its budget is in use"));
    }
    for it in status.destinations.iter().filter(|it| it.breaker != "closed") {
        let name = &it.backlog.destination;
        let text = format!("the breaker of {name} is {}, {} deliveries wait", it.breaker, it.backlog.waiting);
        checks.finding(
            "breaker",
            text,
            format!(
                "mend {name}; it is tried again by itself. crossdock deliveries ls --destination {name} --state waiting"
            ),
        );
    }
    let sources = status.sources.iter().filter(|it| it.paused).map(|it| format!("source/{}", it.source));
    let destinations =
        status.destinations.iter().filter(|it| it.paused).map(|it| format!("destination/{}", it.backlog.destination));
    for object in sources.chain(destinations) {
        checks.finding("paused", format!("{object} is paused"), format!("crossdock resume {object} --reason …"));
    }
}

fn clock(status: &Status, checks: &mut Checks) {
    let ahead = status.wall.millis() - moment::now().millis();
    let held_back = status.as_of.millis() - status.wall.millis();
    if ahead.abs() > DRIFT_MS_MAX {
        let text = format!("the product's clock differs from this machine's by {ahead} ms");
        checks.finding("clock", text, "set both by NTP (timedatectl set-ntp true): signatures are judged by the clock");
    } else if held_back > DRIFT_MS_MAX {
        let text = format!("the product's machine was set back by {held_back} ms while it ran");
        checks.finding("clock", text, "let NTP slew the clock; restart the product once it is right");
    } else {
        checks.good("clock", format!("differs by {ahead} ms"));
    }
}

/// It does not answer, or not to us.
pub(super) async fn absent(client: &Client, failure: &Failure, settings: &Settings, checks: &mut Checks) {
    if failure.exit != Exit::Unreachable || failure.code != "unreachable" {
        checks.finding("product", format!("{}: {}", client.base(), failure.message), failure.hint.clone());
        return;
    }
    checks.note("product", format!("nothing answers at {}: what only it knows is not checked", client.base()));
    let (Listen::Default(address) | Listen::Exactly(address)) = settings.listen;
    match TcpListener::bind(address).await {
        Ok(_) => checks.good("port", format!("{address} is free")),
        Err(error) => match settings.listen {
            Listen::Default(_) => {
                checks.note("port", format!("{address} is taken ({error}): the next free one will be used"));
            }
            Listen::Exactly(_) => checks.finding(
                "port",
                format!("{address} cannot be had: {error}"),
                "stop what listens there, or name another with --listen",
            ),
        },
    }
}
