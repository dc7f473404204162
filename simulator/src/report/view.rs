//! The view of the runs: arms with labels and colors, and the city's clock.

use maud::{Markup, html};

use crate::compare::{Comparison, arms};
use crate::metrics::record::{RequestRecord, RunRecord};
use crate::scenario::Scenario;

/// Number of colors. Further arms repeat them with dashes.
const COLORS: usize = 8;
const DASHES: [&str; 4] = ["none", "7 4", "2 3", "10 3 2 3"];

pub(super) struct ReportView<'a> {
    pub(super) comparison: &'a Comparison,
    pub(super) arms: Vec<ArmView<'a>>,
    /// Offset of the city's clock from UTC, seconds; `None` if the scenario cannot be parsed.
    pub(super) offset_s: Option<i64>,
}

/// The runs with one policy and number of drivers.
pub(super) struct ArmView<'a> {
    pub(super) policy: &'a str,
    pub(super) fleet: usize,
    /// Name of the policy, with the number of drivers if it differs between arms.
    pub(super) label: String,
    /// Runs by seed.
    pub(super) runs: Vec<&'a RunRecord>,
    number: usize,
}

impl<'a> ReportView<'a> {
    pub(super) fn of(comparison: &'a Comparison, records: &'a [RunRecord]) -> Self {
        let found = arms(records);
        let one_fleet = found.windows(2).all(|pair| pair[0].fleet == pair[1].fleet);
        let arms = found.into_iter().enumerate().map(|(number, arm)| ArmView {
            policy: arm.policy,
            fleet: arm.fleet,
            label: if one_fleet {
                arm.policy.to_owned()
            } else {
                format!("{}, {} drivers", arm.policy, arm.fleet)
            },
            runs: arm.runs.into_values().collect(),
            number,
        });
        let scenario = records.first().and_then(|run| Scenario::from_toml(&run.scenario_toml).ok());
        Self { comparison, arms: arms.collect(), offset_s: scenario.map(|scenario| scenario.utc_offset_s()) }
    }

    /// Returns the beginning of the first run and the end of the last one, milliseconds. They are at least a minute apart.
    pub(super) fn window_ms(&self) -> (i64, i64) {
        let runs = || self.arms.iter().flat_map(|arm| &arm.runs);
        let from_ms = runs().map(|run| run.from_ms).min().unwrap_or(0);
        let to_ms = runs().map(|run| run.to_ms).max().unwrap_or(0);
        (from_ms, to_ms.max(from_ms.saturating_add(60_000)))
    }

    /// Returns the offset of the city's clock from UTC, milliseconds.
    pub(super) fn offset_ms(&self) -> i64 {
        self.offset_s.unwrap_or(0) * 1_000
    }

    /// Returns the label of the time axis.
    pub(super) fn clock(&self) -> &'static str {
        if self.offset_s.is_some() { "time of day in the city" } else { "time of day, UTC" }
    }

    /// Returns the legend with the names and colors of all arms.
    pub(super) fn legend(&self) -> Markup {
        html! {
            div.legend { @for arm in &self.arms {
                span {
                    svg viewBox="0 0 36 12" aria-hidden="true" {
                        line class=(arm.class()) stroke-dasharray=(arm.dashes()) x1="1" y1="6" x2="35" y2="6" {}
                    }
                    (arm.label)
                }
            } }
        }
    }
}

impl ArmView<'_> {
    pub(super) fn requests(&self) -> impl Iterator<Item = &RequestRecord> {
        self.runs.iter().flat_map(|run| &run.requests)
    }

    /// Returns the CSS class of the line.
    pub(super) fn class(&self) -> String {
        format!("series s{}", self.number % COLORS)
    }

    /// Returns the CSS class of the points.
    pub(super) fn dot_class(&self) -> String {
        format!("dot s{}", self.number % COLORS)
    }

    pub(super) fn dashes(&self) -> &'static str {
        DASHES[self.number / COLORS % DASHES.len()]
    }
}
