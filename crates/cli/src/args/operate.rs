//! Flags of the verbs with which the running product is operated.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Subcommand;
use model::{Code, DeliveryId, DestinationName, Digest, EventId, FlowName, ReplayId, SourceName};

use super::{Reason, Sure, rows};
use crate::moment::{Moment, PerSecond};

#[derive(Debug, clap::Args)]
pub(crate) struct Tail {
    /// Begin with what happened since then: 30m, 2h, or an instant
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Moment>,
    /// Begin with at most so many lines of what happened before; without it all since --since, else 10
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// End after what is there
    #[arg(long)]
    pub(crate) no_follow: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    /// List them, newest first
    Ls(EventsLs),
    /// Show one
    Show(EventsShow),
}

#[derive(Debug, clap::Args)]
pub(crate) struct EventsLs {
    /// Of this source
    #[arg(long)]
    pub(crate) source: Option<SourceName>,
    /// Of this type, or with this beginning where it ends in `*`
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// Received since then: 30m, 2h, or an instant
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Moment>,
    /// At most so many rows
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = rows)]
    pub(crate) limit: usize,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EventsShow {
    /// Which
    pub(crate) event: EventId,
    /// Its bytes as they were received, and nothing else
    #[arg(long)]
    pub(crate) body: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Deliveries {
    /// List them, newest first
    Ls(DeliveriesLs),
    /// Show one with its attempts
    Show(DeliveriesShow),
}

#[derive(Debug, clap::Args)]
pub(crate) struct DeliveriesLs {
    /// In these states: waiting, held, done, `dead_lettered`, cancelled, superseded
    #[arg(long, value_delimiter = ',', value_name = "STATE", value_parser = ["waiting", "held", "done", "dead_lettered", "cancelled", "superseded"])]
    pub(crate) state: Vec<String>,
    /// By this flow
    #[arg(long)]
    pub(crate) flow: Option<FlowName>,
    /// To this destination
    #[arg(long)]
    pub(crate) destination: Option<DestinationName>,
    /// Of this event
    #[arg(long)]
    pub(crate) event: Option<EventId>,
    /// With this cause, such as `http_503`
    #[arg(long)]
    pub(crate) cause: Option<String>,
    /// Made since then: 30m, 2h, or an instant
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Moment>,
    /// At most so many rows
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = rows)]
    pub(crate) limit: usize,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DeliveriesShow {
    /// Which
    pub(crate) delivery: DeliveryId,
}

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag by itself")]
pub(crate) struct Retry {
    /// Which
    #[arg(required_unless_present = "cause", value_name = "DELIVERY")]
    pub(crate) deliveries: Vec<DeliveryId>,
    /// Everything that waits for one cause: FLOW/DESTINATION/CAUSE, as `crossdock status` shows it
    #[arg(long, conflicts_with = "deliveries", value_name = "FLOW/DESTINATION/CAUSE")]
    pub(crate) cause: Option<String>,
    #[command(flatten)]
    pub(crate) reason: Reason,
    #[command(flatten)]
    pub(crate) pace: Pace,
    /// Also those that put an old state over a newer one of their key, which are otherwise skipped; it is audited
    #[arg(long, conflicts_with_all = ["cause", "canary", "rate", "stop_after"])]
    pub(crate) over_newer: bool,
    /// Also those of which nothing newer is known, where retention has removed what would tell; it is audited
    #[arg(long)]
    pub(crate) over_removed: bool,
    /// Wait until each is done or waits for a person again
    #[arg(long)]
    pub(crate) wait: bool,
    /// Do not wait for what comes of the next attempt; otherwise up to ten seconds
    #[arg(long, conflicts_with_all = ["wait", "cause"])]
    pub(crate) no_wait: bool,
}

