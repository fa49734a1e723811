//! Sources: verification, where things are found in a request, and which contracts the events have.

use std::collections::BTreeMap;

use formats::signature::hmac_template::{Scheme, Shape, Template, Timestamp as SchemeTimestamp, TimestampFrom};
use model::{EventType, Span};

use super::{Project, capture, compile, contract_of};
use crate::compiled::{EventRule, FOUND_HEADER, KEY_HEADER, Key, Pick, Source, TYPE_HEADER, Unknown, Verify};
use crate::decode::Objects;
use crate::presets::{Preset, PresetPick};
use crate::specs::{EventSpec, HmacSpec, KeySpec, PickSpec, SourceSpec, SystemSpec, VerifySpec};
use crate::{Findings, codes};

/// The source, or `None` where something about it is wrong and reported.
pub(crate) fn source(
    system: &SystemSpec,
    spec: &SourceSpec,
    project: &Project<'_>,
    findings: &mut Findings,
) -> Option<Source> {
    let preset = match &spec.verify {
        Some(VerifySpec::Preset(preset)) => Some(*preset),
        Some(_) | None => None,
    };
    check_secrets(spec, findings);
    let verify = match &spec.capture {
        Some(capture) => capture::capture(system, spec, capture, project, findings).map(|it| Verify::Captured(Box::new(it))),
        None => spec.verify.as_ref().and_then(|verify| self::verify(verify, spec.verify_span, project, findings)),
    };
    let (kind, key) = if spec.capture.is_some() {
        (Some(Pick::Header(TYPE_HEADER.to_owned())), Key::Native(Pick::Header(KEY_HEADER.to_owned())))
    } else {
        let kind = located(spec.kind.as_ref(), preset.map(|it| it.data().kind), findings);
        (kind, key(spec.key.as_ref(), preset, findings))
    };
    let time = located(spec.time.as_ref(), preset.and_then(|it| it.data().time), findings);
    let events = events(&spec.events, project, findings);
    let mut keep_headers = spec.keep_headers.clone();
    let mut handshake = spec.handshake.clone();
    if let Some(preset) = preset {
        keep_headers.extend(preset.data().keep_headers.iter().map(|name| (*name).to_owned()));
        handshake.extend(preset.handshake().into_iter().filter(|it| !spec.handshake.contains(it)));
    }
    keep_headers.extend(spec.capture.as_ref().map(|_| FOUND_HEADER.to_owned()));
    keep_headers.sort();
    keep_headers.dedup();
    Some(Source {
        name: spec.name.value.clone(),
        system: system.name.clone(),
        owner: system.owner.as_ref()?.value.clone(),
        verify: verify?,
        secrets: spec.secrets.iter().map(|secret| secret.value.clone()).collect(),
        format: spec.format,
        kind,
        key,
        time,
        keep_headers,
        unknown: spec.unknown.unwrap_or(Unknown::Quarantine),
        events,
        on_invalid: spec.on_invalid,
        limits: spec.limits,
        allow_from: spec.allow_from.clone(),
        handshake,
    })
}

fn check_secrets(spec: &SourceSpec, findings: &mut Findings) {
    let Some(verify) = &spec.verify else { return };
    let is_unsigned = matches!(verify, VerifySpec::Unsigned { .. });
    if is_unsigned && let Some(secret) = spec.secrets.first() {
        let diagnostic = findings.error(codes::SECRETS_MISMATCH, secret.span, "an unsigned source has no use for secrets");
        findings.push(diagnostic.help("remove `secrets`, or verify with them"));
    }
    if !is_unsigned && spec.secrets.is_empty() {
        let message = format!("the source `{}` names no secret to verify with", spec.name.value);
        let diagnostic = findings.error(codes::SECRETS_MISMATCH, spec.verify_span, message);
        findings.push(
            diagnostic.help(format!(
                "add `secrets: [{}/webhook]`; its value comes from the environment or a file",
                spec.name.value
            )),
        );
    }
}

fn verify(spec: &VerifySpec, span: Span, project: &Project<'_>, findings: &mut Findings) -> Option<Verify> {
    Some(match spec {
        VerifySpec::Preset(preset) => preset.verify(),
        VerifySpec::Hmac(hmac) => Verify::Signed(Box::new(scheme(hmac, span, findings)?)),
        VerifySpec::SecretPath => Verify::SecretPath,
        VerifySpec::SecretHeader(header) => Verify::SecretHeader { header: header.clone() },
        VerifySpec::Basic(user) => Verify::Basic { user: user.clone() },
        VerifySpec::Unsigned { owner, until, why: _ } => {
            if project.now.is_some_and(|now| now >= until.value) {
                let diagnostic = findings.warning(
                    codes::UNSIGNED_EXPIRED,
                    until.span,
                    "the permission to go unsigned has ended; every request is refused",
                );
                findings.push(diagnostic.help("verify the source, or have its owner allow it for longer"));
            }
            Verify::Unsigned { owner: owner.clone(), until: until.value }
        }
    })
}

