//! Calls of methods: how arguments by place and by name become one call, which methods there are, and what an answer is. The
//! wires differ only in how they say it.

use serde_json::{Map, Value as Json, json};

use super::env::Env;
use super::errors::Failure;
use super::faults::Fault;
use super::rights::{self, Operation};
use super::{load, methods, outbox, read, records};

/// A call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Call {
    pub(super) model: String,
    pub(super) method: String,
    /// The records it runs on.
    pub(super) ids: Vec<i64>,
    /// Its arguments by name.
    pub(super) named: Map<String, Json>,
    pub(super) context: Map<String, Json>,
}

static NULL: Json = Json::Null;

impl Call {
    /// An argument; null where it was not given.
    pub(super) fn get(&self, name: &str) -> &Json {
        self.named.get(name).unwrap_or(&NULL)
    }

    /// A whole number; the other where it was not given.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.get(name).as_u64().and_then(|number| usize::try_from(number).ok())
    }

    /// A list of names.
    pub(super) fn names(&self, name: &str) -> Vec<String> {
        let list = self.get(name).as_array();
        list.into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect()
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// None: JSON-RPC leaves the result out, JSON-2 says null.
    Nothing,
    /// A plain value.
    Plain(Json),
    /// Records: text in JSON-RPC, their ids in JSON-2.
    Records(&'static str, Vec<i64>),
    /// What was made: an id or a list of ids in JSON-RPC, always a list in JSON-2.
    Made(Vec<i64>, Amount),
}

/// Whether one thing was asked for or a list of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    One,
    List,
}

impl Outcome {
    /// True.
    pub(super) const fn yes() -> Self {
        Self::Plain(Json::Bool(true))
    }

    /// As JSON-RPC answers; none where there is no `result`.
    pub(super) fn to_rpc(&self) -> Option<Json> {
        Some(match self {
            Self::Nothing => return None,
            Self::Plain(value) => value.clone(),
            Self::Records(model, ids) => {
                let list: Vec<String> = ids.iter().map(i64::to_string).collect();
                let comma = if list.len() == 1 { "," } else { "" };
                json!(format!("{model}({}{comma})", list.join(", ")))
            }
            Self::Made(ids, Amount::One) => json!(ids.first()),
            Self::Made(ids, Amount::List) => json!(ids),
        })
    }

    /// As JSON-2 answers.
    pub(super) fn to_json2(&self) -> Json {
        match self {
            Self::Nothing => Json::Null,
            Self::Plain(value) => value.clone(),
            Self::Records(_, ids) | Self::Made(ids, _) => json!(ids),
        }
    }
}

/// What a method runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    /// The model.
    Model,
    /// Records.
    Records,
}

/// What a method does.
pub(super) type Work = fn(&mut Env<'_>, &Call) -> Result<Outcome, Failure>;

/// A method.
#[derive(Clone, Copy, Debug)]
pub(super) struct Method {
    /// The model that has it; any where this is `*`.
    pub(super) model: &'static str,
    pub(super) name: &'static str,
    pub(super) on: On,
    /// The right to the model without which it is refused.
    pub(super) needs: Operation,
    /// Its parameters in order; with `!` the call fails without it, `**` takes any name.
    pub(super) takes: &'static [&'static str],
    pub(super) work: Work,
}

impl Method {
    /// A method of records that changes them and takes no arguments.
    pub(super) const fn act(model: &'static str, name: &'static str, work: Work) -> Self {
        Self { model, name, on: On::Records, needs: Operation::Write, takes: &[], work }
    }
}

/// The method of a call.
pub(super) fn method(model: &str, name: &str) -> Option<&'static Method> {
    let tables = [records::METHODS, read::METHODS, load::METHODS, outbox::METHODS].into_iter().chain(methods::ALL);
    let mut general = None;
    for method in tables.flatten().filter(|it| it.name == name) {
        if method.model == model {
            return Some(method);
        }
        if method.model == "*" {
            general = Some(method);
        }
    }
    general
}

