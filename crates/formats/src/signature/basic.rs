//! Credentials sent as they are: HTTP Basic (RFC 7617) and a shared secret in a header.
//!
//! They prove less than a signature (nothing binds them to the body) and must never be accepted
//! where a signature is expected.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

use super::{Refusal, Secret, single};

const AUTHORIZATION: &str = "authorization";

/// A user with a password that is accepted. Several of them allow rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The user name in UTF-8, without a colon.
    pub user: String,
    /// The password in UTF-8.
    pub password: Secret,
}

/// Checks the `Authorization: Basic` header against the accepted credentials.
///
/// The scheme name is case-insensitive; the text before the first colon is the user. A credential
/// with an empty password is never accepted.
pub fn verify(headers: &HeaderMap, accepted: &[Credential]) -> Result<(), Refusal> {
    let malformed = |why| Refusal::Malformed { header: AUTHORIZATION.to_owned(), why };
    if accepted.iter().all(|credential| credential.password.is_empty()) {
        return Err(Refusal::NoSecret);
    }
    let value = single(headers, AUTHORIZATION)?;
    let (scheme, encoded) = value.split_once(' ').ok_or_else(|| malformed("it has no scheme"))?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed("the scheme is not Basic"));
    }
    let decoded = STANDARD.decode(encoded.trim_matches(' ')).map_err(|_| malformed("it is not base64"))?;
    let colon = decoded.iter().position(|byte| *byte == b':');
    let colon = colon.ok_or_else(|| malformed("there is no colon after the user name"))?;
    let (user, password) = (Secret::new(&decoded[..colon]), Secret::new(&decoded[colon + 1..]));
    let mut matched = false;
    for credential in accepted.iter().filter(|credential| !credential.password.is_empty()) {
        // Both sides are always compared, so that the time does not tell which one was wrong.
        let user_matches = user == Secret::new(credential.user.as_bytes());
        let password_matches = password == credential.password;
        matched |= user_matches & password_matches;
    }
    if matched { Ok(()) } else { Err(Refusal::Mismatch) }
}

/// Checks that the header holds one of the secrets, after a fixed prefix (`""` or like
/// `"Bearer "`, case-sensitive). Empty secrets are never accepted.
pub fn verify_shared_secret(headers: &HeaderMap, header: &str, prefix: &str, accepted: &[Secret]) -> Result<(), Refusal> {
    if accepted.iter().all(Secret::is_empty) {
        return Err(Refusal::NoSecret);
    }
    let value = single(headers, header)?;
    let Some(sent) = value.strip_prefix(prefix) else {
        return Err(Refusal::Malformed { header: header.to_owned(), why: "it does not begin with the expected prefix" });
    };
    let sent = Secret::new(sent.as_bytes());
    let mut matched = false;
    for secret in accepted.iter().filter(|secret| !secret.is_empty()) {
        matched |= sent == *secret;
    }
    if matched { Ok(()) } else { Err(Refusal::Mismatch) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let value = HeaderValue::from_str(value).expect("a header value");
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value)])
    }

    fn credential(user: &str, password: &str) -> Credential {
        Credential { user: user.to_owned(), password: Secret::new(password) }
    }

    #[test]
    fn basic_accepts_any_of_the_credentials_and_nothing_else() {
        let accepted = [credential("odoo", "old"), credential("odoo", "n:ew"), credential("x", "")];
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let check = |value: &str| verify(&headers(AUTHORIZATION, value), &accepted);
        assert_eq!(check(&basic("odoo:old")), Ok(()));
        assert_eq!(check(&basic("odoo:n:ew").replace("Basic", "bAsIc")), Ok(()));
        for wrong in ["odoo:", "odoo:olD", "Odoo:old", ":old", "x:", "odoo:old\n"] {
            assert_eq!(check(&basic(wrong)), Err(Refusal::Mismatch), "{wrong:?}");
        }
        for malformed in ["Basic", "Bearer b2Rvbzpv", "Basic ???", "Basic b2Rv"] {
            let refusal = check(malformed).expect_err("malformed");
            assert_eq!(refusal.code(), "signature.malformed", "{malformed:?}");
        }
        assert_eq!(verify(&HeaderMap::new(), &[]), Err(Refusal::NoSecret));
        assert_eq!(verify(&HeaderMap::new(), &accepted[2..]), Err(Refusal::NoSecret));
        let missing = Refusal::MissingHeader(AUTHORIZATION.to_owned());
        assert_eq!(verify(&HeaderMap::new(), &accepted), Err(missing));
    }

    #[test]
    fn a_shared_secret_is_compared_whole_after_its_prefix() {
        let accepted = [Secret::new("alpha"), Secret::new(""), Secret::new("beta")];
        let check =
            |value: &str, prefix: &str| verify_shared_secret(&headers("x-token", value), "x-token", prefix, &accepted);
        assert_eq!(check("alpha", ""), Ok(()));
        assert_eq!(check("Bearer beta", "Bearer "), Ok(()));
        assert_eq!(check("alph", ""), Err(Refusal::Mismatch));
        assert_eq!(check("", ""), Err(Refusal::Mismatch));
        assert_eq!(check("alpha", "Bearer ").expect_err("prefix").code(), "signature.malformed");
        let twice = {
            let mut twice = headers("x-token", "alpha");
            twice.append("x-token", HeaderValue::from_static("beta"));
            verify_shared_secret(&twice, "x-token", "", &accepted)
        };
        assert_eq!(twice.expect_err("twice").code(), "signature.malformed");
    }
}