fn scheme(spec: &HmacSpec, span: Span, findings: &mut Findings) -> Option<Scheme> {
    let template = match Template::parse(&spec.signed.value) {
        Ok(template) => template,
        Err(error) => {
            let place = inside(spec.signed.span, &spec.signed.value, error.offset);
            let diagnostic =
                findings.error(codes::BAD_SCHEME, place, format!("the signed text cannot be read: {}", error.problem));
            findings.push(diagnostic.help("known are {body} {timestamp} {id} {method} {path} {header:NAME}"));
            return None;
        }
    };
    let frame = spec.frame.as_ref()?;
    let timestamp = match &frame.timestamp {
        Some((header, format)) => Some(SchemeTimestamp {
            from: TimestampFrom::Header(header.parse().ok()?),
            format: *format,
            tolerance_s: u32::try_from(frame.tolerance.secs()).ok()?,
        }),
        None => None,
    };
    let id = match &frame.id {
        Some(header) => Some(header.parse().ok()?),
        None => None,
    };
    let scheme = Scheme {
        algorithm: frame.algorithm,
        encoding: frame.encoding,
        header: frame.header.parse().ok()?,
        shape: Shape::Whole { prefix: frame.prefix.clone() },
        template,
        id,
        timestamp,
    };
    if let Err(error) = scheme.check() {
        let diagnostic = findings
            .error(codes::BAD_SCHEME, spec.signed.span, error.to_string())
            .related(findings.error(codes::BAD_SCHEME, span, "").place, "of this verification");
        findings.push(diagnostic);
        return None;
    }
    Some(scheme)
}

/// The place of a byte of a text, where the text stands in the file as it is; else the whole text.
fn inside(span: Span, text: &str, offset: usize) -> Span {
    let is_verbatim = (span.end - span.start) as usize == text.len();
    match u32::try_from(offset) {
        Ok(offset) if is_verbatim && span.start + offset < span.end => Span { start: span.start + offset, end: span.end },
        Ok(_) | Err(_) => span,
    }
}

/// Where a text is found: as the source says, or as its preset knows.
fn located(spec: Option<&PickSpec>, preset: Option<PresetPick>, findings: &mut Findings) -> Option<Pick> {
    match spec {
        Some(spec) => pick(spec, findings),
        None => preset.and_then(preset_pick),
    }
}

fn pick(spec: &PickSpec, findings: &mut Findings) -> Option<Pick> {
    Some(match spec {
        PickSpec::Header(name) => Pick::Header(name.clone()),
        PickSpec::Path(path) => Pick::Path(compile::path(path, findings)?),
        PickSpec::Is(text) => Pick::Is(text.clone()),
    })
}

fn preset_pick(pick: PresetPick) -> Option<Pick> {
    Some(match pick {
        PresetPick::Header(name) => Pick::Header(name.to_owned()),
        PresetPick::Path(path) => Pick::Path(compile::known_path(path)?),
    })
}

fn key(spec: Option<&KeySpec>, preset: Option<Preset>, findings: &mut Findings) -> Key {
    match spec {
        None => Key::Usual(preset.and_then(|preset| preset_pick(preset.data().key))),
        Some(KeySpec::Body) => Key::Body,
        Some(KeySpec::Native(spec)) => pick(spec, findings).map_or(Key::Body, Key::Native),
        Some(KeySpec::Derived(paths)) => {
            Key::Derived(paths.iter().filter_map(|path| compile::path(path, findings)).collect())
        }
    }
}

fn events(specs: &[EventSpec], project: &Project<'_>, findings: &mut Findings) -> BTreeMap<String, EventRule> {
    let mut events = BTreeMap::new();
    for spec in specs {
        let contract = spec.contract.as_ref().map(|contract| contract.value.clone());
        contract_of(spec.contract.as_ref(), project, findings);
        events.insert(spec.native.value.clone(), EventRule { kind: event_type(spec, project.objects), contract });
    }
    events
}

/// Our type of a native one: as the source says, else as its contract says, else the native one.
pub(crate) fn event_type(spec: &EventSpec, objects: &Objects) -> EventType {
    if let Some(kind) = &spec.kind {
        return kind.clone();
    }
    match &spec.contract {
        Some(contract) => objects
            .contracts
            .get(&contract.value)
            .map_or_else(|| EventType::new(contract.value.name()), |contract| contract.kind.clone()),
        None => EventType::new(&spec.native.value),
    }
}
