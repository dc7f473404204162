//! The HTML report of a comparison: figures with intervals, plots, maps, and the commands that reproduce it.
//!
//! The page is self-contained: it loads no script, font or picture.

mod anchor;
mod by_time;
mod fleet;
mod map;
mod reproduce;
mod summary;
mod switchback;
mod tables;
mod text;
mod view;
mod waits;

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use anchor::Anchor;

use crate::compare::Comparison;
use crate::metrics::record::RunRecord;
use view::ReportView;

const STYLE: &str = include_str!("report/style.css");

/// Maximum faults that the page lists. It counts the others.
const FAULTS_SHOWN: usize = 100;

/// Returns the page of a comparison and its runs, with the comparison with published figures if given.
pub fn page(comparison: &Comparison, records: &[RunRecord], anchor: Option<&Anchor>) -> String {
    let view = ReportView::of(comparison, records);
    let title = format!("{}: policies compared", comparison.scenario);
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main {
                h1 { (title) }
                p.summary { (summary::of(&view)) }
                (faults(records))
                (incomplete(comparison))
                @if !records.is_empty() { (body(&view)) }
                @if let Some(anchor) = anchor { (anchor::section(anchor)) }
                h2 { "Definitions" }
                (tables::definitions())
                @if !records.is_empty() { (reproduce::section(&view)) }
            } }
        }
    };
    whole.into_string()
}

fn body(view: &ReportView<'_>) -> Markup {
    html! {
        h2 { "Figures by policy" }
        (tables::means(view))
        @if !view.comparison.versus.is_empty() {
            h2 { "Differences" }
            (tables::differences(view))
        }
        @if !view.comparison.switchbacks.is_empty() {
            h2 { "Switchbacks" }
            (switchback::section(view))
        }
        h2 { "Waits and service" }
        (view.legend())
        div.plots {
            (waits::plot(view))
            (by_time::service(view))
            (by_time::waits(view))
        }
        h2 { "Where" }
        (map::section(view))
        h2 { "What drivers do" }
        (fleet::section(view))
        h2 { "How long the service takes" }
        (tables::latencies(view))
    }
}

/// Warns about faults: the figures of a run with faults are not valid.
fn faults(records: &[RunRecord]) -> Markup {
    let all = || records.iter().flat_map(|run| run.system.faults.iter().map(move |fault| (run, fault)));
    let count = all().count();
    html! {
        @if count > 0 {
            div.alarm role="alert" {
                strong { (text::count(count, "fault", "faults")) " found by the checkers. Do not trust the figures below." }
                ul { @for (run, fault) in all().take(FAULTS_SHOWN) {
                    li { (run.policy) ", " (run.drivers.len()) " drivers, seed " (run.seed) ": " (fault) }
                } }
                @if count > FAULTS_SHOWN { p { "And " (count - FAULTS_SHOWN) " more." } }
            }
        }
    }
}

fn incomplete(comparison: &Comparison) -> Markup {
    let Comparison { stopped, missing, .. } = comparison;
    html! {
        @if *stopped > 0 || *missing > 0 {
            div.alarm {
                @if *stopped > 0 {
                    p { strong { (text::count(*stopped, "run was", "runs were")) " stopped before the end." }
                        " Their figures cover a shorter time; a difference between a complete and a stopped run means little." }
                }
                @if *missing > 0 {
                    p { strong { (text::count(*missing, "run is", "runs are")) " missing" } " of those that were planned." }
                }
            }
        }
    }
}
