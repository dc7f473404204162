//! The activities of drivers over time: stacked areas, one plot per policy.

use std::collections::BTreeMap;

use kerb_loadgen::plot::axes::{Axis, Frame};
use maud::{Markup, html};

use crate::metrics::record::Activity;
use crate::report::view::{ArmView, ReportView};

/// Maximum points of an area's edge.
const POINTS_MAX: usize = 240;
const KINDS: usize = Activity::ALL.len();

/// A time, and the mean number of drivers in each activity over seeds.
type Moment = (i64, [f64; KINDS]);

pub(super) fn section(view: &ReportView<'_>) -> Markup {
    html! {
        div.legend { @for (kind, activity) in Activity::ALL.into_iter().enumerate().rev() {
            span {
                svg viewBox="0 0 36 12" aria-hidden="true" { rect class={ "area a" (kind) } width="36" height="12" {} }
                (name(activity))
            }
        } }
        div.plots { @for arm in &view.arms { figure { (areas(view, arm)) } } }
        p.note { "Means over seeds at each sample." }
    }
}

fn areas(view: &ReportView<'_>, arm: &ArmView<'_>) -> Markup {
    let moments = moments(arm);
    if moments.is_empty() {
        return html! { p.note { (arm.label) ": no samples of the fleet." } };
    }
    let frame = Frame {
        title: arm.label.clone(),
        x: Axis::clock(view.clock(), view.window_ms(), view.offset_ms()),
        y: Axis::from_zero("drivers", arm.fleet as f64),
    };
    // The sum of the drivers in this activity and in those below it. The first activity, off shift, is on top.
    let up_to = |moment: &Moment, kind: usize| (moment.0 as f64, moment.1[kind..].iter().sum::<f64>());
    let area = |kind: usize| {
        let top = moments.iter().map(|moment| up_to(moment, kind));
        let below = moments.iter().rev().map(|moment| up_to(moment, kind + 1));
        frame.points(top.chain(below))
    };
    frame.draw(&html! { @for (kind, activity) in Activity::ALL.into_iter().enumerate() {
        polygon class={ "area a" (kind) } points=(area(kind)) { title { (name(activity)) } }
    } })
}

fn moments(arm: &ArmView<'_>) -> Vec<Moment> {
    let mut sums: BTreeMap<i64, ([f64; KINDS], f64)> = BTreeMap::new();
    for sample in arm.runs.iter().flat_map(|run| &run.samples) {
        let (drivers, count) = sums.entry(sample.at_ms).or_default();
        drivers.iter_mut().zip(sample.drivers).for_each(|(sum, drivers)| *sum += f64::from(drivers));
        *count += 1.0;
    }
    let step = sums.len().div_ceil(POINTS_MAX).max(1);
    let means = sums.into_iter().map(|(at_ms, (drivers, count))| (at_ms, drivers.map(|sum| sum / count)));
    means.step_by(step).collect()
}

fn name(activity: Activity) -> &'static str {
    match activity {
        Activity::OffShift => "off shift",
        Activity::Idle => "idle",
        Activity::Repositioning => "repositioning",
        Activity::Break => "on a break",
        Activity::ToPickup => "to the pickup",
        Activity::Boarding => "boarding",
        Activity::OnTrip => "with a rider",
    }
}
