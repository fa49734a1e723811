//! `crossdock send SOURCE`: one event, signed as the source asks for it, and what the product answers.

use std::io::Read as _;
use std::path::Path;

use bytes::Bytes;
use formats::signature::Secret;
use model::SourceName;
use model::limit::BODY_BYTES_MAX;
use policy::Policy;
use policy::compiled::{Format, Key, Pick, Source};
use serde_json::{Value, json};
use server::api::{AcceptedEvent, Admission};
use server::http::problem::Problem;
use server::settings::Environment;

use crate::args::{Common, Form, Send};
use crate::client::{Client, reason};
use crate::exit::{Ended, Exit, Failure};
use crate::moment;
use crate::output::Output;
use crate::project;
use crate::signing::{self, Call, Proof};

pub(crate) async fn run(common: &Common, args: &Send, output: &Output) -> Ended {
    let client = Client::at(common, &args.project)?;
    let policy = declaration(&client, args, output).await?;
    let name = SourceName::new(&args.source).ok();
    let source = name.and_then(|name| policy.sources.get(&name).cloned());
    let source = source.ok_or_else(|| unknown(&policy, &args.source))?;
    let mut call = Call { headers: headers(&args.header)?, path: String::new(), body: body(args.file.as_deref())? };
    let id = format!("send-{}", moment::chance());
    describe(&source, args, &id, &mut call)?;
    let secret = secret(&source, args)?;
    let proof = Proof { secret: secret.as_ref(), at: moment::now(), id: &id };
    signing::sign(&source, proof, &mut call).map_err(|why| {
        let hint = source.secrets.first().map_or_else(String::new, |name| {
            format!("set {} or say --secret-file; the demo's are shown by `crossdock simulate secrets`", name.variable())
        });
        Failure::new(Exit::Usage, "unsigned", format!("the request to {} cannot be signed: {why}", source.name)).hint(hint)
    })?;
    if args.dry_run {
        show(&client, &source, &call, output);
        return Ok(Exit::Done);
    }
    let path = format!("/in/{}{}", source.name, call.path);
    let (status, answer) = client.ingest(&path, &call.headers, call.body).await?;
    answered(status, &answer, client.base(), output)
}

/// The project of the folder where it has one, else the applied policy.
async fn declaration(client: &Client, args: &Send, output: &Output) -> Result<Policy, Failure> {
    let has_project = server::project::folders().any(|name| args.project.join(name).is_dir());
    if has_project { Ok(project::load(&args.project, output)?.policy) } else { project::present(client).await }
}

fn unknown(policy: &Policy, name: &str) -> Failure {
    let known: Vec<&str> = policy.sources.keys().map(SourceName::as_str).collect();
    Failure::new(Exit::NotFound, "unknown-source", format!("there is no source {name:?}"))
        .hint(format!("there are: {}", known.join(", ")))
}

fn headers(lines: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let pair = |line: &String| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    };
    let wrong = |line: &String| Failure::new(Exit::Usage, "header", format!("{line:?} is no header: write NAME: VALUE"));
    lines.iter().map(|line| pair(line).ok_or_else(|| wrong(line))).collect()
}

/// A body from a file or from standard input, within what the product takes at most.
pub(super) fn body(file: Option<&Path>) -> Result<Bytes, Failure> {
    let mut bytes = Vec::new();
    let limit = BODY_BYTES_MAX as u64 + 1;
    let read = match file {
        Some(path) => std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
        None => std::io::stdin().lock().take(limit).read_to_end(&mut bytes),
    };
    let name = file.map_or_else(|| "standard input".to_owned(), |path| path.display().to_string());
    read.map_err(|error| Failure::new(Exit::Usage, "body", format!("{name}: {error}")))?;
    if bytes.len() > BODY_BYTES_MAX {
        return Err(Failure::new(Exit::Usage, "body", format!("{name} is larger than {BODY_BYTES_MAX} bytes")));
    }
    Ok(Bytes::from(bytes))
}

