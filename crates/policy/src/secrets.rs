//! The secrets that a destination is addressed with: one list for the check of a project and for the running product, so that
//! neither forgets one that the other knows.

use model::SecretName;

use crate::compiled::Auth;

/// The names of a destination's secrets: those that it signs with, the newest first, then the one that it is known by.
pub fn of_destination<'a>(sign: &'a [SecretName], auth: Option<&'a Auth>) -> impl Iterator<Item = &'a SecretName> {
    let known_by = auth.map(|auth| match auth {
        Auth::Bearer(secret) | Auth::Basic { secret, .. } | Auth::Header { secret, .. } => secret,
    });
    sign.iter().chain(known_by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_destination_is_addressed_with_is_in_the_list() {
        let name = |text| SecretName::new(text).unwrap();
        let sign = [name("wms/new"), name("wms/old")];
        let ways = [
            Auth::Bearer(name("wms/key")),
            Auth::Basic { user: "crossdock".to_owned(), secret: name("wms/key") },
            Auth::Header { name: "x-api-key".to_owned(), secret: name("wms/key") },
        ];
        for auth in &ways {
            let names: Vec<&str> = of_destination(&sign, Some(auth)).map(SecretName::as_str).collect();
            assert_eq!(names, ["wms/new", "wms/old", "wms/key"], "{auth:?}");
        }
        assert_eq!(of_destination(&sign, None).count(), 2);
    }
}
