//! API keys: made through a web session that has shown who it is, shown once, and with an end that a plain user cannot put
//! off beyond ninety days.

use model::{TimeSpan, Timestamp};
use serde_json::json;

use super::accounts::KEY_DAYS_MAX;
use super::calls::{Call, Method, On, Outcome};
use super::env::{Env, World};
use super::errors::Failure;
use super::faults::Fault;
use super::outbox::MODEL as OUTBOX;
use super::rights::Operation;
use super::store::Record;
use super::value::{Value, text};

const DESCRIPTION: &str = "res.users.apikeys.description";
const CHECK: &str = "res.users.identitycheck";
/// LIMIT: keys of one user beside each other that the addon makes.
const OWN_MAX: usize = 10;
/// What a check is for that is not for a new key.
const REMOVE: &str = "remove ";

pub(super) const METHODS: &[Method] = &[
    Method { needs: Operation::Write, ..Method::act(DESCRIPTION, "make_key", make_key) },
    Method { needs: Operation::Write, ..Method::act(CHECK, "run_check", run_check) },
    Method { needs: Operation::Unlink, ..Method::act("res.users.apikeys", "remove", remove) },
    Method {
        model: OUTBOX,
        name: "rotate_key",
        on: On::Model,
        needs: Operation::Read,
        takes: &["name!", "days!"],
        work: rotate_key,
    },
];

/// Whether a secret is of any use now: the fault of expired keys spares passwords.
pub(super) fn keys_work(world: &World, secret: &str) -> bool {
    let is_key = secret.len() == 40 && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
    !(is_key && world.faults.has(Fault::KeyExpired))
}

/// A new key of a user, with its row. Answers the key, which is shown this once.
pub(super) fn issue(env: &mut Env<'_>, user: i64, name: &str, expires: Option<Timestamp>) -> Result<String, Failure> {
    let secret = env.world.digits(40);
    let until = expires.map_or(Value::Empty, super::value::second);
    let fields =
        vec![("name", text(name)), ("user_id", Value::Ref(user)), ("scope", Value::Empty), ("expiration_date", until)];
    let row = env.add("res.users.apikeys", fields)?;
    env.world.accounts.add_key(&secret, user, row, expires);
    Ok(secret)
}

/// When a key with this description ends; nothing for one that lasts.
fn end(env: &Env<'_>, description: &Record) -> Result<Option<Timestamp>, Failure> {
    let now = env.now();
    let days: i64 = description.text("duration").parse().unwrap_or_default();
    let until = match days {
        -1 if description.get("expiration_date").truth() => Some(Timestamp::from_micros(description.int("expiration_date"))),
        -1 | 0 => None,
        days => Some(now + TimeSpan::from_days(days.unsigned_abs())),
    };
    if env.world.accounts.is_administrator(env.tx.user) {
        return Ok(until);
    }
    match until {
        None => Err(Failure::Validation("The API key must have an expiration date".to_owned())),
        Some(until) if until > now + TimeSpan::from_days(KEY_DAYS_MAX) => {
            Err(Failure::Validation("You cannot exceed 90.0 days.".to_owned()))
        }
        Some(until) => Ok(Some(until)),
    }
}

/// The addon's: a new key of the caller, without a password.
fn rotate_key(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let (user, name) = (env.tx.user, call.get("name").as_str().unwrap_or_default().to_owned());
    let days = call.get("days").as_u64().unwrap_or_default();
    if !(1..=64).contains(&name.chars().count()) || days == 0 {
        return Err(Failure::Validation(
            "A key has a name of at most 64 characters, and a whole number of days.".to_owned(),
        ));
    }
    let own = |row: &Record| row.int("user_id") == user;
    let view = env.view();
    let held = view.all("res.users.apikeys").into_iter().filter_map(|row| view.find("res.users.apikeys", row));
    if held.filter(|row| own(row)).count() >= OWN_MAX {
        return Err(Failure::User(format!("There are {OWN_MAX} keys already; remove those no longer in use.")));
    }
    let until = env.now() + TimeSpan::from_days(days);
    if days > KEY_DAYS_MAX && !env.world.accounts.is_administrator(user) {
        return Err(Failure::Validation("You cannot exceed 90.0 days.".to_owned()));
    }
    let key = issue(env, user, &name, Some(until))?;
    let expires = super::value::moment(until.micros(), super::value::Grain::Seconds).replacen(' ', "T", 1) + "Z";
    Ok(Outcome::Plain(json!({ "key": key, "name": name, "expiration_date": expires })))
}

