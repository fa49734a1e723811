//! An Odoo seen from the command line: what it is asked, and what is wrong with it as diagnostics, each with its repair. For who
//! connects one and for who looks whether it still works; both ask the same.
//!
//! It changes nothing there; the test event only lets Odoo send a webhook.

mod ear;
mod ends;
mod trial;

use std::sync::Arc;

use adapters::odoo::{Kept, Key, Odoo, Rights, Session, Standing, Wire};
use engine::ports::Peer;
use model::diagnostic::Place;
use model::{Diagnostic, TimeSpan, Timestamp};
use policy::compiled::CapturedBy;
use policy::{Policy, codes};
use server::clock::SystemClock;

pub(crate) use server::odoo::words::{diagnostic, sentence};

pub(crate) use self::ear::Ear;
pub(crate) use self::ends::exit;
pub(crate) use self::trial::{Saved, Trial, Tried, rule_name};

/// Clocks are told in whole seconds, and answers take their time.
const CLOCK_S_MAX: i64 = 10;
/// When somebody should know that a key ends, and how it is said.
const NEAR: [(TimeSpan, &str); 3] = [
    (TimeSpan::from_days(3), "make another one now"),
    (TimeSpan::from_days(14), "make another one this week"),
    (TimeSpan::from_days(30), "plan another one"),
];

/// A model that is wanted, with the fields that its events cannot do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// By its newest name.
    pub(crate) model: String,
    /// By their newest names.
    pub(crate) required: Vec<String>,
}

/// What was found of the models.
#[derive(Debug, Default)]
pub(crate) struct Surveyed {
    /// What our user may do.
    pub(crate) rights: Vec<Rights>,
    /// What is wrong.
    pub(crate) findings: Vec<Diagnostic>,
}

/// What asks Odoos.
pub(crate) fn asker() -> Odoo {
    // The only error is that a provider is installed already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    Odoo::new(Arc::new(SystemClock::new()))
}

/// The models that a policy captures of a system.
pub(crate) fn wanted(policy: &Policy, system: &str) -> Vec<Wanted> {
    let captures = policy.sources.values().filter_map(|source| source.captured());
    let models = captures.filter(|it| it.odoo.system == system).flat_map(|it| &it.models);
    let wanted = models.map(|(model, captured)| Wanted {
        model: model.clone(),
        required: policy.contracts.get(&captured.contract).map(|it| it.required_fields()).unwrap_or_default(),
    });
    wanted.collect()
}

/// Greets it: reached, a version that is spoken to, and a key that works; or the one thing that is wrong.
pub(crate) async fn greet(odoo: &Odoo, peer: &Peer) -> Result<Session, Diagnostic> {
    let told = |failure| diagnostic(&failure, &peer.name);
    let (version, _) = odoo.version(peer).await.map_err(told)?;
    if version.wire() == Some(Wire::JsonRpc) && peer.login.is_none() {
        let message = format!("{}: Odoo {version} wants the login of the key's user as well", peer.name);
        return Err(Diagnostic::error(codes::ODOO_LOGIN, Place::Whole, message)
            .help("say what the user signs in with: `login` in the system's file, `--login` of `crossdock add odoo`"));
    }
    odoo.greet(peer).await.map_err(told)
}

/// What is wrong with its clock.
pub(crate) fn clock(session: &Session, name: &str) -> Option<Diagnostic> {
    let ahead_s = session.ahead_s.filter(|ahead| ahead.abs() > CLOCK_S_MAX)?;
    let (seconds, side) = (ahead_s.abs(), if ahead_s > 0 { "ahead of" } else { "behind" });
    let message = format!("{name}: Odoo's clock is {seconds} s {side} this machine's");
    Some(Diagnostic::warning(codes::ODOO_CLOCK, Place::Whole, message).help("let both set their clocks by NTP"))
}

