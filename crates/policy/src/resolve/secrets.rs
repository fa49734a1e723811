//! Secrets by the environment variables of their values: two names with one variable would have one value.

use std::collections::BTreeMap;

use model::{SecretName, Span};

use crate::decode::Objects;
use crate::spanned::place;
use crate::specs::DestinationSpec;
use crate::{Findings, codes, secrets};

/// A secret with the place that names it first.
struct First<'a> {
    name: &'a SecretName,
    path: &'a str,
    span: Span,
}

/// Reports each secret whose variable is already that of another one.
pub(crate) fn check(objects: &Objects, findings: &mut Findings) {
    let mut firsts: BTreeMap<String, First<'_>> = BTreeMap::new();
    for system in &objects.systems {
        findings.enter(&system.path);
        let of_api =
            system.odoo.iter().flat_map(|it| it.keys.iter().chain(&it.password).map(|name| (&name.value, name.span)));
        let of_sources = system.sources.iter().flat_map(|it| it.secrets.iter().map(|name| (&name.value, name.span)));
        let of_destinations = system.destinations.iter().flat_map(named);
        for (name, span) in of_api.chain(of_sources).chain(of_destinations) {
            let variable = name.variable();
            let first = firsts.entry(variable.clone()).or_insert(First { name, path: &system.path, span });
            if first.name != name {
                let message = format!("the secrets `{}` and `{name}` have one environment variable, {variable}", first.name);
                let related = (place(first.path, first.span), format!("`{}` is named here", first.name));
                let diagnostic = findings.error(codes::SECRETS_COLLIDE, span, message).related(related.0, related.1);
                findings.push(diagnostic.help("give one of them another name"));
            }
        }
    }
}

/// The secrets of a destination, with the place of its name: the fields that name them keep none of their own.
fn named(destination: &DestinationSpec) -> impl Iterator<Item = (&SecretName, Span)> {
    let names = secrets::of_destination(&destination.sign, destination.auth.as_ref());
    names.map(|name| (name, destination.name.span))
}

#[cfg(test)]
mod tests {
    use crate::{SourceFile, codes};

    fn found(secrets: [&str; 3]) -> Vec<String> {
        let [source, sign, token] = secrets;
        let text = format!(
            "owner: team\nsources:\n  web:\n    verify: {{ preset: shopify, secrets: [{source}] }}\n    events: {{}}\n\
             destinations:\n  out:\n    url: https://example.com/x\n    sign: [{sign}]\n    auth: {{ bearer: {token} }}\n"
        );
        let (_, findings) = crate::check(&[SourceFile::new("systems/web.yaml", &text)]);
        findings.into_iter().filter(|it| it.code == codes::SECRETS_COLLIDE).map(|it| it.message).collect()
    }

    #[test]
    fn two_names_with_one_variable_are_an_error_and_one_name_twice_is_none() {
        assert_eq!(found(["shop/webhook", "shop/webhook", "shop/webhooks"]), Vec::<String>::new());
        let message = |other| {
            format!("the secrets `shop/webhook` and `{other}` have one environment variable, CROSSDOCK_SECRET_SHOP_WEBHOOK")
        };
        let expected = ["shop-webhook", "shop.webhook"].map(message);
        assert_eq!(found(["shop/webhook", "shop-webhook", "shop.webhook"]), expected);
    }
}