/// Finds the method, as both wires do, with their common refusals.
pub(super) fn resolve(env: &Env<'_>, model: &str, name: &str) -> Result<&'static Method, Failure> {
    let is_of_a_module = ["sale.", "stock.", "mrp.", "purchase."].iter().any(|start| model.starts_with(start));
    if is_of_a_module && env.world.faults.has(Fault::ModuleMissing) {
        return Err(Failure::NoModel(model.to_owned()));
    }
    if model.starts_with("crossdock.") {
        outbox::installed(env)?;
    }
    env.model(model)?;
    if name.starts_with('_') {
        return Err(is_private(model, name));
    }
    method(model, name).ok_or_else(|| Failure::NoMethod(format!("The method '{model}.{name}' does not exist")))
}

/// The refusal of a method that is not for callers from outside.
pub(super) fn is_private(model: &str, name: &str) -> Failure {
    Failure::Access(format!("Private methods (such as '{model}.{name}') cannot be called remotely."))
}

/// Makes a call of arguments by place and by name, as JSON-RPC and the web session carry them.
pub(super) fn bind_places(method: &Method, model: &str, args: &[Json], named: &Map<String, Json>) -> Result<Call, Failure> {
    let mut call = Call { model: model.to_owned(), method: method.name.to_owned(), ..Call::default() };
    let mut places = args.iter();
    if method.on == On::Records {
        let missing =
            || Failure::Signature(format!("BaseModel.{}() missing 1 required positional argument: 'ids'", method.name));
        call.ids = ids(places.next().ok_or_else(missing)?);
    }
    let left = places.len();
    let names = method.takes.iter().filter(|name| **name != "**");
    for name in names {
        let Some(value) = places.next() else { break };
        call.named.insert(name.trim_end_matches('!').to_owned(), value.clone());
    }
    if places.len() > 0 {
        let takes = method.takes.len() + 1;
        let said = format!("BaseModel.{}() takes {takes} positional arguments but {} were given", method.name, left + 1);
        return Err(Failure::Signature(said));
    }
    names_of(method, &mut call, named)?;
    Ok(call)
}

/// Makes a call of arguments by name alone, as JSON-2 carries them.
pub(super) fn bind_names(method: &Method, model: &str, body: &Map<String, Json>) -> Result<Call, Failure> {
    let mut call = Call { model: model.to_owned(), method: method.name.to_owned(), ..Call::default() };
    let mut named = body.clone();
    if let Some(given) = named.remove("ids") {
        call.ids = ids(&given);
        if method.on == On::Model && !call.ids.is_empty() {
            return Err(Failure::Signature(format!("cannot call {model}.{} with ids", method.name)));
        }
    }
    names_of(method, &mut call, &named)?;
    Ok(call)
}

fn names_of(method: &Method, call: &mut Call, named: &Map<String, Json>) -> Result<(), Failure> {
    for (name, value) in named {
        if name == "context" {
            call.context = value.as_object().cloned().unwrap_or_default();
            continue;
        }
        let is_known = method.takes.iter().any(|known| known.trim_end_matches('!') == name || *known == "**");
        if !is_known {
            let unexpected = |of: &str| format!("BaseModel.{of}() got an unexpected keyword argument '{name}'");
            return Err(match method.name {
                "search_read" => Failure::Type(unexpected("_read_format")),
                other => Failure::Signature(unexpected(other)),
            });
        }
        call.named.insert(name.clone(), value.clone());
    }
    for name in method.takes.iter().filter_map(|name| name.strip_suffix('!')) {
        if !call.named.contains_key(name) {
            return Err(Failure::Signature(format!("missing a required argument: '{name}'")));
        }
    }
    Ok(())
}

/// Ids as they come: one, or a list.
pub(super) fn ids(given: &Json) -> Vec<i64> {
    match given {
        Json::Array(list) => list.iter().filter_map(Json::as_i64).collect(),
        one => one.as_i64().into_iter().collect(),
    }
}

/// Runs a call that is bound.
pub(super) fn run(env: &mut Env<'_>, method: &Method, call: &Call) -> Result<Outcome, Failure> {
    env.context.clone_from(&call.context);
    env.world.ledger.called(&call.model, &call.method);
    rights::check(env, &call.model, method.needs)?;
    (method.work)(env, call)
}