/// How fast a replay goes, and when it stops by itself.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Pace {
    /// So many go first; the rest follows when all of them are done
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) canary: u32,
    /// So many a second: 2/s, 20, 120/m
    #[arg(long, value_name = "RATE")]
    pub(crate) rate: Option<PerSecond>,
    /// Stop by itself when so many have failed
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) stop_after: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct OnDeliveries {
    /// Which
    #[arg(required = true, value_name = "DELIVERY")]
    pub(crate) deliveries: Vec<DeliveryId>,
    #[command(flatten)]
    pub(crate) reason: Reason,
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Replay {
    #[command(subcommand)]
    pub(crate) verb: Option<ReplayVerb>,
    #[command(flatten)]
    pub(crate) order: ReplayOrder,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReplayVerb {
    /// List replays, newest first
    Ls(ReplayLs),
    /// Show one and how far it is
    Show(ReplayShow),
    /// End one; what was sent stays sent
    Cancel(ReplayCancel),
}

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag by itself")]
pub(crate) struct ReplayOrder {
    /// These events
    #[arg(long, value_name = "EVENT", conflicts_with_all = ["source", "kind", "since", "until", "identifier"])]
    pub(crate) event: Vec<EventId>,
    /// Through these flows; otherwise through those that select the event
    #[arg(long, value_name = "FLOW")]
    pub(crate) flow: Vec<FlowName>,
    /// From this source
    #[arg(long)]
    pub(crate) source: Option<SourceName>,
    /// Of this type, or with this beginning where it ends in `*`
    #[arg(long = "type", id = "kind", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// Received since then: 30m, 2h, or an instant
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Moment>,
    /// Received before then
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<Moment>,
    /// With this business identifier or correlation id
    #[arg(long, value_name = "TEXT")]
    pub(crate) identifier: Option<String>,
    /// Commands too, which nothing but a person may repeat
    #[arg(long)]
    pub(crate) commands: bool,
    /// Also those of which nothing newer is known, where retention has removed what would tell; it is audited
    #[arg(long)]
    pub(crate) over_removed: bool,
    #[command(flatten)]
    pub(crate) pace: Pace,
    #[command(flatten)]
    pub(crate) reason: Reason,
    /// Show what would be sent, and send nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Wait until it ends, with progress
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) sure: Sure,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayLs {
    /// At most so many rows
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = rows)]
    pub(crate) limit: usize,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayShow {
    /// Which
    pub(crate) replay: ReplayId,
    /// Wait until it ends, with progress
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayCancel {
    /// Which
    pub(crate) replay: ReplayId,
    #[command(flatten)]
    pub(crate) reason: Reason,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Quarantine {
    /// List what is open, or all of it
    Ls(QuarantineLs),
    /// Show one: why, and its body where the scope allows
    Show(QuarantineShow),
    /// Replace it by a corrected body, which is judged again
    #[command(visible_alias = "resubmit")]
    Correct(QuarantineCorrect),
    /// Let it pass as it is
    Release(QuarantineRelease),
    /// Close it: it is not to be delivered
    Close(QuarantineDecide),
}

#[derive(Debug, clap::Args)]
pub(crate) struct QuarantineLs {
    /// In these states: open, resubmitted, released, closed
    #[arg(long, value_delimiter = ',', default_value = "open", value_name = "STATE", value_parser = ["open", "resubmitted", "released", "closed"])]
    pub(crate) state: Vec<String>,
    /// Of this source
    #[arg(long)]
    pub(crate) source: Option<SourceName>,
    /// With this code among its reasons, such as H0704
    #[arg(long)]
    pub(crate) code: Option<Code>,
    /// At most so many rows
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = rows)]
    pub(crate) limit: usize,
}

#[derive(Debug, clap::Args)]
pub(crate) struct QuarantineShow {
    /// Which
    pub(crate) event: EventId,
}

#[derive(Debug, clap::Args)]
pub(crate) struct QuarantineCorrect {
    /// Which
    pub(crate) event: EventId,
    /// The corrected body; standard input where no file is named
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// What its sender sent under its key later; with the digest that `show` names, only that
    #[arg(long, value_name = "SHA256", num_args = 0..=1, require_equals = true, default_missing_value = NEWEST, conflicts_with = "file")]
    pub(crate) later: Option<Later>,
    /// Also where it puts an old state over a newer one of its key, which is otherwise refused; it is audited
    #[arg(long)]
    pub(crate) over_newer: bool,
    /// Also where nothing newer is known and retention has removed what would tell; it is audited
    #[arg(long)]
    pub(crate) over_removed: bool,
    #[command(flatten)]
    pub(crate) seen: SeenVersion,
    #[command(flatten)]
    pub(crate) reason: Reason,
}

/// What a person saw before deciding.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct SeenVersion {
    /// The version that `show` prints; refused where anything has changed since
    #[arg(long = "seen", value_name = "VERSION")]
    pub(crate) version: Option<u64>,
}

/// Which of what came under its key later.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Later {
    /// Whatever came last.
    Newest,
    /// What a person saw.
    Seen(Digest),
}

/// What `--later` alone means.
const NEWEST: &str = "newest";

impl FromStr for Later {
    type Err = <Digest as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == NEWEST { Ok(Self::Newest) } else { text.parse().map(Self::Seen) }
    }
}

impl Later {
    /// The digest that it has to have; `None` for any.
    pub(crate) const fn digest(self) -> Option<Digest> {
        match self {
            Self::Newest => None,
            Self::Seen(digest) => Some(digest),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct QuarantineRelease {
    #[command(flatten)]
    pub(crate) decide: QuarantineDecide,
    /// Also where it puts an old state over a newer one of its key, which is otherwise refused; it is audited
    #[arg(long)]
    pub(crate) over_newer: bool,
    /// Also where nothing newer is known and retention has removed what would tell; it is audited
    #[arg(long)]
    pub(crate) over_removed: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct QuarantineDecide {
    /// Which
    pub(crate) event: EventId,
    #[command(flatten)]
    pub(crate) seen: SeenVersion,
    #[command(flatten)]
    pub(crate) reason: Reason,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Switch {
    /// source/NAME, flow/NAME or destination/NAME; a name alone where only one object has it
    pub(crate) object: String,
    #[command(flatten)]
    pub(crate) reason: Reason,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Retention {
    /// What would be removed; nothing changes
    Preview(RetentionOf),
    /// Remove what has had its time
    Run(RetentionOf),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RetentionOf {
    /// The data folder; the product must not be running on it
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Settings of the process, a TOML file: how long things are kept
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sure: Sure,
}
