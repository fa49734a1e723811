//! Where traces and metrics go: the table `[otlp]` of the settings file, and the variables that OpenTelemetry has for all
//! products. A variable comes before the file. Headers hold secrets, so only a variable can have them.

use std::collections::BTreeMap;

use formats::signature::Secret;
use model::TimeSpan;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::{BadSettings, Environment};

/// LIMIT: metrics are not sent more often; each time asks the stores.
const INTERVAL_MIN: TimeSpan = TimeSpan::from_secs(1);

/// A collector, and what it gets.
#[derive(Clone, Debug)]
pub struct Otlp {
    /// The URL of traces, if they are sent.
    pub traces: Option<String>,
    /// The URL of metrics, if they are sent.
    pub metrics: Option<String>,
    /// What every request carries besides.
    pub headers: Vec<(String, Secret)>,
    /// For a whole request.
    pub timeout: TimeSpan,
    /// How often metrics are sent.
    pub interval: TimeSpan,
    /// The share of traces that begin here and are recorded, from 0 to 1.
    pub share: f64,
    /// What this process is called and belongs to.
    pub resource: BTreeMap<String, String>,
}

/// The table of the settings file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The collector, without the path of a signal.
    pub endpoint: Option<String>,
    /// For a whole request, such as `10s`.
    pub timeout: Option<String>,
    /// How often metrics are sent, such as `60s`.
    pub interval: Option<String>,
    /// The share of traces that begin here and are recorded.
    pub share: Option<f64>,
    /// What this process belongs to, such as `"deployment.environment.name" = "production"`.
    #[serde(default)]
    pub resource: BTreeMap<String, String>,
}

impl Otlp {
    /// From the table and the environment; `None` where no collector is named.
    pub fn resolve(table: Table, environment: &Environment) -> Result<Option<Self>, BadSettings> {
        const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
        let disabled = environment.get("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let endpoint = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT").or(table.endpoint);
        let url = |own: &str, path: &str| {
            let below = || endpoint.as_ref().map(|endpoint| format!("{}/{path}", endpoint.trim_end_matches('/')));
            environment.get(own).or_else(below)
        };
        let traces = url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "v1/traces");
        let metrics = url("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "v1/metrics");
        if disabled || (traces.is_none() && metrics.is_none()) {
            return Ok(None);
        }
        for url in [&traces, &metrics].into_iter().flatten() {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(wrong("otlp.endpoint", "write an http or https address, such as http://127.0.0.1:4318"));
            }
        }
        if environment.get(PROTOCOL).is_some_and(|protocol| protocol != "http/protobuf") {
            return Err(wrong(PROTOCOL, "the only protocol is http/protobuf; its usual port is 4318"));
        }
        let timeout = milliseconds(environment, "OTEL_EXPORTER_OTLP_TIMEOUT")?.or(span("otlp.timeout", table.timeout)?);
        let interval = milliseconds(environment, "OTEL_METRIC_EXPORT_INTERVAL")?.or(span("otlp.interval", table.interval)?);
        Ok(Some(Self {
            traces,
            metrics,
            headers: headers(environment)?,
            timeout: timeout.unwrap_or(TimeSpan::from_secs(10)),
            interval: interval.unwrap_or(TimeSpan::from_secs(60)).max(INTERVAL_MIN),
            share: share(environment, table.share)?,
            resource: resource(environment, table.resource)?,
        }))
    }
}

fn wrong(name: &'static str, why: impl Into<String>) -> BadSettings {
    BadSettings::Setting(name, why.into())
}

fn milliseconds(environment: &Environment, name: &'static str) -> Result<Option<TimeSpan>, BadSettings> {
    super::variable::<u64>(environment, name).map(|millis| millis.map(TimeSpan::from_millis))
}

fn span(name: &'static str, text: Option<String>) -> Result<Option<TimeSpan>, BadSettings> {
    text.map(|text| text.parse().map_err(|error: model::time::BadSpan| wrong(name, error.to_string()))).transpose()
}

/// A sender that decided is followed, so each sampler is `parentbased`.
fn share(environment: &Environment, table: Option<f64>) -> Result<f64, BadSettings> {
    const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
    let argument = super::variable::<f64>(environment, "OTEL_TRACES_SAMPLER_ARG")?;
    let share = match environment.get(SAMPLER).as_deref() {
        None => table.unwrap_or(1.0),
        Some("parentbased_always_on") => 1.0,
        Some("parentbased_always_off") => 0.0,
        Some("parentbased_traceidratio") => argument.unwrap_or(1.0),
        Some(_) => {
            let known = "parentbased_always_on, parentbased_always_off or parentbased_traceidratio";
            return Err(wrong(SAMPLER, format!("write {known}: what a sender decided is always followed")));
        }
    };
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(wrong("otlp.share", "write a number from 0 to 1")) }
}

