//! `crossdock simulate odoo`: a simulated Odoo on a port of this machine until it is told to stop.

use std::sync::Arc;

use model::TimeSpan;
use server::clock::SystemClock;
use sim::odoo::{self, Addon, Fault, INTERNAL, Odoo, Options, Version};
use tokio::net::TcpListener;

use crate::args::SimulatedOdoo;
use crate::exit::{Ended, Exit, Failure};
use crate::moment;
use crate::output::Output;
use crate::patience::told_to_stop;

/// The administrator's id, as in each fresh database.
const ADMINISTRATOR: i64 = 2;

pub(crate) async fn run(asked: &SimulatedOdoo, output: &Output) -> Ended {
    let faults = asked.fault.iter().map(|text| fault(text)).collect::<Result<Vec<_>, _>>()?;
    let options = options(asked)?;
    let failed = |said: String| Failure::new(Exit::Failed, "odoo", said);
    let cannot_listen = |error| failed(format!("the simulated Odoo cannot listen on {}: {error}", asked.listen));
    let listener = TcpListener::bind(asked.listen).await.map_err(cannot_listen)?;
    let odoo = Odoo::new(&options, Arc::new(SystemClock::new()));
    odoo.set_sender(odoo::post().map_err(|error| failed(format!("the simulated Odoo cannot send: {error}")))?);
    for (fault, in_thousand) in faults {
        odoo.begin_fault_for(fault, in_thousand);
    }
    let serving = odoo::serve(odoo.clone(), listener).map_err(cannot_listen)?;
    let (login, key) = user(&odoo, asked);
    output.line(&format!("ready url={} database={} login={login} key={key}", serving.url, odoo.database()));
    told_to_stop().await;
    serving.stop().await;
    let (load, webhooks) = (odoo.load(), odoo.webhooks());
    output.say(&format!(
        "{} requests, {} calls, {} rows read, {} conflicts, {} changes; {} webhooks sent, {} lost, {} phantom, {} doubled",
        load.requests,
        load.total(),
        load.rows,
        load.conflicts,
        odoo.changes().len(),
        webhooks.sent,
        webhooks.lost,
        webhooks.phantom,
        webhooks.doubled
    ));
    Ok(Exit::Done)
}

/// Who calls: the administrator, or a user of the groups that were asked for.
fn user(odoo: &Odoo, asked: &SimulatedOdoo) -> (&'static str, String) {
    const PLAIN: &str = "crossdock";
    let ends = asked.key_days.map(|days| moment::now() + TimeSpan::from_days(days));
    if asked.groups.is_empty() {
        if let Some(ends) = ends {
            return (odoo.login(), odoo.issue_key(ADMINISTRATOR, PLAIN, Some(ends)));
        }
        return (odoo.login(), odoo.key().to_owned());
    }
    let groups: Vec<&str> = asked.groups.iter().map(String::as_str).chain([INTERNAL]).collect();
    let user = odoo.add_user(PLAIN, PLAIN, &groups);
    (PLAIN, odoo.issue_key(user, PLAIN, ends))
}

fn options(asked: &SimulatedOdoo) -> Result<Options, Failure> {
    let unknown = || Failure::new(Exit::Usage, "version", format!("there is no simulated Odoo {}", asked.version));
    let version = Version::numbered(asked.version).ok_or_else(unknown)?;
    let records = usize::try_from(asked.records).unwrap_or(usize::MAX);
    let addon = if asked.no_addon { Addon::Missing } else { Addon::Installed };
    Ok(Options { seed: asked.seed, records, addon, ..Options::new(version) })
}

/// `NAME` or `NAME=N`: a fault, and how many of a thousand requests it strikes.
fn fault(text: &str) -> Result<(Fault, u64), Failure> {
    let (name, share) = text.split_once('=').map_or((text, None), |(name, share)| (name, Some(share)));
    let names = || Fault::ALL.map(Fault::name).join(", ");
    let unknown = || {
        Failure::new(Exit::Usage, "fault", format!("there is no fault {name:?} of an Odoo"))
            .hint(format!("there are {}", names()))
    };
    let bad = |share: &str| Failure::new(Exit::Usage, "fault", format!("{share:?} is no number of a thousand requests"));
    let fault = Fault::named(name).ok_or_else(unknown)?;
    let share = share.map_or(Ok(1_000), |share| share.parse().map_err(|_| bad(share)))?;
    Ok((fault, share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_a_share_of_the_requests() {
        for (text, expected) in [
            ("slow", Some((Fault::Slow, 1_000))),
            ("timeout-after-commit=50", Some((Fault::TimeoutAfter, 50))),
            ("slow=much", None),
            ("nonsense", None),
        ] {
            assert_eq!(fault(text).ok(), expected, "{text}");
        }
    }
}
