//! Users, their passwords, groups and API keys. Secrets are compared here and shown once; the models of the database hold none.

use std::collections::{BTreeMap, BTreeSet};

use model::{TimeSpan, Timestamp};

use super::rights::{SETTINGS, with_included};

/// The longest life of a plain user's key.
pub const KEY_DAYS_MAX: u64 = 90;

/// How somebody may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// With the password or a key.
    Password,
    /// Calls are answered with a key only.
    TwoFactor,
}

/// A user.
#[derive(Clone, Debug)]
struct Account {
    login: String,
    password: String,
    groups: BTreeSet<&'static str>,
    kind: Login,
}

#[derive(Clone, Debug)]
struct Key {
    user: i64,
    row: i64,
    expires: Option<Timestamp>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Accounts {
    users: BTreeMap<i64, Account>,
    keys: BTreeMap<String, Key>,
    /// Sessions by cookie: the user, and until when it is known that it is he.
    sessions: BTreeMap<String, (i64, Option<Timestamp>)>,
}

impl Accounts {
    pub(super) fn add(&mut self, user: i64, login: &str, password: &str, groups: &[&str]) {
        let groups = groups.iter().flat_map(|group| with_included(group)).collect();
        let account = Account { login: login.to_owned(), password: password.to_owned(), groups, kind: Login::Password };
        self.users.insert(user, account);
    }

    pub(super) fn set_login(&mut self, user: i64, kind: Login) {
        if let Some(account) = self.users.get_mut(&user) {
            account.kind = kind;
        }
    }

    pub(super) fn set_groups(&mut self, user: i64, groups: &[&str]) {
        if let Some(account) = self.users.get_mut(&user) {
            account.groups = groups.iter().flat_map(|group| with_included(group)).collect();
        }
    }

    pub(super) fn is_two_factor(&self, user: i64) -> bool {
        self.users.get(&user).is_some_and(|account| account.kind == Login::TwoFactor)
    }

    pub(super) fn groups(&self, user: i64) -> Option<&BTreeSet<&'static str>> {
        self.users.get(&user).map(|account| &account.groups)
    }

    pub(super) fn is_administrator(&self, user: i64) -> bool {
        self.groups(user).is_some_and(|groups| groups.contains(SETTINGS))
    }

    pub(super) fn add_key(&mut self, secret: &str, user: i64, row: i64, expires: Option<Timestamp>) {
        self.keys.insert(secret.to_owned(), Key { user, row, expires });
    }

    /// Ends keys by their rows in the database.
    pub(super) fn remove_key(&mut self, row: i64) {
        self.keys.retain(|_, key| key.row != row);
    }

    /// Lets a key end at an instant.
    pub(super) fn expire_key(&mut self, secret: &str, at: Timestamp) {
        if let Some(key) = self.keys.get_mut(secret) {
            key.expires = Some(at);
        }
    }

    /// Whose key it is, if it is one now.
    pub(super) fn by_key(&self, secret: &str, now: Timestamp) -> Option<i64> {
        self.keys.get(secret).filter(|key| key.expires.is_none_or(|at| now < at)).map(|key| key.user)
    }

    /// Whether a secret is the user's: a key, or the password where that is enough.
    pub(super) fn knows(&self, user: i64, secret: &str, now: Timestamp) -> bool {
        let by_password = self
            .users
            .get(&user)
            .is_some_and(|it| it.kind == Login::Password && it.password == secret && !secret.is_empty());
        by_password || self.by_key(secret, now) == Some(user)
    }

    /// Who logs in, with password or key.
    pub(super) fn authenticate(&self, login: &str, secret: &str, now: Timestamp) -> Option<i64> {
        let (user, _) = self.users.iter().find(|(_, account)| account.login == login)?;
        self.knows(*user, secret, now).then_some(*user)
    }

    /// Who logs in to a web session: with the password only.
    pub(super) fn by_password(&self, login: &str, password: &str) -> Option<i64> {
        let mut all = self.users.iter().filter(|(_, it)| it.login == login && it.password == password);
        all.next().map(|(user, _)| *user)
    }

    /// Whether it is the user's password.
    pub(super) fn is_password(&self, user: i64, password: &str) -> bool {
        self.users.get(&user).is_some_and(|account| account.password == password)
    }

    pub(super) fn begin_session(&mut self, cookie: &str, user: i64) {
        self.sessions.insert(cookie.to_owned(), (user, None));
    }

    pub(super) fn end_session(&mut self, cookie: &str) {
        self.sessions.remove(cookie);
    }

    pub(super) fn session(&self, cookie: &str) -> Option<i64> {
        self.sessions.get(cookie).map(|(user, _)| *user)
    }

    /// Whether the session has shown who it is a short while ago.
    pub(super) fn is_identified(&self, cookie: &str, now: Timestamp) -> bool {
        self.sessions.get(cookie).is_some_and(|(_, until)| until.is_some_and(|until| now < until))
    }

    pub(super) fn identify(&mut self, cookie: &str, now: Timestamp) {
        if let Some((_, until)) = self.sessions.get_mut(cookie) {
            *until = Some(now + TimeSpan::from_secs(600));
        }
    }
}