/// Media type, event type and key, where the source reads them from headers and the caller said nothing of them.
fn describe(source: &Source, args: &Send, id: &str, call: &mut Call) -> Result<(), Failure> {
    let structured = call.header("content-type").is_some_and(|kind| kind.starts_with("application/cloudevents"));
    if source.format == Format::CloudEvents && !structured && call.header("ce-specversion").is_none() {
        let kind =
            args.kind.as_ref().ok_or_else(|| Failure::new(Exit::Usage, "type", "a CloudEvent has a type: say --type"))?;
        call.put("ce-specversion", "1.0");
        call.put("ce-id", id);
        call.put("ce-source", "crossdock/send");
        call.put("ce-type", kind.as_str());
    } else if let Some(kind) = &args.kind {
        match &source.kind {
            Some(Pick::Header(header)) => call.put(header, kind.as_str()),
            Some(Pick::Path(_) | Pick::Is(_)) | None => {
                return Err(Failure::new(
                    Exit::Usage,
                    "type",
                    format!("{} does not read the type from a header: write it into the body", source.name),
                ));
            }
        }
    }
    call.put("content-type", "application/json");
    if let Key::Native(Pick::Header(header)) | Key::Usual(Some(Pick::Header(header))) = &source.key {
        call.put(header, id);
    }
    Ok(())
}

/// The newest secret of the source that has a value here.
fn secret(source: &Source, args: &Send) -> Result<Option<Secret>, Failure> {
    if let Some(path) = &args.secret_file {
        return secret_file(path).map(Some);
    }
    let names = source.secrets.iter().cloned().collect();
    let (keys, _) = server::secrets::load(&names, &Environment::read(), &args.project.join(".crossdock"));
    Ok(keys.values(&source.secrets).next().cloned())
}

/// A file's content without the newline that editors add.
pub(super) fn secret_file(path: &Path) -> Result<Secret, Failure> {
    let text = std::fs::read(path)
        .map_err(|error| Failure::new(Exit::Usage, "secret-file", format!("{}: {error}", path.display())))?;
    let end = text.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
    Ok(Secret::new(text.get(..end).unwrap_or_default()))
}

/// The request without what proves who sends it.
fn show(client: &Client, source: &Source, call: &Call, output: &Output) {
    let names: Vec<&str> = call.headers.iter().map(|(name, _)| name.as_str()).collect();
    match output.form {
        Form::Json => output.json(
            &json!({ "schema": "crossdock/send/1", "source": source.name, "headers": names, "bytes": call.body.len() }),
        ),
        Form::Table => output.line(&format!(
            "would send {} bytes to {}/in/{} with {}",
            call.body.len(),
            client.base(),
            source.name,
            names.join(", ")
        )),
    }
}

fn answered(status: u16, answer: &[u8], at: &str, output: &Output) -> Ended {
    if !(200..300).contains(&status) {
        return Err(refused(status, answer));
    }
    let value: Value = serde_json::from_slice(answer).unwrap_or_else(|_| json!({ "text": String::from_utf8_lossy(answer) }));
    if output.form == Form::Json {
        output.json_as("accepted", &value);
        return Ok(Exit::Done);
    }
    let events = match serde_json::from_value(value.clone()) {
        Ok(Admission::One(event)) => vec![event],
        Ok(Admission::Batch { events }) => events,
        Err(_) => {
            output.line(&value.to_string());
            return Ok(Exit::Done);
        }
    };
    for event in &events {
        output.line(&format!("{} {}", fate(event), event.id));
    }
    output.say(&format!("by {at}"));
    if let Some(first) = events.first() {
        let verb = if first.quarantined { "quarantine show" } else { "trace" };
        output.next(&format!("crossdock {verb} {}", first.id));
    }
    Ok(Exit::Done)
}

fn fate(event: &AcceptedEvent) -> &'static str {
    match (event.duplicate, event.quarantined) {
        (true, _) => "known before",
        (false, true) => "quarantined",
        (false, false) => "accepted",
    }
}

fn refused(status: u16, answer: &[u8]) -> Failure {
    let Ok(problem) = serde_json::from_slice::<Problem>(answer) else {
        return Failure::new(Exit::Failed, "answer", format!("the answer was {status}"));
    };
    let exit = match status {
        404 => Exit::NotFound,
        429 | 503 => Exit::Failed,
        _ => Exit::Refused,
    };
    let rules: Vec<String> = problem.errors.iter().map(reason).collect();
    let message =
        [format!("{status} {}: {}", problem.code, problem.detail)].into_iter().chain(rules).collect::<Vec<_>>().join("\n  ");
    let hint = match problem.code.as_str() {
        "bad-signature" => {
            "the secret here is not the one that the product has; it reads files every few seconds, the environment at its start"
        }
        "unknown-source" => "the product does not have this source: crossdock plan, crossdock apply",
        _ => "",
    };
    Failure::new(exit, &problem.code, message).hint(hint)
}
