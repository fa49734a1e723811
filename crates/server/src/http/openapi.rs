//! The description of the HTTP surface: `OpenAPI` 3.1, made from the list of operations and the types that are served. It adds
//! nothing of its own but words; what it says is what [`super::operation::Operation::into_route`] serves.

use http::Method;
use model::RefusalKind;
use schemars::generate::{Contract, SchemaSettings};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::api::ROOT;
use super::guard;
use super::operation::{Access, Content, Effect, Operation, Versions};
use super::problem::{MEDIA_TYPE, Problem, kinds};

/// Where the description is served.
pub const PATH: &str = "/api/v1/openapi.json";

/// Where the schemas of a document stand.
const SCHEMAS: &str = "#/components/schemas/";

/// The document.
pub fn document(operations: &[Operation]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations {
        let path = paths.entry(template(&operation.path)).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_lowercase()] = schemas.operation(operation);
    }
    let problem = schemas.answers.subschema_for::<Problem>();
    let mut document = json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Crossdock",
            "version": "1",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "description": INTRODUCTION,
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of `crossdock token`. Each includes the scopes that it was made with; `admin` includes all.",
            }, "sameSite": {
                "type": "apiKey",
                "in": "header",
                "name": guard::SAME_SITE,
                "description": "Where this machine needs no token, a write carries `same_site` of `GET /api/v1/session`.",
            } },
            "parameters": parameters(),
            "headers": headers(),
            "responses": problems(&problem),
            "schemas": schemas.finish(),
        },
    });
    plain_words(&mut document);
    document
}

const INTRODUCTION: &str = "One event-driven integration plane: events come in at `/in/{source}`, everything else is \
managed below `/api/v1`. Lists come in pages: `next` of one page is the `cursor` of the next. What goes wrong is told as \
`application/problem+json` with a stable `code`. An unknown parameter or field is refused. Fields are added, never renamed \
or removed.";

/// Both sides of the conversation: a field with a default may be left out by the caller and is always in an answer.
struct Schemas {
    asked: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = |contract| {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
            settings.contract = contract;
            settings.into_generator()
        };
        Self { asked: settings(Contract::Deserialize), answers: settings(Contract::Serialize) }
    }

    fn operation(&mut self, operation: &Operation) -> Value {
        let mut told = json!({
            "operationId": operation.id,
            "summary": operation.summary,
            "tags": [tag(&operation.path)],
            "security": security(operation),
            "parameters": self.parameters(operation),
            "responses": self.responses(operation),
        });
        if let Some(needs) = needs(operation.access) {
            told["description"] = json!(needs);
        }
        if let Some(body) = operation.body {
            let content = content(body, &mut self.asked);
            told["requestBody"] = json!({ "required": true, "content": content });
        }
        told
    }

    fn parameters(&mut self, operation: &Operation) -> Vec<Value> {
        let mut parameters = Vec::new();
        // The first is the operation's; what comes below it is text.
        let describe = operation.parameter.into_iter().chain(std::iter::repeat(text as super::operation::Describe));
        for (name, describe) in names_in(&operation.path).into_iter().zip(describe) {
            let schema = describe(&mut self.asked);
            parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
        }
        if operation.effect == Effect::Changes {
            parameters.push(json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
        }
        if operation.versions == Versions::Asked {
            parameters.push(json!({ "$ref": "#/components/parameters/IfMatch" }));
        }
        if let Some(describe) = operation.query {
            parameters.extend(self.query(describe));
        }
        parameters
    }

    fn query(&mut self, describe: super::operation::Describe) -> Vec<Value> {
        let schema = describe(&mut self.asked);
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix(SCHEMAS)).unwrap_or_default();
        // A query is no object of the document: its parameters stand in its place.
        let object = self.asked.definitions_mut().remove(name).unwrap_or_default();
        let properties = object.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let parameter = |(name, mut schema): (String, Value)| {
            let description = schema.as_object_mut().and_then(|it| it.remove("description"));
            let mut parameter = json!({ "name": name, "in": "query", "schema": present(schema) });
            if let Some(description) = description {
                parameter["description"] = description;
            }
            parameter
        };
        properties.into_iter().map(parameter).collect()
    }

    fn responses(&mut self, operation: &Operation) -> Map<String, Value> {
        let mut responses = Map::new();
        let content = content(operation.answer, &mut self.answers);
        let mut answer = json!({ "description": operation.summary, "content": content });
        let mut headers = Map::new();
        if operation.effect == Effect::Changes {
            headers.insert("Idempotency-Replayed".to_owned(), json!({ "$ref": "#/components/headers/Replayed" }));
        }
        if operation.versions == Versions::Told {
            headers.insert("ETag".to_owned(), json!({ "$ref": "#/components/headers/Version" }));
        }
        if !headers.is_empty() {
            answer["headers"] = Value::Object(headers);
        }
        responses.insert(operation.status.to_string(), answer);
        for status in problem_statuses(operation) {
            let there = json!({ "$ref": format!("#/components/responses/Problem{status}") });
            responses.insert(status.to_string(), there);
        }
        responses
    }

    /// INVARIANT: a type that is both asked for and answered is described once; where its two sides differ they need two names.
    fn finish(mut self) -> Map<String, Value> {
        let mut all = self.answers.take_definitions(true);
        for (name, schema) in self.asked.take_definitions(true) {
            match all.get(&name) {
                Some(known) => assert!(*known == schema, "{name} is not the same as a question and as an answer"),
                None => drop(all.insert(name, schema)),
            }
        }
        all.sort_keys();
        all
    }
}

