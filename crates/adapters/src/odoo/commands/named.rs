//! What external ids lead to. Pure.
//!
//! Plain users may not read `ir.model.data`, so it is never read here: each external id is asked for by the one method that answers
//! everybody, and it tells no more than our user may see.

use serde_json::Value;

use crate::odoo::call::Call;
use crate::odoo::failure::Failure;

/// What the method raises where nothing has an external id. What else a call of it can fail with has other names: a right, a module
/// that is gone, a signature of a later version.
const NOT_THERE: &str = "builtins.ValueError";

/// What an external id leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A record that our user sees.
    Record {
        /// Its model.
        model: String,
        /// Its id.
        id: u64,
    },
    /// A record of this model that our user does not see. Odoo says the same of one that was deleted past it, and of one whose `load`
    /// was rolled back, until the process that did so forgets it.
    Hidden {
        /// Its model.
        model: String,
    },
    /// Nothing has it.
    Nothing,
}

/// Asks what an external id leads to, archived or not.
pub(super) fn ask(external: &str) -> Call {
    let (module, name) = external.split_once('.').unwrap_or(("", external));
    Call::of_model("ir.model.data", "check_object_reference")
        .first("module", module)
        .first("xml_id", name)
        .context("active_test", false)
}

/// What the answer says. That nothing is there is a fact and no failure.
pub(super) fn answer(told: Result<Value, Failure>) -> Result<Named, Failure> {
    let pair = match told {
        Ok(value) => value,
        Err(Failure::Said { name, .. }) if name == NOT_THERE => return Ok(Named::Nothing),
        Err(failure) => return Err(failure),
    };
    match (pair[0].as_str(), &pair[1]) {
        (Some(model), Value::Bool(false)) => Ok(Named::Hidden { model: model.to_owned() }),
        (Some(model), id) if id.is_u64() => {
            Ok(Named::Record { model: model.to_owned(), id: id.as_u64().unwrap_or_default() })
        }
        (_, _) => Err(Failure::Foreign { status: 200, looks: "not an answer of Odoo's" }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::odoo::failure::refusal;
    use crate::odoo::{json2, rpc};

    fn said(name: &str) -> Result<Value, Failure> {
        Err(Failure::Said { refusal: refusal(name), name: name.to_owned(), message: "whatever it says".to_owned() })
    }

    #[test]
    fn there_hidden_and_nothing_are_answers_and_all_else_is_a_failure() {
        let model = || "uom.uom".to_owned();
        for (told, expected) in [
            (Ok(json!(["uom.uom", 1])), Ok(Named::Record { model: model(), id: 1 })),
            (Ok(json!(["uom.uom", false])), Ok(Named::Hidden { model: model() })),
            (said("builtins.ValueError"), Ok(Named::Nothing)),
        ] {
            assert_eq!(answer(told), expected);
        }
        for name in ["odoo.exceptions.AccessError", "builtins.TypeError", "builtins.KeyError", "psycopg2.OperationalError"] {
            assert_eq!(answer(said(name)), said(name).map(|_| Named::Nothing), "{name}");
        }
        for odd in [json!(null), json!(true), json!([]), json!(["uom.uom"]), json!([false, 1]), json!(["uom.uom", -1])] {
            assert!(answer(Ok(odd.clone())).is_err(), "{odd}");
        }
    }

    #[test]
    fn the_answers_of_a_running_odoo_are_these_three() {
        macro_rules! recorded {
            ($file:literal) => {
                serde_json::from_str::<Value>(include_str!(concat!("../../../../../corpus/odoo/exchanges/", $file))).unwrap()
            };
        }
        let of_18 = [
            recorded!("18/external-id.json"),
            recorded!("18/external-id-hidden.json"),
            recorded!("18/external-id-not-there.json"),
        ];
        let of_19 = [
            recorded!("19/external-id.json"),
            recorded!("19/external-id-hidden.json"),
            recorded!("19/external-id-not-there.json"),
        ];
        let body = |exchange: &Value| exchange["response"]["body"].to_string().into_bytes();
        let status = |exchange: &Value| u16::try_from(exchange["response"]["status"].as_u64().unwrap()).unwrap();
        let model = "uom.uom".to_owned();
        let expected = [Named::Record { model: model.clone(), id: 1 }, Named::Hidden { model }, Named::Nothing];
        assert_eq!(of_18.map(|it| answer(rpc::answer(status(&it), &body(&it))).unwrap()), expected);
        assert_eq!(of_19.map(|it| answer(json2::answer(status(&it), &body(&it))).unwrap()), expected);
    }

    #[test]
    fn a_name_may_have_dots_and_a_module_has_none() {
        let call = ask("ext.order.7");
        assert_eq!(call.first, [("module", json!("ext")), ("xml_id", json!("order.7"))]);
    }
}