fn headers(environment: &Environment) -> Result<Vec<(String, Secret)>, BadSettings> {
    let pairs = pairs(environment, "OTEL_EXPORTER_OTLP_HEADERS")?;
    Ok(pairs.into_iter().map(|(name, value)| (name, Secret::new(value.into_bytes()))).collect())
}

fn resource(
    environment: &Environment,
    mut attributes: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, BadSettings> {
    attributes.extend(pairs(environment, "OTEL_RESOURCE_ATTRIBUTES")?);
    attributes.extend(environment.get("OTEL_SERVICE_NAME").map(|name| ("service.name".to_owned(), name)));
    attributes.entry("service.name".to_owned()).or_insert_with(|| "crossdock".to_owned());
    Ok(attributes)
}

/// `a=1,b=2`, values percent-encoded. What is wrong is told without repeating it: it may be half a secret.
fn pairs(environment: &Environment, name: &'static str) -> Result<Vec<(String, String)>, BadSettings> {
    let text = environment.get(name).unwrap_or_default();
    let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
    let pair = |member: &str| {
        let (key, value) = member.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        Some((key.trim().to_owned(), value.into_owned())).filter(|(key, _)| !key.is_empty())
    };
    members.map(|member| pair(member).ok_or_else(|| wrong(name, "write name=value, and commas between several"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(file: &str, pairs: &[(&str, &str)]) -> Result<Option<Otlp>, String> {
        let table: Table = toml::from_str(file).map_err(|error| error.to_string())?;
        Otlp::resolve(table, &Environment::from_pairs(pairs)).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_come_before_the_file() {
        let file = "endpoint = \"http://a:4318/\"\ninterval = \"5m\"\nshare = 0.5\n[resource]\n\"service.name\" = \"hub\"\n";
        let otlp = resolve(file, &[]).unwrap().unwrap();
        assert_eq!(otlp.traces.as_deref(), Some("http://a:4318/v1/traces"));
        assert_eq!(otlp.metrics.as_deref(), Some("http://a:4318/v1/metrics"));
        assert_eq!((otlp.interval, otlp.timeout), (TimeSpan::from_secs(300), TimeSpan::from_secs(10)));
        assert_eq!((otlp.share, otlp.resource["service.name"].as_str()), (0.5, "hub"));
        let environment = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://b"),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c/otlp"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20YWI%3D, x-tenant=7"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "10"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.1"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=x,host.name=one%2Ctwo"),
            ("OTEL_SERVICE_NAME", "plane"),
        ];
        let otlp = resolve(file, &environment).unwrap().unwrap();
        assert_eq!(otlp.traces.as_deref(), Some("https://b/v1/traces"));
        assert_eq!(otlp.metrics.as_deref(), Some("http://c/otlp"));
        let headers: Vec<_> = otlp.headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(headers, [("authorization", b"Basic YWI=".as_slice()), ("x-tenant", b"7")]);
        assert_eq!((otlp.timeout, otlp.interval, otlp.share), (TimeSpan::from_millis(2_500), INTERVAL_MIN, 0.1));
        assert_eq!((otlp.resource["service.name"].as_str(), otlp.resource["host.name"].as_str()), ("plane", "one,two"));
    }

    #[test]
    fn nothing_is_sent_where_nobody_says_where_to() {
        assert!(resolve("share = 1.0", &[("OTEL_SERVICE_NAME", "x")]).unwrap().is_none());
        let disabled = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a"), ("OTEL_SDK_DISABLED", "True")];
        assert!(resolve("", &disabled).unwrap().is_none());
        let traces = resolve("", &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a/x")]).unwrap().unwrap();
        assert_eq!((traces.traces.as_deref(), traces.metrics), (Some("http://a/x"), None));
    }

    #[test]
    fn what_is_wrong_is_told_and_a_secret_is_not_repeated() {
        let with = |pair| [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a"), pair];
        for (pair, told) in [
            (("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), "http/protobuf"),
            (("OTEL_EXPORTER_OTLP_HEADERS", "hush-hush"), "name=value"),
            (("OTEL_TRACES_SAMPLER", "always_on"), "parentbased_always_on"),
            (("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"), "OTEL_EXPORTER_OTLP_TIMEOUT"),
            (("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4317"), "http://127.0.0.1:4318"),
        ] {
            let error = resolve("", &with(pair)).unwrap_err();
            assert!(error.contains(told), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
        for file in ["share = nan", "share = 1.5", "interval = \"60\"", "endpiont = \"http://a\""] {
            assert!(resolve(file, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a")]).is_err(), "{file}");
        }
    }
}
