//! The tables: measures by policy, differences, definitions, and the service's latencies.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::metrics::record::Latency;
use crate::metrics::{MEASURES, Unit};
use crate::report::summary::{Significance, significance};
use crate::report::text;
use crate::report::view::ReportView;
use crate::stats::Interval;

/// Returns the table of means over seeds with intervals.
pub(super) fn means(view: &ReportView<'_>) -> Markup {
    let level = view.comparison.level * 100.0;
    html! {
        p.note { "Means over seeds, with their " (level) " % confidence intervals (Student's t). A single seed has no interval." }
        div.wide { table {
            thead { tr {
                th { "measure" }
                @for arm in &view.comparison.arms {
                    th.n { (arm.policy) small { br; (text::count(arm.fleet, "driver", "drivers")) br;
                        (text::count(arm.seeds.len(), "seed", "seeds")) } }
                }
            } }
            tbody { @for measure in &MEASURES { tr {
                th scope="row" { (measure.label) }
                @for arm in &view.comparison.arms {
                    td.n { (mean(arm.means.get(measure.name), measure.unit)) }
                }
            } } }
        } }
    }
}

fn mean(interval: Option<&Interval>, unit: Unit) -> Markup {
    html! {
        @match interval {
            Some(interval) => {
                (text::figure(interval.mean, unit))
                @if let Some(span) = text::span(interval, unit) { small { (span) } }
            },
            None => "–",
        }
    }
}

/// Returns the tables of differences: each policy minus the base with as many drivers.
pub(super) fn differences(view: &ReportView<'_>) -> Markup {
    html! {
        p.note { "Policy minus base, paired by seed: both had the same riders and drivers. Among "
            (MEASURES.len()) " measures, about one interval in twenty excludes 0 by chance alone, so a marginal one is no "
            "finding." }
        @for versus in &view.comparison.versus {
            h3 { (versus.policy) " minus " (versus.base) ", " (text::count(versus.fleet, "driver", "drivers")) }
            div.wide { table {
                thead { tr { th { "measure" } th.n { "difference" } th.n { "interval" } th.n { "p" } th.n { "pairs" } th {} } }
                tbody { @for measure in &MEASURES {
                    @if let Some(difference) = versus.differences.get(measure.name) {
                        @let shows = significance(difference, measure.better);
                        tr {
                            th scope="row" { (measure.label) }
                            td.n { (text::change(difference.interval.mean, measure.unit)) }
                            td.n { (text::span(&difference.interval, measure.unit).unwrap_or_else(|| "–".to_owned())) }
                            td.n { (p_value(difference.p_value)) }
                            td.n { (difference.interval.count) }
                            td class=(shows.class()) { @if shows != Significance::Unclear { (shows.label()) } }
                        }
                    }
                } }
            } }
        }
    }
}

pub(super) fn p_value(p: Option<f64>) -> String {
    match p {
        None => "–".to_owned(),
        Some(p) if p < 0.001 => "< 0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
    }
}

/// Returns the definitions of all measures.
pub(super) fn definitions() -> Markup {
    html! { dl { @for measure in &MEASURES {
        dt { (measure.label) }
        dd { (measure.meaning) "." }
    } } }
}

/// Returns the table of latencies by policy and kind. Percentiles of several runs cannot be merged, so the table has those
/// of the slowest run.
pub(super) fn latencies(view: &ReportView<'_>) -> Markup {
    let rows: Vec<(&str, Latency)> = view
        .arms
        .iter()
        .flat_map(|arm| slowest(arm).into_values().map(|l| (arm.label.as_str(), l)))
        .collect();
    let updates: u64 = view.arms.iter().flat_map(|arm| &arm.runs).map(|run| run.system.updates).sum();
    let failed: u64 = view.arms.iter().flat_map(|arm| &arm.runs).map(|run| run.system.updates_failed).sum();
    html! {
        p { (text::grouped(updates as f64, 0)) " position updates were sent in all runs, "
            (text::grouped(failed as f64, 0)) " of them failed." }
        @if rows.is_empty() {
            p.note { "The runs measured no latencies." }
        } @else {
            p.note { "Milliseconds from a message to its answer, on the machine of the runs. Counts are of all runs of a "
                "policy; each percentile is that of its slowest run." }
            div.wide { table {
                thead { tr { th { "policy" } th { "of" } th.n { "count" } th.n { "p50" } th.n { "p90" }
                    th.n { "p99" } th.n { "max" } } }
                tbody { @for (label, latency) in &rows { tr {
                    td { (label) } td { (latency.name) }
                    td.n { (text::grouped(latency.count as f64, 0)) }
                    @for us in [latency.p50_us, latency.p90_us, latency.p99_us, latency.max_us] {
                        td.n { (text::grouped(us as f64 / 1_000.0, 2)) }
                    }
                } } }
            } }
        }
    }
}

fn slowest<'a>(arm: &'a crate::report::view::ArmView<'_>) -> BTreeMap<&'a str, Latency> {
    let mut kinds: BTreeMap<&str, Latency> = BTreeMap::new();
    for latency in arm.runs.iter().flat_map(|run| &run.system.latencies) {
        kinds
            .entry(&latency.name)
            .and_modify(|kind| {
                kind.count += latency.count;
                kind.p50_us = kind.p50_us.max(latency.p50_us);
                kind.p90_us = kind.p90_us.max(latency.p90_us);
                kind.p99_us = kind.p99_us.max(latency.p99_us);
                kind.max_us = kind.max_us.max(latency.max_us);
            })
            .or_insert_with(|| latency.clone());
    }
    kinds
}