/// Asks for rights and fields of the models. What cannot be asked ends it.
pub(crate) async fn survey(odoo: &Odoo, peer: &Peer, session: &Session, wanted: &[Wanted]) -> Result<Surveyed, Diagnostic> {
    let told = |failure| diagnostic(&failure, &peer.name);
    let mut surveyed = Surveyed::default();
    for Wanted { model, required } in wanted {
        let rights = odoo.rights(peer, session, model).await.map_err(told)?;
        match &rights.read {
            Standing::Granted => {
                let absent = odoo.absent_fields(peer, session, model, required).await.map_err(told)?;
                surveyed.findings.extend(fields(&absent, model, &peer.name));
            }
            Standing::Refused(said) => surveyed.findings.push(refused(said, model, &peer.name)),
            Standing::Absent => surveyed.findings.push(absent(model, &peer.name)),
        }
        surveyed.rights.push(rights);
    }
    Ok(surveyed)
}

/// What is wrong with reading its outbox.
pub(crate) async fn outbox(odoo: &Odoo, peer: &Peer, session: &Session) -> Result<(), Diagnostic> {
    let name = &peer.name;
    match odoo.may_pull(peer, session).await.map_err(|failure| diagnostic(&failure, name))? {
        Standing::Granted => Ok(()),
        Standing::Absent => {
            Err(Diagnostic::error(codes::ODOO_NO_OUTBOX, Place::Whole, format!("{name}: this Odoo has no outbox"))
                .help("install the addon crossdock_outbox there, or take `from: outbox` out of the source"))
        }
        Standing::Refused(said) => {
            let message = format!("{name}: our user may not read the outbox");
            Err(Diagnostic::error(codes::ODOO_NO_READER, Place::Whole, message)
                .label(sentence(&said))
                .help("give the user the group \"Crossdock: read the outbox\" in Odoo"))
        }
    }
}

/// What the outbox tells of these models and our user may not see: where a record has to be read, nobody can.
pub(crate) async fn kept(
    odoo: &Odoo,
    peer: &Peer,
    session: &Session,
    models: &[&str],
) -> Result<Vec<Diagnostic>, Diagnostic> {
    let told = odoo.kept_from_us(peer, session, models).await.map_err(|failure| diagnostic(&failure, &peer.name))?;
    Ok(match told {
        None => vec![
            Diagnostic::warning(
                codes::ODOO_OUTBOX_RULE,
                Place::Whole,
                format!("{}: the addon crossdock_outbox there is one of before 1.1.2", peer.name),
            )
            .help(
                "bring it up to date: it does not notice a database that was put back, nor count what is kept from our user",
            ),
        ],
        Some(kept) => kept.iter().filter(|kept| kept.hidden > 0).map(|kept| hidden(kept, &peer.name)).collect(),
    })
}

fn hidden(Kept { model, told, hidden }: &Kept, name: &str) -> Diagnostic {
    let message =
        format!("{name}: of {told} {model} that the outbox tells of, record rules or companies keep {hidden} from our user");
    Diagnostic::warning(codes::ODOO_ACCESS, Place::Whole, message).help(format!(
        "give the user every company whose {model} are wanted and the right to see them, or give the rules of the outbox a domain, such as \
         [('company_id', '=', 1)]"
    ))
}

/// Whether a policy reads the outbox of a system.
pub(crate) fn reads_outbox(policy: &Policy, system: &str) -> bool {
    let mut captures = policy.sources.values().filter_map(|source| source.captured());
    captures.any(|it| it.odoo.system == system && it.by == CapturedBy::Outbox)
}

