//! Whether one sent update fits a query, when its age at the time of the search is only nearly known.

use kerb_geometry::LatLng;
use kerb_ports::Search;
use kerb_types::DriverStatus;
use serde::Serialize;

use crate::history::{Profile, Sent, Span};
use crate::query::Query;

/// Whether an update fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The update fits at every time of the search.
    Yes,
    /// The update fits at no time of the search.
    No,
    /// The update reaches the age limit during the search.
    Maybe,
}

/// The server's limits of age, and the margin of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Older positions are answered only when the filter asks for them, milliseconds.
    pub stale_after_ms: i64,
    /// Older positions are in no index, milliseconds.
    pub position_ttl_ms: i64,
    /// An age this near to a limit counts as both sides of it, milliseconds: the server removes by ticks, and its clock
    /// is not the checker's.
    pub age_margin_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { stale_after_ms: 15_000, position_ttl_ms: 60_000, age_margin_ms: 1_000 }
    }
}

/// Whether the update is an answer to the query while the search ran.
pub(super) fn fit(query: &Query, profile: &Profile, sent: &Sent, span: Span, limits: &Limits) -> Fit {
    if accepts(query, profile, sent.status) && contains(&query.search, sent.place) {
        age_fit(query, sent.time_ms, span, limits)
    } else {
        Fit::No
    }
}

fn accepts(query: &Query, profile: &Profile, status: DriverStatus) -> bool {
    let filter = &query.filter;
    status != DriverStatus::Offline
        && (filter.statuses.is_empty() || filter.statuses.contains(&status))
        && (filter.vehicle_classes.is_empty() || filter.vehicle_classes.contains(&profile.vehicle_class))
        && filter.capabilities.iter().all(|c| profile.capabilities.contains(c))
}

fn contains(search: &Search, place: LatLng) -> bool {
    match search {
        Search::Nearest { circle, .. } | Search::WithinRadius { circle, .. } => circle.contains(place),
        Search::WithinPolygon { polygon, .. } => polygon.contains(place),
    }
}

fn age_fit(query: &Query, time_ms: i64, span: Span, limits: &Limits) -> Fit {
    let age_max_ms =
        query.filter.age_max_ms.map_or(limits.stale_after_ms, i64::from).min(limits.position_ttl_ms);
    let (age_least_ms, age_most_ms) = (span.began_ms - time_ms, span.ended_ms - time_ms);
    if age_most_ms <= age_max_ms - limits.age_margin_ms {
        Fit::Yes
    } else if age_least_ms > age_max_ms + limits.age_margin_ms {
        Fit::No
    } else {
        Fit::Maybe
    }
}
