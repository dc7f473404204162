//! Random queries: their kinds, their sizes and their encoding.

use std::fmt;
use std::sync::Arc;

use kerb_geometry::{Circle, LatLng, Polygon};
use kerb_ports::Search;
use kerb_proto::v1;
use kerb_types::DriverStatus;
use rand::RngExt;

use crate::city::shifted;

/// Radius of a query, meters.
const RADIUS_M: std::ops::Range<f64> = 100.0..5_000.0;
/// How many neighbors.
const NEIGHBORS: std::ops::RangeInclusive<u32> = 1..=40;
/// Page sizes, of which one is drawn; 0 selects the server's default.
const PAGE_SIZES: [u32; 4] = [0, 5, 100, 10_000];
/// Corners of a polygon.
const CORNERS: std::ops::RangeInclusive<usize> = 3..=9;
/// Maximum distance of a query from a driver, meters, in each direction.
const ASTRAY_M: f64 = 1_500.0;
/// Maximum ages, of which one is drawn, milliseconds; `None` selects the server's default.
const AGES_MS: [Option<u32>; 4] = [None, None, Some(5_000), Some(60_000)];

/// Which drivers a query accepts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Any of these; empty: any.
    pub statuses: Vec<DriverStatus>,
    /// Any of these; empty: any.
    pub vehicle_classes: Vec<String>,
    /// All of these.
    pub capabilities: Vec<String>,
    /// Maximum age of the position, milliseconds; `None` selects the server's default.
    pub age_max_ms: Option<u32>,
}

/// A search for drivers.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Where, and how many.
    pub search: Search,
    /// Of which drivers.
    pub filter: Filter,
    /// Maximum drivers on a page; 0 selects the server's default.
    pub page_size: u32,
}

impl Query {
    /// Draws a query near a position.
    pub fn random(rng: &mut impl RngExt, near: LatLng, classes: &[String], capabilities: &[String]) -> Self {
        let point =
            shifted(near, rng.random_range(-ASTRAY_M..ASTRAY_M), rng.random_range(-ASTRAY_M..ASTRAY_M));
        let page_size = PAGE_SIZES[rng.random_range(0..PAGE_SIZES.len())];
        let limit = if page_size == 0 { kerb_types::limits::PAGE_SIZE_DEFAULT } else { page_size };
        let circle = Circle::new(point, rng.random_range(RADIUS_M)).expect("the radius is positive");
        let search = match rng.random_range(0..4) {
            0 | 1 => Search::Nearest { circle, k: rng.random_range(NEIGHBORS) },
            2 => Search::WithinRadius { circle, limit, after: None },
            _ => polygon(rng, point).map_or(Search::WithinRadius { circle, limit, after: None }, |polygon| {
                Search::WithinPolygon { polygon: Arc::new(polygon), limit, after: None }
            }),
        };
        Self { search, filter: filter(rng, classes, capabilities), page_size }
    }

    /// Encodes the query.
    pub fn to_wire(&self) -> v1::FindNearbyRequest {
        use v1::find_nearby_request::Search as Wire;
        let search = match &self.search {
            Search::Nearest { circle, k } => Wire::Nearest(v1::NearestSearch {
                point: Some(lat_lng(circle.center())),
                k: *k,
                radius_m: circle.radius_m(),
            }),
            Search::WithinRadius { circle, .. } => Wire::WithinRadius(v1::RadiusSearch {
                point: Some(lat_lng(circle.center())),
                radius_m: circle.radius_m(),
            }),
            Search::WithinPolygon { polygon, .. } => Wire::WithinPolygon((&**polygon).into()),
        };
        let filter = v1::DriverFilter {
            statuses: self.filter.statuses.iter().map(|s| i32::from(*s as u8)).collect(),
            vehicle_classes: self.filter.vehicle_classes.clone(),
            capabilities: self.filter.capabilities.clone(),
            position_age_max_ms: self.filter.age_max_ms.unwrap_or(0),
            availabilities: self.availabilities(),
        };
        // The number of neighbors alone limits a nearest search.
        let page_size = if matches!(self.search, Search::Nearest { .. }) { 0 } else { self.page_size };
        v1::FindNearbyRequest { search: Some(search), filter: Some(filter), page_size, ..Default::default() }
    }
}