/// Keys of our user that end soon. Odoo does not tell which one is in use, so each has its line; where a key that works lives
/// longer, the others may end.
pub(crate) fn ending(keys: &[Key], now: Timestamp, name: &str) -> Vec<Diagnostic> {
    let last = NEAR.map(|(span, _)| span).into_iter().max().unwrap_or(TimeSpan::ZERO);
    let keys: Vec<&Key> = keys.iter().filter(|key| key.ends_at.is_none_or(|at| at > now)).collect();
    let lasting = keys.iter().any(|key| key.ends_at.is_none_or(|at| at > now + last));
    let of_several = if keys.len() > 1 { format!(", one of {},", keys.len()) } else { String::new() };
    let mut found = Vec::new();
    for key in keys {
        let Some(ends_at) = key.ends_at else { continue };
        let Some((_, urgency)) = NEAR.iter().find(|(span, _)| ends_at <= now + *span) else { continue };
        // The nearest number of whole days, whatever hour it is.
        let days = (ends_at.secs() - now.secs() + 43_200) / 86_400;
        let day = ends_at.to_jiff().strftime("%Y-%m-%d");
        let message = format!("{name}: the key {:?}{of_several} of our user ends in {days} days, on {day}", key.name);
        let help = if lasting {
            format!("{urgency} if it is the one in use; another key of the user lives longer")
        } else {
            format!(
                "{urgency}: in Odoo, Preferences, Account Security, New API Key; put it first under `keys` and keep the old one"
            )
        };
        found.push(Diagnostic::warning(codes::ODOO_KEY_ENDS, Place::Whole, message).help(help));
    }
    found
}

fn refused(said: &str, model: &str, name: &str) -> Diagnostic {
    let message = format!("{name}: our user may not read {model}");
    Diagnostic::error(codes::ODOO_ACCESS, Place::Whole, message)
        .label(sentence(said))
        .help("give the user one of the groups that Odoo names, or take the model's events out")
}

fn absent(model: &str, name: &str) -> Diagnostic {
    let message = format!("{name}: Odoo has no {model}");
    Diagnostic::error(codes::ODOO_MODEL, Place::Whole, message)
        .help("install the module that brings it, or take the model's events out")
}

fn fields(absent: &[String], model: &str, name: &str) -> Option<Diagnostic> {
    let listed = absent.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ");
    let message = format!("{name}: {model} has no {listed} here, and its contract requires it");
    (!absent.is_empty()).then(|| {
        Diagnostic::error(codes::ODOO_FIELD, Place::Whole, message)
            .help("correct the name in the contract, or take it out of `required` in a new version")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_796_000_000);

    fn key(days: Option<u64>) -> Key {
        Key { id: 1, name: "crossdock".to_owned(), ends_at: days.map(|days| NOW + TimeSpan::from_days(days)) }
    }

    #[test]
    fn what_is_kept_from_our_user_is_told_with_its_repair() {
        let kept = Kept { model: "sale.order".to_owned(), told: 900, hidden: 412 };
        let found = hidden(&kept, "erp");
        assert_eq!(
            found.message,
            "erp: of 900 sale.order that the outbox tells of, record rules or companies keep 412 from our user"
        );
        assert!(found.help.contains("every company") && found.help.contains("a domain"), "{}", found.help);
    }

    #[test]
    fn a_key_that_ends_is_told_at_thirty_fourteen_and_three_days() {
        for (days, expected) in [(31, None), (30, Some("plan")), (14, Some("this week")), (3, Some("now"))] {
            let found = ending(&[key(Some(days))], NOW, "erp");
            let help = found.first().map(|it| it.help.as_str());
            assert_eq!(help.is_some(), expected.is_some(), "{days}");
            assert!(expected.is_none_or(|word| help.unwrap_or_default().contains(word)), "{days}: {help:?}");
        }
        assert_eq!(ending(&[key(None)], NOW, "erp"), []);
    }

    #[test]
    fn the_new_key_beside_the_old_one_is_known() {
        let found = ending(&[key(Some(2)), key(Some(90))], NOW, "erp");
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("one of 2") && found[0].help.contains("lives longer"), "{found:?}");
    }

    #[test]
    fn a_clock_may_differ_by_what_answers_take() {
        let version = adapters::odoo::Version { major: 19, text: "19.0".to_owned() };
        let session = |ahead_s| Session { version: version.clone(), wire: Wire::Json2, user: 2, ahead_s };
        for (ahead_s, expected) in
            [(None, None), (Some(10), None), (Some(-11), Some("11 s behind")), (Some(121), Some("121 s ahead"))]
        {
            let found = clock(&session(ahead_s), "erp").map(|it| it.message);
            assert_eq!(found.is_some(), expected.is_some(), "{ahead_s:?}");
            assert!(expected.is_none_or(|words| found.unwrap_or_default().contains(words)));
        }
    }
}
