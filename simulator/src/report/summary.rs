//! The summary at the top of the page, generated from the figures.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::compare::{Arm, PolicyComparison};
use crate::metrics::record::RequestOutcome;
use crate::metrics::{Better, MEASURES, Measure};
use crate::report::text;
use crate::report::view::{ArmView, ReportView};
use crate::stats::{Difference, Switchback};
use kerb_loadgen::options::span;

/// Returns the summary as plain text. The caller escapes it.
pub(super) fn of(view: &ReportView<'_>) -> String {
    if view.arms.is_empty() {
        return "There are no runs, so there is no comparison.".to_owned();
    }
    let mut out = opening(view);
    for arm in &view.arms {
        out.push(' ');
        out.push_str(&outcome(view, arm));
        let mut versus = view.comparison.versus.iter();
        if let Some(versus) = versus.find(|v| v.fleet == arm.fleet && v.policy == arm.policy) {
            out.push(' ');
            out.push_str(&compared(versus, view.comparison.level));
        }
    }
    for switchback in &view.comparison.switchbacks {
        out.push(' ');
        out.push_str(&switched(switchback, view.comparison.level));
    }
    out
}

fn opening(view: &ReportView<'_>) -> String {
    let arms = &view.arms;
    let runs: usize = arms.iter().map(|arm| arm.runs.len()).sum();
    let names: Vec<String> = arms.iter().map(|arm| arm.label.clone()).collect();
    let hours = {
        let (from_ms, to_ms) = view.window_ms();
        text::grouped((to_ms - from_ms) as f64 / 3.6e6, 1)
    };
    let who = if arms.len() == 1 {
        format!("{} was run", names[0])
    } else {
        format!("{} were compared", names.join(" / "))
    };
    let fleet = if arms.iter().all(|arm| arm.fleet == arms[0].fleet) {
        format!(" with {}", text::count(arms[0].fleet, "driver", "drivers"))
    } else {
        String::new()
    };
    let scenario = &view.comparison.scenario;
    format!("On {scenario}, {hours} hours, {who}{fleet} in {}.", text::count(runs, "run", "runs"))
}

fn outcome(view: &ReportView<'_>, arm: &ArmView<'_>) -> String {
    let of = |name: &str| mean(view.comparison.arms.iter().find(|a| is_of(a, arm))?, name);
    let served = arm.requests().filter(|request| request.outcome == RequestOutcome::Served).count();
    let mut out = format!(
        "{} served {} of {} requests",
        arm.label,
        text::grouped(served as f64, 0),
        text::grouped(arm.requests().count() as f64, 0)
    );
    if let Some(rate) = of("service_rate") {
        _ = write!(out, " ({rate} of those that ended)");
    }
    match of("wait_mean_s") {
        Some(wait) => _ = write!(out, "; riders with a pickup waited {wait} on average."),
        None => out.push_str("; no rider was picked up."),
    }
    out
}

fn is_of(arm: &Arm, view: &ArmView<'_>) -> bool {
    arm.policy == view.policy && arm.fleet == view.fleet
}

fn mean(arm: &Arm, name: &str) -> Option<String> {
    Some(text::figure(arm.means.get(name)?.mean, measure(name)?.unit))
}

fn measure(name: &str) -> Option<&'static Measure> {
    const { &MEASURES }.iter().find(|measure| measure.name == name)
}

fn compared(versus: &PolicyComparison, level: f64) -> String {
    match changes(&versus.differences, level, "pair of runs") {
        Some(changes) => format!("Compared with {} on the same seeds, it changes {changes}.", versus.base),
        None => format!("It has no seed in common with {}.", versus.base),
    }
}

fn switched(switchback: &Switchback, level: f64) -> String {
    let [first, second] = switchback.schedule.names();
    let (block, fleet) = (span(switchback.schedule.block_ms), switchback.fleet);
    let turns = format!("In alternating blocks of {block} with {fleet} drivers");
    match changes(&switchback.differences, level, "pair of blocks") {
        Some(changes) => format!("{turns}, {second} instead of {first} changes {changes}."),
        None => format!("{turns}, no pair of blocks has figures of both {first} and {second}."),
    }
}

/// Describes the differences in the two main measures.
fn changes(differences: &BTreeMap<&'static str, Difference>, level: f64, pair: &str) -> Option<String> {
    let part = |name: &str, what: &str| {
        let (difference, measure) = (differences.get(name)?, measure(name)?);
        Some(format!("{what} by {}", change(difference, measure, level, pair)))
    };
    let parts = [part("wait_mean_s", "the mean wait"), part("service_rate", "the service rate")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", and "))
}

/// Describes a difference with its interval and its significance.
fn change(difference: &Difference, measure: &Measure, level: f64, pair: &str) -> String {
    let written = text::change(difference.interval.mean, measure.unit);
    let Some(span) = text::span(&difference.interval, measure.unit) else {
        return format!("{written} (one {pair}, so without an interval)");
    };
    let level = level * 100.0;
    format!("{written} ({level:.0} % interval {span}: {})", significance(difference, measure.better).label())
}

/// The significance of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Significance {
    Better,
    Worse,
    /// Significantly different, and neither direction is better.
    Differs,
    /// The interval contains 0, or there is none.
    Unclear,
}

impl Significance {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Differs => "differs",
            Self::Unclear => "no difference shown",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Differs | Self::Unclear => "",
        }
    }
}

pub(super) fn significance(difference: &Difference, better: Better) -> Significance {
    let is_more = difference.interval.mean > 0.0;
    match better {
        _ if !difference.interval.excludes_zero() => Significance::Unclear,
        Better::Neither => Significance::Differs,
        Better::Higher if is_more => Significance::Better,
        Better::Lower if !is_more => Significance::Better,
        Better::Higher | Better::Lower => Significance::Worse,
    }
}
