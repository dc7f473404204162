//! The distribution of waits: the share of requests with a pickup within a time, by policy.

use kerb_loadgen::plot::axes::{Axis, Frame};
use maud::{Markup, html};

use crate::metrics::wait_s;
use crate::report::view::{ArmView, ReportView};

/// Maximum points of a line.
const POINTS_MAX: usize = 240;

/// Plots the share over all requests, so that requests without a pickup are visible: the line ends below 100 %.
pub(super) fn plot(view: &ReportView<'_>) -> Markup {
    let waits: Vec<(&ArmView<'_>, Vec<f64>)> = view.arms.iter().map(|arm| (arm, sorted(arm))).collect();
    let longest_s = waits.iter().filter_map(|(_, waits)| waits.get(waits.len() * 99 / 100));
    let frame = Frame {
        title: "Picked up within".to_owned(),
        x: Axis::from_zero("seconds from the request to the pickup", longest_s.fold(1.0, |a, b| b.max(a))),
        y: Axis::share("of all requests"),
    };
    let lines = html! { @for (arm, waits) in &waits {
        polyline class=(arm.class()) stroke-dasharray=(arm.dashes()) points=(frame.points(line(arm, waits, frame.x.high()))) {
            title { (arm.label) }
        }
    } };
    html! { figure {
        (frame.draw(&lines))
        figcaption { "All seeds together. A line ends at the share of requests with a pickup; the others are censored. "
            "The axis ends at the 99th percentile of the waits." }
    } }
}

fn sorted(arm: &ArmView<'_>) -> Vec<f64> {
    let mut waits: Vec<f64> = arm.requests().filter_map(wait_s).collect();
    waits.sort_unstable_by(f64::total_cmp);
    waits
}

/// Returns the points of a line: seconds, and the share of requests with a pickup by then.
fn line(arm: &ArmView<'_>, waits: &[f64], high_s: f64) -> Vec<(f64, f64)> {
    let requests = arm.requests().count().max(1) as f64;
    let step = waits.len().div_ceil(POINTS_MAX).max(1);
    let within = waits.partition_point(|wait| *wait <= high_s);
    let inner = (0..within).step_by(step).map(|i| (waits[i], (i + 1) as f64 / requests));
    [(0.0, 0.0)].into_iter().chain(inner).chain([(high_s, within as f64 / requests)]).collect()
}
