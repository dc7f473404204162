//! The section about switchbacks: means over blocks, differences over pairs of blocks, and the blocks.

use kerb_loadgen::plot::axes::time_of_day;
use maud::{Markup, html};

use crate::metrics::{MEASURES, Measure};
use crate::report::summary::{Significance, significance};
use crate::report::tables::p_value;
use crate::report::text;
use crate::report::view::ReportView;
use crate::stats::{BlockFigures, Switchback};
use kerb_loadgen::options::span;

/// Measures in the table of blocks.
const OF_BLOCKS: [&str; 2] = ["service_rate", "wait_mean_s"];

pub(super) fn section(view: &ReportView<'_>) -> Markup {
    html! {
        p.note { "One run alternates between two policies; their order is drawn for each pair of blocks. Requests after the "
            "burn-in of a block count. Differences are over pairs of neighboring blocks of all seeds. An effect of a policy "
            "that lasts longer than the burn-in makes the difference look smaller." }
        @for switchback in &view.comparison.switchbacks { (one(view, switchback)) }
    }
}

fn one(view: &ReportView<'_>, switchback: &Switchback) -> Markup {
    let schedule = &switchback.schedule;
    let [first, second] = schedule.names();
    html! {
        h3 { (second) " minus " (first) ", " (text::count(switchback.fleet, "driver", "drivers")) ", blocks of "
            (span(schedule.block_ms)) " without their first " (span(schedule.burn_in_ms)) }
        div.wide { table {
            thead { tr { th { "measure" } th.n { (first) } th.n { (second) } th.n { "difference" } th.n { "interval" }
                th.n { "p" } th.n { "pairs" } th {} } }
            tbody { @for measure in &MEASURES { (row(switchback, measure)) } }
        } }
        details {
            summary { "The blocks" }
            div.wide { table {
                thead { tr { th.n { "seed" } th { "from, " (view.clock()) } th { "policy" } th.n { "requests" }
                    @for measure in of_blocks() { th.n { (measure.label) } } } }
                tbody { @for run in &switchback.runs { @for block in &run.blocks { tr {
                    td.n { (run.seed) }
                    td { (time_of_day(block.block.from_ms + view.offset_ms())) }
                    td { (if block.block.policy == 0 { &first } else { &second }) }
                    td.n { (text::grouped(block.requests as f64, 0)) }
                    @for measure in of_blocks() { td.n { (figure(block, measure)) } }
                } } } }
            } }
        }
    }
}

fn row(switchback: &Switchback, measure: &Measure) -> Markup {
    let mean = |policy: usize| {
        let interval = switchback.means[policy].get(measure.name);
        interval.map_or_else(|| "–".to_owned(), |interval| text::figure(interval.mean, measure.unit))
    };
    let Some(difference) = switchback.differences.get(measure.name) else { return html! {} };
    let shows = significance(difference, measure.better);
    html! { tr {
        th scope="row" { (measure.label) }
        td.n { (mean(0)) }
        td.n { (mean(1)) }
        td.n { (text::change(difference.interval.mean, measure.unit)) }
        td.n { (text::span(&difference.interval, measure.unit).unwrap_or_else(|| "–".to_owned())) }
        td.n { (p_value(difference.p_value)) }
        td.n { (difference.interval.count) }
        td class=(shows.class()) { @if shows != Significance::Unclear { (shows.label()) } }
    } }
}

fn of_blocks() -> impl Iterator<Item = &'static Measure> {
    const { &MEASURES }.iter().filter(|measure| OF_BLOCKS.contains(&measure.name))
}

fn figure(block: &BlockFigures, measure: &Measure) -> String {
    let value = block.figures.get(measure.name);
    value.map_or_else(|| "–".to_owned(), |value| text::figure(*value, measure.unit))
}
