//! The result of a replay, as text and as one JSON object.

use std::collections::BTreeMap;
use std::fmt;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Larger values are recorded as this: a minute in microseconds.
const VALUE_MAX: u64 = 60_000_000;

/// A histogram of measured values, precise to three digits.
#[derive(Clone, Debug)]
pub struct Values(Histogram<u64>);

impl Default for Values {
    fn default() -> Self {
        Self(Histogram::new_with_max(VALUE_MAX, 3).expect("the bounds are legal"))
    }
}

impl Values {
    /// Adds one value.
    pub fn add(&mut self, value: u64) {
        self.0.saturating_record(value);
    }

    /// Adds all values of another histogram.
    pub fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    /// Returns the percentiles.
    pub fn summary(&self) -> Percentiles {
        let at = |quantile| if self.0.is_empty() { 0 } else { self.0.value_at_quantile(quantile) };
        Percentiles {
            count: self.0.len(),
            p50: at(0.50),
            p90: at(0.90),
            p99: at(0.99),
            max: if self.0.is_empty() { 0 } else { self.0.max() },
        }
    }
}

/// Percentiles of values; all 0 without a value. The field that holds them names the unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// The number of values.
    pub count: u64,
    /// Half of the values are at most this.
    pub p50: u64,
    /// 90 % of the values are at most this.
    pub p90: u64,
    /// 99 % of the values are at most this.
    pub p99: u64,
    /// The largest value.
    pub max: u64,
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, p50, p90, p99, max } = self;
        write!(f, "p50 {p50}, p90 {p90}, p99 {p99}, max {max} (of {count})")
    }
}

/// The result of a replay.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReplayReport {
    /// Updates handed to streams.
    pub updates_sent: u64,
    /// Updates that servers acknowledged and did not drop.
    pub updates_applied: u64,
    /// Updates that did not become a position, by reason: `late` and `rate` as the servers count, `refused` by a
    /// rejection, `backpressure` not sent because the stream was full, `unacknowledged` sent without acknowledgement.
    pub updates_dropped: BTreeMap<&'static str, u64>,
    /// Searches that were answered.
    pub searches: u64,
    /// Searches that ended in an error, by code.
    pub searches_failed: BTreeMap<String, u64>,
    /// Answers that are wrong and not excused.
    pub wrong_answers: u64,
    /// What is wrong with them, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// The number of answers that lack shards.
    pub partial_answers: u64,
    /// Drivers in all answers.
    pub drivers_found: u64,
    /// 99th percentile of `search_us`, at the top for simple readers.
    pub search_p99_us: u64,
    /// Microseconds from query to answer.
    pub search_us: Percentiles,
    /// 99th percentile of `freshness_ms`, at the top for simple readers.
    pub freshness_p99_ms: u64,
    /// Milliseconds from sending an update until a search shows it or a newer one, of sampled updates.
    pub freshness_ms: Percentiles,
    /// Sampled updates that no search showed in time.
    pub freshness_timeouts: u64,
    /// Streams opened anew after they broke.
    pub reconnects: u64,
    /// Cabs that reported.
    pub cabs: u64,
    /// Time replayed, seconds of the file's time.
    pub simulated_s: f64,
    /// Real time it took, seconds.
    pub elapsed_s: f64,
    /// Whether a signal ended the run early.
    pub interrupted: bool,
    /// The seed of all random numbers.
    pub seed: u64,
    /// All settings of the run.
    pub settings: serde_json::Value,
}

impl fmt::Display for ReplayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.updates_sent as f64 / self.elapsed_s.max(0.001);
        let cut = if self.interrupted { ", interrupted" } else { "" };
        writeln!(
            f,
            "replayed {:.0} s of {} cabs in {:.1} s{cut}",
            self.simulated_s, self.cabs, self.elapsed_s
        )?;
        writeln!(f, "  updates sent        {} ({rate:.0}/s)", self.updates_sent)?;
        writeln!(f, "  updates applied     {}", self.updates_applied)?;
        writeln!(f, "  updates dropped     {}", counts(&self.updates_dropped))?;
        writeln!(f, "  reconnects          {}", self.reconnects)?;
        writeln!(f, "  searches            {} ({} drivers found)", self.searches, self.drivers_found)?;
        writeln!(f, "  searches failed     {}", counts(&self.searches_failed))?;
        writeln!(f, "  wrong answers       {}", self.wrong_answers)?;
        if !self.faults.is_empty() {
            writeln!(f, "    faults            {}", counts(&self.faults))?;
        }
        writeln!(f, "  partial answers     {}", self.partial_answers)?;
        writeln!(f, "  search, us          {}", self.search_us)?;
        writeln!(f, "  freshness, ms       {}", self.freshness_ms)?;
        writeln!(f, "  never seen fresh    {}", self.freshness_timeouts)?;
        write!(f, "  seed                {}", self.seed)
    }
}

/// Lists counts by name; "none" when all are 0.
pub fn counts<K: fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    let parts: Vec<_> = counts.iter().filter(|(_, n)| **n > 0).map(|(k, n)| format!("{k} {n}")).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}
