//! What one measurement asks for and gives.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::process::Process;
use crate::report::Values;

/// How updates come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) connections: u32,
    /// On a connection, or in one of its batches.
    pub(super) in_flight: u32,
    /// Of all connections; `None`: as fast as they are taken.
    pub(super) per_s: Option<u32>,
    /// For so long at most, counted from when the connections are open.
    pub(super) span: Option<Duration>,
}

/// What work and its surroundings tell each other.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Connections are open and drivers known: updates begin.
    pub(super) opened: CancellationToken,
    /// Updates end.
    pub(super) over: CancellationToken,
}

/// What updates came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Updated {
    pub(super) applied: u64,
    pub(super) took: Took,
}

/// What some work took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Took {
    /// From the first query to the last one's effect.
    pub(super) elapsed: Duration,
    /// Processor time of the server, microseconds.
    pub(super) cpu_us: f64,
}

/// What searches came to.
#[derive(Debug, Default)]
pub(super) struct Searched {
    pub(super) answered: u64,
    pub(super) drivers: u64,
    pub(super) took: Took,
    pub(super) latency_us: Values,
}

/// One measurement; what was not looked at is absent.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Figures {
    /// Updates or searches a second.
    pub(super) per_s: f64,
    /// Processor time of the server for one of them, microseconds.
    pub(super) server_cpu_us: Option<f64>,
    pub(super) p50_us: Option<f64>,
    pub(super) p99_us: Option<f64>,
    /// Updates a second that were taken beside.
    pub(super) beside_per_s: Option<f64>,
    /// Drivers in an answer, in the mean.
    pub(super) drivers: Option<f64>,
}

/// Runs `work`, which ends soon after `over`; `over` comes after the span if there is one.
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

impl Updated {
    pub(super) fn per_s(&self) -> f64 {
        self.applied as f64 / self.took.elapsed.as_secs_f64().max(1e-9)
    }

    pub(super) fn figures(&self) -> Figures {
        let server_cpu_us = Some(self.took.cpu_us / self.applied.max(1) as f64);
        Figures { per_s: self.per_s(), server_cpu_us, ..Figures::default() }
    }
}

impl Searched {
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
            beside_per_s: None,
            drivers: Some(self.drivers as f64 / answered),
        }
    }
}

impl Figures {
    /// Figure by figure the median, the upper one of the two in the middle.
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
            beside_per_s: of(|f| f.beside_per_s),
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
