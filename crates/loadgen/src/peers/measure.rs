//! The input and the result of a measurement.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::process::Process;
use crate::report::Values;

/// How a measurement sends updates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) connections: u32,
    /// Updates in flight on a connection, or in one of its batches.
    pub(super) in_flight: u32,
    /// Updates per second of all connections; `None` sends as fast as the server accepts.
    pub(super) per_s: Option<u32>,
    /// Maximum duration, counted from when the connections are open.
    pub(super) span: Option<Duration>,
}

/// Signals between the updates and the searches of a measurement.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Cancelled when connections are open and drivers known: updates begin.
    pub(super) opened: CancellationToken,
    /// Cancelled when updates must end.
    pub(super) over: CancellationToken,
}

/// The result of sending updates.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UpdateMeasurement {
    pub(super) applied: u64,
    pub(super) took: Took,
}

/// The time that some work took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Took {
    /// Real time from the first query to the last one's effect.
    pub(super) elapsed: Duration,
    /// Processor time of the server, microseconds.
    pub(super) cpu_us: f64,
}

/// The result of searches.
#[derive(Debug, Default)]
pub(super) struct SearchMeasurement {
    pub(super) answered: u64,
    pub(super) drivers: u64,
    pub(super) took: Took,
    pub(super) latency_us: Values,
}

/// The figures of one measurement. A figure that was not measured is absent.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Figures {
    /// Updates or searches per second.
    pub(super) per_s: f64,
    /// Processor time of the server per update or search, microseconds.
    pub(super) server_cpu_us: Option<f64>,
    pub(super) p50_us: Option<f64>,
    pub(super) p99_us: Option<f64>,
    /// Updates per second that the server accepted during the searches.
    pub(super) concurrent_updates_per_s: Option<f64>,
    /// Mean number of drivers in an answer.
    pub(super) drivers: Option<f64>,
}

/// Runs `work`, which ends soon after `over`. The end of `span` cancels `over`.
pub(super) async fn timed<T>(
    process: &Process,
    span: Option<Duration>,
    over: &CancellationToken,
    work: impl Future<Output = Result<T, String>>,
) -> Result<(T, Took), String> {
    let timer = async {
        if let Some(span) = span {
            sleep(span).await;
            over.cancel();
        }
    };
    let (began, before_s) = (Instant::now(), process.cpu_s()?);
    let worked = async {
        let done = work.await;
        (done, began.elapsed())
    };
    let ((), (done, elapsed)) = tokio::join!(timer, worked);
    Ok((done?, Took { elapsed, cpu_us: (process.cpu_s()? - before_s) * 1e6 }))
}

impl UpdateMeasurement {
    pub(super) fn per_s(&self) -> f64 {
        self.applied as f64 / self.took.elapsed.as_secs_f64().max(1e-9)
    }

    pub(super) fn figures(&self) -> Figures {
        let server_cpu_us = Some(self.took.cpu_us / self.applied.max(1) as f64);
        Figures { per_s: self.per_s(), server_cpu_us, ..Figures::default() }
    }
}

impl SearchMeasurement {
    pub(super) fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.drivers += other.drivers;
        self.latency_us.merge(&other.latency_us);
    }

    pub(super) fn figures(&self) -> Figures {
        let answered = self.answered.max(1) as f64;
        let latency = self.latency_us.summary();
        Figures {
            per_s: self.answered as f64 / self.took.elapsed.as_secs_f64().max(1e-9),
            server_cpu_us: Some(self.took.cpu_us / answered),
            p50_us: Some(latency.p50 as f64),
            p99_us: Some(latency.p99 as f64),
            concurrent_updates_per_s: None,
            drivers: Some(self.drivers as f64 / answered),
        }
    }
}

impl Figures {
    /// Takes the median of each figure, the upper one of two.
    pub(super) fn median(all: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> Option<f64>| {
            let mut values: Vec<f64> = all.iter().filter_map(figure).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied()
        };
        Self {
            per_s: of(|f| Some(f.per_s)).unwrap_or_default(),
            server_cpu_us: of(|f| f.server_cpu_us),
            p50_us: of(|f| f.p50_us),
            p99_us: of(|f| f.p99_us),
            concurrent_updates_per_s: of(|f| f.concurrent_updates_per_s),
            drivers: of(|f| f.drivers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_of_each_figure_by_itself() {
        let figures = |per_s, p99_us| Figures { per_s, p99_us, ..Figures::default() };
        let all = [figures(3.0, Some(1.0)), figures(1.0, None), figures(2.0, Some(9.0))];
        let median = Figures::median(&all);
        assert_eq!((median.per_s, median.p99_us, median.p50_us), (2.0, Some(9.0), None));
    }
}
