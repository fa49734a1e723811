//! What a metric is and what it says at a moment. The text of the metrics page and what a collector gets are both written
//! from these values, so that there is one truth. No format is known here.

/// A metric: one family of numbers under one name.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, with the unit last; counters get `_total` where a format asks for it.
    pub name: &'static str,
    /// How its numbers behave.
    pub kind: Kind,
    /// What its numbers count.
    pub unit: Unit,
    /// What it says, in a sentence without its full stop.
    pub help: &'static str,
    /// What tells its numbers apart. Their values are names of the project or words of the product, so that their number
    /// stays bounded by the project's size.
    pub labels: &'static [&'static str],
}

/// How the numbers of a metric behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rises from the start of the process on.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations by size, from the start of the process on.
    Histogram,
}

impl Kind {
    /// The word for it, in every format.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What the numbers of a metric count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    One,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

/// A metric with its numbers at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Which metric.
    pub metric: &'static Metric,
    /// Its numbers, by label values; no two with the same ones.
    pub samples: Vec<Sample>,
}

/// One number of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The values of the metric's labels, in their order.
    pub labels: Vec<String>,
    /// The number.
    pub value: Value,
}

/// A number, as its metric's kind has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a counter.
    Count(u64),
    /// Of a gauge.
    Level(f64),
    /// Of a histogram.
    Spread(Spread),
}

/// Observations by size.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Upper bounds, rising; an observation belongs to the first that is not below it.
    pub bounds: &'static [f64],
    /// Observations by bound, and last those above all bounds.
    pub counts: Vec<u64>,
    /// The sum of all observations.
    pub sum: f64,
}

impl Spread {
    /// Without observations.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// Takes an observation into account.
    pub fn observe(&mut self, size: f64) {
        let place = self.bounds.partition_point(|bound| *bound < size);
        self.counts[place] += 1;
        self.sum += size;
    }

    /// How many observations there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Family {
    /// A family of one number without labels.
    pub fn single(metric: &'static Metric, value: Value) -> Self {
        Self { metric, samples: vec![Sample { labels: Vec::new(), value }] }
    }

    /// A family of gauges.
    #[expect(clippy::cast_precision_loss, reason = "above 2^53 the last digits of a level tell nobody anything")]
    pub fn levels(metric: &'static Metric, levels: impl IntoIterator<Item = (Vec<String>, u64)>) -> Self {
        let sample = |(labels, level)| Sample { labels, value: Value::Level(level as f64) };
        Self { metric, samples: levels.into_iter().map(sample).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_belongs_to_the_first_bound_that_is_not_below_it() {
        let mut spread = Spread::new(&[0.5, 1.0]);
        for size in [0.0, 0.5, 0.6, 1.0, 1.1, 99.0] {
            spread.observe(size);
        }
        assert_eq!((spread.counts.as_slice(), spread.count()), ([2, 2, 2].as_slice(), 6));
        assert!((spread.sum - 102.2).abs() < 1e-9);
    }
}
