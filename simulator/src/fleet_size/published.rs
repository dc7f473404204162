//! What was published, beside what came out here.

use serde::{Deserialize, Serialize};

use crate::fleet_size::report::FleetSizeReport;

/// The paper, as it is cited.
pub(super) const CITATION: &str = "Vazifeh, Santi, Resta, Strogatz, Ratti, \"Addressing the minimum fleet problem in \
                                   on-demand urban mobility\", Nature 557 (2018) 534-538, doi 10.1038/s41586-018-0095-1";

/// One figure of the paper and ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedRow {
    /// Of what.
    pub what: String,
    /// Theirs.
    pub published: String,
    /// Ours.
    pub ours: String,
    /// Why they differ.
    pub why: String,
}

/// The rows of a report.
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
            why:
                "another machine and day; ours asks the streets for every way within the batch, on one thread"
                    .to_owned(),
        });
    }
    rows
}

fn fewer(report: &FleetSizeReport) -> PublishedRow {
    let ours = match (report.cars, report.fewer_share) {
        (Some(cars), Some(share)) => {
            let than = if share < 0.0 { "more" } else { "fewer" };
            format!("{} vehicles beside {cars} cars: {:.0} % {than}", report.fleet, share.abs() * 100.0)
        }
        _ => format!("{} vehicles; the file does not say how many cars there were", report.fleet),
    };
    let why = match report.cars {
        Some(_) => {
            "a few hundred cabs of one city, not all of New York's: a vehicle whose next trip is farther off than the \
             longest time between two counts as another one, which is rare where trips are dense and common where they \
             are not (give a longer --delta-min); a car counts when it had one trip that day; theirs is the fleet that \
             serves nearly all trips in real time"
        }
        None => {
            "demand alone is known, so the fleet can only be compared with the trips under way at one time"
        }
    };
    PublishedRow {
        what: "vehicles that serve a day's trips, beside the fleet of the day".to_owned(),
        published: "30 % fewer (New York, real-time, near-optimal service)".to_owned(),
        ours,
        why: why.to_owned(),
    }
}
