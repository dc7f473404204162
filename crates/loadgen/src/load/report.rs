//! The result of a load run, as text and JSON.

use std::fmt;

use kerb_proto::v1::ReportPositionsResponse;
use serde::Serialize;

use crate::report::Percentiles;

/// The result of a load run. A part that the options leave out is absent.
#[derive(Clone, Debug, Serialize)]
pub struct LoadReport {
    /// Results of drivers with a stream each.
    pub streams: Option<StreamReport>,
    /// Results of gateways that send batches.
    pub batches: Option<BatchReport>,
    /// Results of the searches.
    pub searches: Option<SearchReport>,
    /// Real time, seconds, without connecting.
    pub elapsed_s: f64,
    /// The seed of all random numbers.
    pub seed: u64,
    /// All settings of the run.
    pub settings: serde_json::Value,
}

/// Results of drivers with a stream each.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StreamReport {
    /// Streams that were opened.
    pub streams: u64,
    /// Time to open all of them, seconds.
    pub connected_in_s: f64,
    /// Updates handed to streams.
    pub sent: u64,
    /// Updates handed to streams, a second.
    pub sent_per_s: f64,
    /// Updates that the server acknowledged.
    pub acknowledged: u64,
    /// Acknowledged updates that were dropped as late.
    pub dropped_late: u64,
    /// Acknowledged updates that the rate limit dropped.
    pub dropped_rate: u64,
    /// Updates that the server rejected.
    pub refused: u64,
    /// Updates not sent because the stream was full.
    pub backpressure: u64,
    /// Times that the server asked a driver to report less often.
    pub slowed_down: u64,
    /// Streams that broke.
    pub broken: u64,
    /// The error of the first stream that broke.
    pub first_break: Option<String>,
    /// Microseconds from sending an update to its acknowledgement; one acknowledgement covers several updates.
    pub acknowledged_after_us: Percentiles,
}

/// Results of gateways that send batches.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BatchReport {
    /// Drivers in the batches.
    pub drivers: u64,
    /// Batches that were sent.
    pub batches: u64,
    /// Updates that the server received.
    pub received: u64,
    /// Updates that the server applied.
    pub applied: u64,
    /// Updates that the server applied, per second.
    pub applied_per_s: f64,
    /// Updates that the server dropped as late.
    pub dropped_late: u64,
    /// Updates that the rate limit dropped.
    pub dropped_rate: u64,
    /// Updates that the server rejected.
    pub refused: u64,
    /// The first error of the first rejected update.
    pub first_rejection: Option<String>,
    /// From the first batch to the server's last answer, seconds.
    pub elapsed_s: f64,
}

/// Results of the searches.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SearchReport {
    /// Searches with an answer.
    pub answered: u64,
    /// Searches with an answer, per second.
    pub answered_per_s: f64,
    /// Searches that ended in an error.
    pub failed: u64,
    /// The number of answers that lack shards.
    pub partial: u64,
    /// Drivers in all answers.
    pub drivers_found: u64,
    /// Microseconds from query to answer.
    pub latency_us: Percentiles,
}

impl BatchReport {
    /// Adds the counts of one stream.
    pub(super) fn add(&mut self, batches: u64, response: &ReportPositionsResponse) {
        self.batches += batches;
        self.received += response.received;
        self.applied += response.applied;
        self.dropped_late += response.dropped_late;
        self.dropped_rate += response.dropped_rate;
        self.refused += response.rejected;
        let errors = response.rejections.iter().flat_map(|r| &r.errors);
        let first = errors.map(|e| format!("{}: {}", e.field, e.description)).next();
        self.first_rejection = self.first_rejection.take().or(first);
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loaded for {:.1} s, seed {}", self.elapsed_s, self.seed)?;
        if let Some(s) = &self.streams {
            write!(f, "\nstreams  {} opened in {:.1} s", s.streams, s.connected_in_s)?;
            write!(f, "\n  sent           {} ({:.0}/s)", s.sent, s.sent_per_s)?;
            write!(f, "\n  acknowledged   {}", s.acknowledged)?;
            write!(f, "\n  dropped        late {}, rate {}", s.dropped_late, s.dropped_rate)?;
            write!(f, "\n  refused        {}", s.refused)?;
            write!(f, "\n  backpressure   {}", s.backpressure)?;
            write!(f, "\n  slowed down    {}", s.slowed_down)?;
            write!(f, "\n  broken         {} {}", s.broken, s.first_break.as_deref().unwrap_or_default())?;
            write!(f, "\n  ack after, us  {}", s.acknowledged_after_us)?;
        }
        if let Some(b) = &self.batches {
            write!(f, "\nbatches  {} of {} drivers in {:.1} s", b.batches, b.drivers, b.elapsed_s)?;
            write!(f, "\n  received       {}", b.received)?;
            write!(f, "\n  applied        {} ({:.0}/s)", b.applied, b.applied_per_s)?;
            write!(f, "\n  dropped        late {}, rate {}", b.dropped_late, b.dropped_rate)?;
            write!(
                f,
                "\n  refused        {} {}",
                b.refused,
                b.first_rejection.as_deref().unwrap_or_default()
            )?;
        }
        if let Some(s) = &self.searches {
            write!(f, "\nsearches {} ({:.0}/s)", s.answered, s.answered_per_s)?;
            write!(f, "\n  failed         {}", s.failed)?;
            write!(f, "\n  partial        {}", s.partial)?;
            write!(f, "\n  drivers found  {}", s.drivers_found)?;
            write!(f, "\n  latency, us    {}", s.latency_us)?;
        }
        Ok(())
    }
}
