//! The section that reproduces a comparison: the scenario, the seeds, and the commands.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::metrics::record::RunRecord;
use crate::report::view::ReportView;
use crate::scenario::switchback::Schedule;

pub(super) fn section(view: &ReportView<'_>) -> Markup {
    let runs = || view.arms.iter().flat_map(|arm| arm.runs.iter().copied());
    let texts: BTreeSet<&str> = runs().map(|run| run.scenario_toml.as_str()).collect();
    html! {
        h2 { "Reproduce" }
        p { "Save the scenario below as " code { "scenario.toml" } "; its data files must be at their paths." }
        pre { (commands(view)) }
        details {
            summary { "The scenario" @if texts.len() > 1 { ", in " (texts.len()) " versions" } }
            @for text in texts { pre { (text) } }
        }
        details {
            summary { "All runs, with the run hash" }
            div.wide { table {
                thead { tr { th { "policy" } th.n { "drivers" } th.n { "seed" } th { "hash" } th {} } }
                tbody { @for run in runs() { (row(run)) } }
            } }
        }
    }
}

fn row(run: &RunRecord) -> Markup {
    html! { tr {
        td { (run.policy) } td.n { (run.drivers.len()) } td.n { (run.seed) } td { code { (run.run_hash) } }
        td { @if run.stopped { span.worse { "stopped" } } }
    } }
}

/// Returns a command for the runs with one policy each, and one for each schedule of switchbacks.
fn commands(view: &ReportView<'_>) -> String {
    let mut policies: Vec<&str> = Vec::new();
    let mut schedules: Vec<&Schedule> = Vec::new();
    for run in view.arms.iter().flat_map(|arm| &arm.runs) {
        match &run.switchback {
            Some(schedule) if !schedules.contains(&schedule) => schedules.push(schedule),
            None if !policies.contains(&run.policy.as_str()) => policies.push(&run.policy),
            _ => {}
        }
    }
    let mut commands = Vec::new();
    if !policies.is_empty() {
        commands.push(command(view, &format!("--policies {}", policies.join(",")), None));
    }
    for schedule in schedules {
        commands.push(command(view, &schedule.flags().join(" "), Some(schedule)));
    }
    commands.join("\n")
}

fn command(view: &ReportView<'_>, flags: &str, switchback: Option<&Schedule>) -> String {
    let runs = || {
        let all = view.arms.iter().flat_map(|arm| arm.runs.iter().map(move |run| (arm.fleet, *run)));
        all.filter(|(_, run)| run.switchback.as_ref() == switchback)
    };
    let fleets: BTreeSet<usize> = runs().map(|(fleet, _)| fleet).collect();
    let seeds: BTreeSet<u64> = runs().map(|(_, run)| run.seed).collect();
    let mut command = format!("simulator compare scenario.toml {flags} --seeds {}", format_seeds(&seeds));
    if fleets.len() > 1 {
        let fleets: Vec<String> = fleets.iter().map(usize::to_string).collect();
        command.push_str(" --fleet ");
        command.push_str(&fleets.join(","));
    }
    command
}

/// Formats consecutive seeds as a range like `1..5`, others as a list.
fn format_seeds(seeds: &BTreeSet<u64>) -> String {
    match (seeds.first(), seeds.last()) {
        (Some(first), Some(last)) if seeds.len() > 1 && last - first == seeds.len() as u64 - 1 => {
            format!("{first}..{last}")
        }
        _ => seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(","),
    }
}
