//! A published result beside what the project finds on open data: read from what `simulator fleet-size --json` prints.

use maud::{Markup, html};
use serde::Deserialize;

use crate::fleet_size::PublishedRow;

/// What is shown of `simulator fleet-size --json`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Anchor {
    /// The local date of the trips.
    pub day: String,
    /// Trips of that day.
    pub trips: usize,
    /// Their figures and ours.
    pub published: Vec<PublishedRow>,
    /// Where they were published.
    pub source: String,
}

impl Anchor {
    /// Reads the JSON text; says what is wrong with it.
    pub fn from_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|e| format!("not what `simulator fleet-size --json` prints: {e}"))
    }
}

pub(super) fn section(anchor: &Anchor) -> Markup {
    html! {
        h2 { "Beside a published result" }
        p { "The same program on " (crate::report::text::count(anchor.trips, "trip", "trips")) " of " (anchor.day) ", beside "
            (anchor.source) "." }
        div.wide { table {
            thead { tr { th { "figure" } th { "published" } th { "ours" } th { "why they differ" } } }
            tbody { @for row in &anchor.published {
                tr { th scope="row" { (row.what) } td { (row.published) } td { (row.ours) } td { (row.why) } }
            } }
        } }
    }
}
