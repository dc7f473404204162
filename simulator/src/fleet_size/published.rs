//! The comparison with the published result.

use serde::{Deserialize, Serialize};

use crate::fleet_size::report::FleetSizeReport;

/// Citation of the paper.
pub(super) const CITATION: &str = "Vazifeh, Santi, Resta, Strogatz, Ratti, \"Addressing the minimum fleet problem in \
                                   on-demand urban mobility\", Nature 557 (2018) 534-538, doi 10.1038/s41586-018-0095-1";

/// A figure of the paper, and the same figure here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedRow {
    /// Name of the figure.
    pub what: String,
    /// The value that the paper publishes.
    pub published: String,
    /// Value of this run.
    pub ours: String,
    /// Reason for the difference.
    pub why: String,
}

/// Returns the rows of a report.
pub(super) fn rows(report: &FleetSizeReport) -> Vec<PublishedRow> {
    let mut rows = vec![fewer(report)];
    for (online, published_ms) in report.online.iter().zip([100, 200]) {
        rows.push(PublishedRow {
            what: format!("time of a one-minute batch with {} times the smallest fleet", online.times),
            published: format!("under {published_ms} ms (New York, about 505,000 trips a day)"),
            ours: format!(
                "mean {:.1} ms, longest {:.1} ms ({} trips a day, {} vehicles)",
                online.batch_mean_ms, online.batch_max_ms, report.trips, online.fleet
            ),
            why: "another machine and day; ours computes every travel time within the batch, on one thread"
                .to_owned(),
        });
    }
    rows
}

fn fewer(report: &FleetSizeReport) -> PublishedRow {
    let ours = match (report.cars, report.fewer_share) {
        (Some(cars), Some(share)) => {
            let than = if share < 0.0 { "more" } else { "fewer" };
            format!(
                "{} vehicles, compared with {cars} cars: {:.0} % {than}",
                report.fleet,
                share.abs() * 100.0
            )
        }
        _ => format!("{} vehicles; the file does not have the number of cars", report.fleet),
    };
    let why = match report.cars {
        Some(_) => {
            "a few hundred cabs of one city, not all of New York's: a vehicle whose next trip is farther off than the \
             longest time between two counts as another one, which is rare where trips are dense and common where they \
             are not (give a longer --delta-min); a car counts when it had one trip that day; theirs is the fleet that \
             serves nearly all trips in real time"
        }
        None => {
            "only demand is known, so the fleet can only be compared with the number of simultaneous trips"
        }
    };
    PublishedRow {
        what: "vehicles that serve a day's trips, compared with the fleet of the day".to_owned(),
        published: "30 % fewer (New York, real-time, near-optimal service)".to_owned(),
        ours,
        why: why.to_owned(),
    }
}