fn make_key(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let id = call.ids.first().copied().unwrap_or_default();
    let description = env.get(DESCRIPTION, id)?;
    let session = env.session.clone().ok_or_else(over_http)?;
    end(env, &description)?;
    if env.world.accounts.is_identified(&session, env.now()) {
        return ready(env, id);
    }
    asks_who(env, &id.to_string())
}

fn over_http() -> Failure {
    Failure::User("This method can only be accessed over HTTP".to_owned())
}

/// The wizard that wants the password before it goes on with what was asked.
fn asks_who(env: &mut Env<'_>, request: &str) -> Result<Outcome, Failure> {
    let check = env.add(CHECK, vec![("request", text(request))])?;
    Ok(Outcome::Plain(json!({
        "type": "ir.actions.act_window",
        "res_model": CHECK,
        "res_id": check,
        "name": "Security Control",
        "target": "new",
        "views": [[false, "form"]],
    })))
}

fn run_check(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let id = call.ids.first().copied().unwrap_or_default();
    let check = env.get(CHECK, id)?;
    let given = env.context.get("password").and_then(|it| it.as_str()).map(str::to_owned);
    let password = if env.version().is_new() { given.unwrap_or_default() } else { check.text("password").to_owned() };
    if !env.world.accounts.is_password(env.tx.user, &password) {
        return Err(Failure::User(
            "Incorrect Password, try again or click on Forgot Password to reset your password.".to_owned(),
        ));
    }
    if let Some(session) = env.session.clone() {
        let now = env.now();
        env.world.accounts.identify(&session, now);
    }
    env.remove(CHECK, id)?;
    match check.text("request").strip_prefix(REMOVE) {
        Some(rows) => {
            let rows: Vec<i64> = rows.split(',').filter_map(|row| row.parse().ok()).collect();
            end_keys(env, &rows)
        }
        None => ready(env, check.text("request").parse().unwrap_or_default()),
    }
}

fn ready(env: &mut Env<'_>, id: i64) -> Result<Outcome, Failure> {
    let description = env.get(DESCRIPTION, id)?;
    let until = end(env, &description)?;
    let user = env.tx.user;
    let key = issue(env, user, description.text("name"), until)?;
    env.remove(DESCRIPTION, id)?;
    Ok(Outcome::Plain(json!({
        "type": "ir.actions.act_window",
        "res_model": "res.users.apikeys.show",
        "name": "API Key Ready",
        "views": [[false, "form"]],
        "target": "new",
        "context": { "default_key": key },
    })))
}

/// As the making of keys it is for a web session alone that has shown who it is.
fn remove(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let session = env.session.clone().ok_or_else(over_http)?;
    if !env.world.accounts.is_identified(&session, env.now()) {
        let rows: Vec<String> = call.ids.iter().map(i64::to_string).collect();
        return asks_who(env, &format!("{REMOVE}{}", rows.join(",")));
    }
    end_keys(env, &call.ids)
}

fn end_keys(env: &mut Env<'_>, ids: &[i64]) -> Result<Outcome, Failure> {
    for id in ids {
        let key = env.get("res.users.apikeys", *id)?;
        if key.int("user_id") != env.tx.user && !env.world.accounts.is_administrator(env.tx.user) {
            let said = "You can not remove API keys unless they're yours or you are a system user";
            return Err(Failure::Access(said.to_owned()));
        }
        super::records::delete(env, "res.users.apikeys", *id)?;
    }
    Ok(Outcome::Nothing)
}
