//! The running product: clock, conservation, journal, breakers, what was paused; or why it cannot be asked.

use model::{TimeSpan, Timestamp};
use server::api::{CauseLine, Concern, Health, QuarantineLine, Rows, Status, TokenLine};
use server::settings::{Listen, Settings};
use tokio::net::TcpListener;

use super::Checks;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::moment;

/// Signatures have tolerances of minutes; a clock that is off by seconds is a sign.
const DRIFT_MS_MAX: i64 = 2_000;
/// So long before a token ends, somebody should know.
const NEAR: TimeSpan = TimeSpan::from_days(30);

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
    let was_ahead = status.concerns.iter().find(|it| it.kind == "clock");
    clock(status.wall, was_ahead, moment::now(), checks);
    for (store, bytes, budget) in
        [("journal", status.journal.bytes, status.journal.budget), ("ledger", status.ledger.bytes, status.ledger.budget)]
    {
        if !status.concerns.iter().any(|it| it.kind == store) {
            let percent = bytes.saturating_mul(100) / budget.max(1);
            checks.good(store, format!("{percent} % of its budget is in use"));
        }
    }
    for it in status.concerns.iter().filter(|it| !["accounts", "clock"].contains(&it.kind.as_str())) {
        concern(it, status, checks);
    }
}

/// What `crossdock status` says, each with its fix. A pause of a minute ago is no finding of the product, but somebody who asks what
/// there is to mend should be told.
fn concern(it: &Concern, status: &Status, checks: &mut Checks) {
    match it.kind.as_str() {
        "person" => people(status, checks),
        "journal" => checks.finding(
            "journal",
            it.text.clone(),
            "raise journal_mib or lower body_days in the settings file, or finish what keeps its bytes: crossdock deliveries \
             ls --state dead_lettered, crossdock quarantine ls",
        ),
        "ledger" => checks.finding(
            "ledger",
            it.text.clone(),
            "raise ledger_mib or lower record_days in the settings file, or finish what is open: crossdock deliveries ls --state \
             dead_lettered, crossdock quarantine ls",
        ),
        "router" => checks.finding("router", it.text.clone(), "the log of the product says what its loop `router` met"),
        // The project's own check says where each value is looked for.
        "secret" => checks.finding("secret", it.text.clone(), "give it a value; it is read again within ten seconds"),
        "key" if it.health == Health::Healthy => checks.good("odoo", it.text.clone()),
        "key" => checks.finding("odoo", it.text.clone(), it.next.clone()),
        // A rule may be meant to hide records.
        "hidden" => checks.note("odoo", it.text.clone()),
        kind => checks.finding(known(kind), it.text.clone(), it.next.clone()),
    }
}

/// The words that columns are made for.
fn known(kind: &str) -> &'static str {
    ["breaker", "overdue", "paused"].into_iter().find(|known| *known == kind).unwrap_or("product")
}

fn people(status: &Status, checks: &mut Checks) {
    for CauseLine { group, advice, next, .. } in &status.causes {
        let text = format!(
            "{} {} of {} to {} wait for {}: {}",
            group.count,
            group.state.replace('_', "-"),
            group.flow,
            group.destination,
            group.owner,
            group.why
        );
        checks.finding("person", text, format!("{advice}. {next}"));
    }
    for QuarantineLine { group, next, .. } in &status.quarantined {
        let text = format!("{} quarantined of {} wait for {}: {}", group.count, group.source, group.owner, group.reason);
        checks.finding("person", text, next.clone());
    }
}

/// Whether a token ends soon. With the last administrator's one nobody could make another.
pub(super) async fn tokens(client: &Client, checks: &mut Checks) {
    let tokens: Result<Rows<TokenLine>, Failure> = client.get("/tokens").await;
    match tokens {
        Ok(tokens) => expiries(&tokens.rows, moment::now(), checks),
        Err(_) => checks.note("tokens", "who may list them is told when they end"),
    }
}

fn expiries(tokens: &[TokenLine], now: Timestamp, checks: &mut Checks) {
    let holding = tokens.iter().filter(|it| it.revoked_at.is_none() && it.expires_at > now);
    let (mut count, mut near) = (0, false);
    for it in holding {
        count += 1;
        if it.expires_at <= now + NEAR {
            near = true;
            let fix = format!("crossdock token make {} --scope …, and give it to whoever uses it", it.name);
            checks.finding("tokens", format!("the token of {} ends at {}", it.name, it.expires_at), fix);
        }
    }
    if count > 0 && !near {
        checks.good("tokens", format!("{count} hold for more than {} days", NEAR.secs() / 86_400));
    }
}

/// One word on the clock: whether it is right now comes before what is left of a time when it was not.
fn clock(wall: Timestamp, was_ahead: Option<&Concern>, now: Timestamp, checks: &mut Checks) {
    let ahead = wall.millis() - now.millis();
    if ahead.abs() > DRIFT_MS_MAX {
        let text = format!("the product's clock differs from this machine's by {ahead} ms");
        checks.finding("clock", text, "set both by NTP (timedatectl set-ntp true): signatures are judged by the clock");
    } else if let Some(it) = was_ahead {
        checks.note("clock", format!("{}; keep it right by NTP", it.text));
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

#[cfg(test)]
mod tests {
    use server::api::Health;

    use super::*;
    use crate::verbs::doctor::Standing;

    #[test]
    fn of_the_clock_one_thing_is_said() {
        let now = Timestamp::from_secs(1_793_000_000);
        let (text, next) = ("it was set back".to_owned(), String::new());
        let concern = Concern { kind: "clock".to_owned(), health: Health::Healthy, text, next };
        for (wall, was_ahead, standing) in [
            (now, None, Standing::Good),
            (now, Some(&concern), Standing::Note),
            (now + TimeSpan::from_secs(3), Some(&concern), Standing::Finding),
        ] {
            let mut checks = Checks::default();
            clock(wall, was_ahead, now, &mut checks);
            assert_eq!(checks.0.iter().map(|it| it.standing).collect::<Vec<_>>(), [standing]);
        }
    }

    #[test]
    fn a_token_is_told_thirty_days_before_it_ends_and_not_when_it_is_over() {
        let now = Timestamp::from_secs(1_793_000_000);
        let token = |name: &str, days: u64, revoked: bool| TokenLine {
            name: name.to_owned(),
            scopes: Vec::new(),
            created_at: now,
            expires_at: now + TimeSpan::from_days(days),
            revoked_at: revoked.then_some(now),
        };
        let found = |tokens: &[TokenLine]| {
            let mut checks = Checks::default();
            expiries(tokens, now, &mut checks);
            let of = |standing| checks.0.iter().filter(|it| it.standing == standing).count();
            (of(Standing::Good), of(Standing::Finding))
        };
        assert_eq!(found(&[token("admin", 31, false), token("old", 0, false), token("gone", 5, true)]), (1, 0));
        assert_eq!(found(&[token("admin", 30, false), token("scraper", 90, false)]), (0, 1));
        assert_eq!(found(&[]), (0, 0), "the demo has none");
    }
}
