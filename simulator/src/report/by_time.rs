//! Service rate and mean wait by the time of the request.

use std::collections::BTreeMap;

use kerb_loadgen::plot::axes::{Axis, Frame, time_of_day};
use kerb_loadgen::plot::px;
use maud::{Markup, html};

use crate::metrics::record::{RequestOutcome, RequestRecord};
use crate::metrics::wait_s;
use crate::report::view::{ArmView, ReportView};

const QUARTER_MS: i64 = 15 * 60_000;
const HOUR_MS: i64 = 60 * 60_000;
/// Maximum length of a run that is plotted by quarters of an hour. A longer run is plotted by hours.
const QUARTERS_UP_TO_MS: i64 = 6 * HOUR_MS;

/// Plots the share of served requests among those that ended, by slot.
pub(super) fn service(view: &ReportView<'_>) -> Markup {
    let served = |request: &RequestRecord| match request.outcome {
        RequestOutcome::Served => Some(1.0),
        RequestOutcome::Open => None,
        _ => Some(0.0),
    };
    let slots = Slots::of(view, served);
    slots.plot(view, "Service rate", Axis::share("of requests that ended"), &|share| {
        format!("{:.1} %", share * 100.0)
    })
}

/// Plots the mean wait of the requests with a pickup, by slot.
pub(super) fn waits(view: &ReportView<'_>) -> Markup {
    let slots = Slots::of(view, wait_s);
    let high = slots.lines.iter().flatten().map(|(_, mean)| *mean).fold(1.0, f64::max);
    slots.plot(view, "Mean wait", Axis::from_zero("seconds", high), &|mean| format!("{mean:.1} s"))
}

/// Means by slot of time, for each arm.
struct Slots {
    wide_ms: i64,
    /// For each arm: number of the slot on the city's clock, and the mean.
    lines: Vec<Vec<(i64, f64)>>,
}

impl Slots {
    fn of(view: &ReportView<'_>, value: impl Fn(&RequestRecord) -> Option<f64>) -> Self {
        let (from_ms, to_ms) = view.window_ms();
        let wide_ms = if to_ms - from_ms <= QUARTERS_UP_TO_MS { QUARTER_MS } else { HOUR_MS };
        let line = |arm: &ArmView<'_>| {
            let mut sums: BTreeMap<i64, (f64, u32)> = BTreeMap::new();
            for request in arm.requests() {
                if let Some(value) = value(request) {
                    let slot = (request.requested_ms + view.offset_ms()).div_euclid(wide_ms);
                    let (sum, count) = sums.entry(slot).or_default();
                    *sum += value;
                    *count += 1;
                }
            }
            sums.into_iter().map(|(slot, (sum, count))| (slot, sum / f64::from(count))).collect()
        };
        Self { wide_ms, lines: view.arms.iter().map(line).collect() }
    }

    fn plot(&self, view: &ReportView<'_>, title: &str, y: Axis, written: &dyn Fn(f64) -> String) -> Markup {
        let x = Axis::clock(view.clock(), view.window_ms(), view.offset_ms());
        let frame = Frame { title: title.to_owned(), x, y };
        let middle = |slot: i64| (slot * self.wide_ms + self.wide_ms / 2 - view.offset_ms()) as f64;
        let lines = html! { @for (arm, line) in view.arms.iter().zip(&self.lines) {
            @for run in line.chunk_by(|a, b| a.0 + 1 == b.0) {
                polyline class=(arm.class()) stroke-dasharray=(arm.dashes())
                    points=(frame.points(run.iter().map(|(slot, mean)| (middle(*slot), *mean)))) {}
            }
            @for (slot, mean) in line {
                @let (x, y) = frame.at((middle(*slot), *mean));
                circle class=(arm.dot_class()) cx=(px(x)) cy=(px(y)) r="2.5" {
                    title { (arm.label) ", from " (time_of_day(slot * self.wide_ms)) ": " (written(*mean)) }
                }
            }
        } };
        html! { figure {
            (frame.draw(&lines))
            figcaption { "By the " (self.wide_ms / 60_000) " minutes of the request; all seeds together." }
        } }
    }
}