impl Query {
    /// Returns all availabilities for a filter by status: the truth only has the status that a driver has sent, not what holds
    /// the driver.
    fn availabilities(&self) -> Vec<i32> {
        use v1::Availability::{Free, NotConnected, Reserved};
        if self.filter.statuses.is_empty() {
            return Vec::new();
        }
        [Free, Reserved, NotConnected].map(i32::from).to_vec()
    }
}

/// Encodes a position.
pub fn lat_lng(place: LatLng) -> v1::LatLng {
    v1::LatLng { latitude_deg: place.lat_deg(), longitude_deg: place.lon_deg() }
}

/// Decodes a position; `None` for one that is absent or out of range.
pub fn position(wire: Option<v1::LatLng>) -> Option<LatLng> {
    let wire = wire?;
    LatLng::new(wire.latitude_deg, wire.longitude_deg).ok()
}

/// Describes the query with everything that is needed to repeat it.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.search {
            Search::Nearest { circle, k } => {
                write!(f, "the {k} nearest of {} within {:.1} m", circle.center(), circle.radius_m())?;
            }
            Search::WithinRadius { circle, limit, .. } => {
                write!(f, "the first {limit} within {:.1} m of {}", circle.radius_m(), circle.center())?;
            }
            Search::WithinPolygon { polygon, limit, .. } => {
                let corners: Vec<_> = polygon.vertices().iter().map(ToString::to_string).collect();
                write!(f, "the first {limit} within the polygon {}", corners.join(" "))?;
            }
        }
        let filter = &self.filter;
        for (name, values) in [("class", &filter.vehicle_classes), ("with", &filter.capabilities)] {
            if !values.is_empty() {
                write!(f, ", {name} {}", values.join(" or "))?;
            }
        }
        if !filter.statuses.is_empty() {
            write!(f, ", status {:?}", filter.statuses)?;
        }
        filter.age_max_ms.map_or(Ok(()), |age| write!(f, ", at most {age} ms old"))
    }
}

/// Draws some statuses or any, and rarely a class, a capability or an age.
fn filter(rng: &mut impl RngExt, classes: &[String], capabilities: &[String]) -> Filter {
    let statuses = match rng.random_range(0..4) {
        0 => vec![DriverStatus::Available],
        1 => vec![DriverStatus::OnTrip],
        2 => vec![DriverStatus::Available, DriverStatus::OnTrip],
        _ => Vec::new(),
    };
    let mut rarely = |names: &[String]| match rng.random_range(0..6) {
        0 if !names.is_empty() => vec![names[rng.random_range(0..names.len())].clone()],
        _ => Vec::new(),
    };
    let (vehicle_classes, capabilities) = (rarely(classes), rarely(capabilities));
    let age_max_ms = AGES_MS[rng.random_range(0..AGES_MS.len())];
    Filter { statuses, vehicle_classes, capabilities, age_max_ms }
}

/// Draws corners at growing angles around a point, so the ring does not cross itself. `None` when two corners coincide.
fn polygon(rng: &mut impl RngExt, center: LatLng) -> Option<Polygon> {
    let mut angles: Vec<f64> =
        (0..rng.random_range(CORNERS)).map(|_| rng.random_range(0.0..std::f64::consts::TAU)).collect();
    angles.sort_by(f64::total_cmp);
    let corner = |angle: f64| {
        let radius_m = rng.random_range(RADIUS_M);
        shifted(center, radius_m * angle.cos(), radius_m * angle.sin())
    };
    Polygon::new(angles.into_iter().map(corner).collect()).ok()
}
