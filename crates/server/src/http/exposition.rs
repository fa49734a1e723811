//! Metrics as text, in the two forms that scrapers read: OpenMetrics 1.0 and the text format of Prometheus 0.0.4. Pure.

use std::fmt::{self, Write as _};

use engine::observe::metric::{Family, Kind, Metric, Spread, Unit, Value};

/// A form of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format 0.0.4.
    Prometheus,
}

impl Form {
    /// Its media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// The form that a scraper likes better, by its `Accept`; who says nothing gets what everything reads.
    pub fn accepted(accept: &str) -> Self {
        let weight = |wanted: &str| {
            let ranges = accept.split(',').filter(|range| range.split(';').next().unwrap_or_default().trim() == wanted);
            ranges.map(weight_of).fold(0.0, f32::max)
        };
        let better = weight("application/openmetrics-text") > weight("text/plain");
        if better { Self::OpenMetrics } else { Self::Prometheus }
    }
}

/// The weight of a media range; 1 where it says nothing that can be read.
fn weight_of(range: &str) -> f32 {
    let weight = range.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("q="));
    weight.and_then(|text| text.trim().parse().ok()).unwrap_or(1.0)
}

/// The page.
pub fn write(families: &[Family], form: Form) -> String {
    let mut text = String::new();
    for family in families {
        write_family(&mut text, family, form).expect("writing to a string does not fail");
    }
    if form == Form::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn write_family(text: &mut String, family: &Family, form: Form) -> fmt::Result {
    let Family { metric, samples } = family;
    let counted = if metric.kind == Kind::Counter { "_total" } else { "" };
    let name = metric.name;
    let described = match form {
        Form::OpenMetrics => name.to_owned(),
        Form::Prometheus => format!("{name}{counted}"),
    };
    writeln!(text, "# TYPE {described} {}", metric.kind.word())?;
    if form == Form::OpenMetrics {
        match metric.unit {
            Unit::One => {}
            Unit::Seconds => writeln!(text, "# UNIT {described} seconds")?,
            Unit::Bytes => writeln!(text, "# UNIT {described} bytes")?,
        }
    }
    writeln!(text, "# HELP {described} {}.", metric.help)?;
    for sample in samples {
        let labels = labels(metric, &sample.labels);
        match &sample.value {
            Value::Count(count) => writeln!(text, "{name}{counted}{} {count}", braced(&labels))?,
            Value::Level(level) => writeln!(text, "{name}{} {level}", braced(&labels))?,
            Value::Spread(spread) => write_spread(text, (name, &labels), spread)?,
        }
    }
    Ok(())
}

/// Buckets add up from the lowest bound, and the last holds all.
fn write_spread(text: &mut String, (name, labels): (&str, &str), spread: &Spread) -> fmt::Result {
    let separated = if labels.is_empty() { String::new() } else { format!("{labels},") };
    let mut below = 0;
    for (bound, count) in spread.bounds.iter().zip(&spread.counts) {
        below += count;
        writeln!(text, "{name}_bucket{{{separated}le=\"{bound:?}\"}} {below}")?;
    }
    writeln!(text, "{name}_bucket{{{separated}le=\"+Inf\"}} {}", spread.count())?;
    writeln!(text, "{name}_count{} {}", braced(labels), spread.count())?;
    writeln!(text, "{name}_sum{} {}", braced(labels), spread.sum)
}

fn labels(metric: &Metric, values: &[String]) -> String {
    let pairs: Vec<String> =
        metric.labels.iter().zip(values).map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
    pairs.join(",")
}

fn braced(labels: &str) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{labels}}}") }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use engine::observe::catalogue as all;
    use engine::observe::metric::Sample;

    use super::*;

    fn families() -> Vec<Family> {
        let mut spread = Spread::new(&[0.5, 1.0]);
        for size in [0.25, 0.75, 7.0] {
            spread.observe(size);
        }
        let sample = |labels: &[&str], value| Sample { labels: labels.iter().map(|it| (*it).to_owned()).collect(), value };
        vec![
            Family { metric: &all::EVENTS, samples: vec![sample(&["a\\\"\n", "admitted"], Value::Count(7))] },
            Family { metric: &all::ATTEMPT, samples: vec![sample(&["wms"], Value::Spread(spread))] },
            Family::levels(&all::JOURNAL, [(Vec::new(), 4_096)]),
            Family { metric: &all::RETRIES, samples: Vec::new() },
        ]
    }

    #[test]
    fn open_metrics_names_types_units_and_its_end() {
        let expected = "\
# TYPE crossdock_events counter
# HELP crossdock_events Events that were answered with 202: admitted, quarantined, or the duplicate of an earlier one.
crossdock_events_total{source=\"a\\\\\\\"\\n\",verdict=\"admitted\"} 7
# TYPE crossdock_attempt_duration_seconds histogram
# UNIT crossdock_attempt_duration_seconds seconds
# HELP crossdock_attempt_duration_seconds From the claim of an attempt to its answer.
crossdock_attempt_duration_seconds_bucket{destination=\"wms\",le=\"0.5\"} 1
crossdock_attempt_duration_seconds_bucket{destination=\"wms\",le=\"1.0\"} 2
crossdock_attempt_duration_seconds_bucket{destination=\"wms\",le=\"+Inf\"} 3
crossdock_attempt_duration_seconds_count{destination=\"wms\"} 3
crossdock_attempt_duration_seconds_sum{destination=\"wms\"} 8
# TYPE crossdock_journal_bytes gauge
# UNIT crossdock_journal_bytes bytes
# HELP crossdock_journal_bytes Bytes of the journal in use.
crossdock_journal_bytes 4096
# TYPE crossdock_retries counter
# HELP crossdock_retries Attempts that ended and were not the first of their delivery.
# EOF
";
        assert_eq!(write(&families(), Form::OpenMetrics), expected);
    }

    #[test]
    fn the_older_text_names_counters_as_their_samples() {
        let text = write(&families(), Form::Prometheus);
        assert!(text.contains("# TYPE crossdock_events_total counter\n"), "{text}");
        assert!(!text.contains("# UNIT") && !text.contains("# EOF"), "{text}");
    }

    #[test]
    fn the_scraper_chooses() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        for (accept, expected) in [
            ("", Form::Prometheus),
            ("*/*", Form::Prometheus),
            ("text/plain", Form::Prometheus),
            ("application/openmetrics-text", Form::OpenMetrics),
            ("text/plain;q=0.5, application/openmetrics-text; version=1.0.0", Form::OpenMetrics),
            ("text/plain, application/openmetrics-text;q=0.9", Form::Prometheus),
            ("application/openmetrics-text;q=0", Form::Prometheus),
            (prometheus, Form::OpenMetrics),
        ] {
            assert_eq!(Form::accepted(accept), expected, "{accept}");
        }
    }
}