/// The schema of a parameter that is there: what may be left out is not `null` in a URL.
fn present(schema: Value) -> Value {
    let mut schema = schema;
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|word| word != "null");
        if let [one] = types.as_slice() {
            schema["type"] = one.clone();
        }
    }
    let choices = schema.get("anyOf").and_then(Value::as_array).cloned().unwrap_or_default();
    let there: Vec<Value> = choices.into_iter().filter(|choice| choice["type"] != "null").collect();
    if let [one] = there.as_slice() {
        schema = one.clone();
    }
    if let Some(object) = schema.as_object_mut() {
        object.remove("default");
    }
    schema
}

fn content(content: Content, schemas: &mut SchemaGenerator) -> Value {
    match content {
        Content::Json(describe) => json!({ "application/json": { "schema": describe(schemas) } }),
        Content::Raw(media) => json!({ media: {} }),
    }
}

/// Which scope is needed, in a sentence.
fn needs(access: Access) -> Option<String> {
    match access {
        Access::Anybody | Access::Source | Access::Principal => None,
        Access::Scope(scope) => Some(format!("Needs the scope `{}`.", scope.word())),
        Access::ScopeOrOpen(scope) => {
            Some(format!("Needs the scope `{}`, unless the settings say that it is open.", scope.word()))
        }
    }
}

fn security(operation: &Operation) -> Value {
    match operation.access {
        Access::Anybody | Access::Source => json!([]),
        Access::Principal => json!([{ "token": [] }, {}]),
        // OpenAPI 3.1 lets a scheme of any type name the roles that it needs.
        Access::Scope(scope) | Access::ScopeOrOpen(scope) if operation.method == Method::GET => {
            json!([{ "token": [scope.word()] }, {}])
        }
        Access::Scope(scope) | Access::ScopeOrOpen(scope) => {
            json!([{ "token": [scope.word()] }, { "sameSite": [scope.word()] }])
        }
    }
}

fn text(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<String>()
}

fn parameters() -> Value {
    let hours = model::limit::KEYED_WRITE_WINDOW.secs() / 3_600;
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": format!(
                "Names the request, as a quoted string that no other request of the caller has: within {hours} hours the same request \
                 is answered again and not done again. For another request it is refused (422), while the first is under way as well (409)."
            ),
            "schema": { "type": "string", "maxLength": model::limit::KEY_BYTES_MAX + 2 },
            "example": "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"",
        },
        "IfMatch": {
            "name": "If-Match",
            "in": "header",
            "description": "The version that was seen, as `ETag` told it: where it is not the present one any more, nothing is done (412).",
            "schema": { "type": "string" },
            "example": "\"7\"",
        },
    })
}

fn headers() -> Value {
    json!({
        "Version": { "description": "The version of what is shown, for `If-Match`.", "schema": { "type": "string" } },
        "Replayed": {
            "description": "`true` where the answer was given before to a request with the same key.",
            "schema": { "type": "string", "enum": ["true"] },
        },
    })
}

/// The statuses of problems that an operation can answer, in order.
pub fn problem_statuses(operation: &Operation) -> Vec<u16> {
    let mut statuses = operation.problems.clone();
    // Of the guard: two hosts, a page of another site, another host, and a token that does not hold or cannot be looked up.
    statuses.extend([400, 403, 421]);
    if guard::asks_who(&operation.path) {
        statuses.extend([401, 500, 503]);
    }
    match operation.access {
        Access::Anybody | Access::Source | Access::ScopeOrOpen(_) => {}
        Access::Principal | Access::Scope(_) => statuses.push(406),
    }
    if operation.parameter.is_some() {
        statuses.push(404);
    }
    if operation.body.is_some() && operation.path.starts_with(ROOT) {
        statuses.extend([413, 415, 422]);
    }
    if operation.effect == Effect::Changes {
        statuses.extend([409, 422, 429]);
    }
    if operation.versions == Versions::Asked {
        statuses.push(412);
    }
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

/// One answer for each status, with the codes that it can have.
fn problems(schema: &Schema) -> Map<String, Value> {
    let mut codes: Vec<(u16, String, &str)> =
        kinds::ALL.iter().map(|kind| (kind.status, kind.title.to_owned(), kind.code)).collect();
    codes.extend(RefusalKind::ALL.iter().map(|kind| (kind.status(), kind.code().replace('-', " "), kind.code())));
    codes.sort_by_key(|(status, _, code)| (*status, *code));
    codes.dedup_by_key(|(status, _, code)| (*status, *code));
    let mut problems = Map::new();
    for some in codes.chunk_by(|one, other| one.0 == other.0) {
        let lines: Vec<String> = some.iter().map(|(_, title, code)| format!("- `{code}`: {title}")).collect();
        let names: Vec<&str> = some.iter().map(|(_, _, code)| *code).collect();
        let codes = json!({ "properties": { "code": { "enum": names } } });
        let content = json!({ MEDIA_TYPE: { "schema": { "allOf": [schema, codes] } } });
        let name = format!("Problem{}", some.first().map_or(0, |(status, ..)| *status));
        problems.insert(name, json!({ "description": lines.join("\n"), "content": content }));
    }
    problems
}

/// A path as `OpenAPI` writes it: a parameter that takes the rest has no star.
fn template(path: &str) -> String {
    path.replace("{*", "{")
}

fn names_in(path: &str) -> Vec<String> {
    let parts = path.split('/').filter_map(|part| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')));
    parts.map(|name| name.trim_start_matches('*').to_owned()).collect()
}

fn tag(path: &str) -> &str {
    let rest = path.strip_prefix(ROOT).unwrap_or(path);
    rest.split('/').find(|part| !part.is_empty()).unwrap_or("root")
}

/// Descriptions are the documentation of our types, whose links lead to other types: a reader of the document wants words.
fn plain_words(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(text) if key == "description" => *text = text.replace("[`", "`").replace("`]", "`"),
                    other => plain_words(other),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(plain_words),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
