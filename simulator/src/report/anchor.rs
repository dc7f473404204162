//! The comparison with a published result, from the output of `simulator fleet-size --json`.

use maud::{Markup, html};
use serde::Deserialize;

use crate::fleet_size::PublishedRow;

/// The part of the output of `simulator fleet-size --json` that the page shows.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Anchor {
    /// Local date of the trips.
    pub day: String,
    /// Number of trips of that day.
    pub trips: usize,
    /// Published figures, and those of this project.
    pub published: Vec<PublishedRow>,
    /// Citation of the publication.
    pub source: String,
}

impl Anchor {
    /// Parses the JSON text. The error is a message for the user.
    pub fn from_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|e| format!("not what `simulator fleet-size --json` prints: {e}"))
    }
}

pub(super) fn section(anchor: &Anchor) -> Markup {
    html! {
        h2 { "Comparison with a published result" }
        p { "The same program on " (crate::report::text::count(anchor.trips, "trip", "trips")) " of " (anchor.day) ", compared with "
            (anchor.source) "." }
        div.wide { table {
            thead { tr { th { "figure" } th { "published" } th { "ours" } th { "why they differ" } } }
            tbody { @for row in &anchor.published {
                tr { th scope="row" { (row.what) } td { (row.published) } td { (row.ours) } td { (row.why) } }
            } }
        } }
    }
}
