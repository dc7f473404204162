//! Searches, and the check of their answers with a linear scan.

use std::collections::BTreeMap;

use kerb_geometry::{Area, Circle, Polygon, distance_m};
use kerb_proto::v1::find_nearby_request::Search;
use kerb_proto::v1::nearby_service_client::NearbyServiceClient;
use kerb_proto::v1::{
    Coverage, DriverFilter, FindNearbyRequest, FindNearbyResponse, LatLng, NearestSearch, PolygonSearch,
    RadiusSearch,
};
use rand::{Rng, RngExt};
use tonic::Status;
use tonic::transport::Channel;

/// Maximum error of a distance in an answer. Positions are stored to a centimeter.
const DISTANCE_ERROR_MAX_M: f64 = 0.001;

/// The reported position of each driver, by its id.
pub(crate) type Truth = BTreeMap<String, (f64, f64)>;

/// Makes a position of the wire.
pub(crate) fn point(latitude_deg: f64, longitude_deg: f64) -> LatLng {
    LatLng { latitude_deg, longitude_deg }
}

/// Makes a search for the `k` nearest drivers.
pub(crate) fn nearest(at: (f64, f64), k: u32, radius_m: f64) -> Search {
    Search::Nearest(NearestSearch { point: Some(point(at.0, at.1)), k, radius_m })
}

/// Makes a search for all drivers within a radius.
pub(crate) fn within(at: (f64, f64), radius_m: f64) -> Search {
    Search::WithinRadius(RadiusSearch { point: Some(point(at.0, at.1)), radius_m })
}

/// Makes a search for all drivers in a box.
pub(crate) fn inside(south_west: (f64, f64), north_east: (f64, f64)) -> Search {
    let (south, west) = south_west;
    let (north, east) = north_east;
    let corners = [(south, west), (south, east), (north, east), (north, west)];
    Search::WithinPolygon(PolygonSearch {
        vertices: corners.into_iter().map(|(lat, lon)| point(lat, lon)).collect(),
        holes: Vec::new(),
    })
}

/// Makes a request for one page, with positions of any age that the index holds.
pub(crate) fn request(search: Search) -> FindNearbyRequest {
    let filter = DriverFilter { position_age_max_ms: 60_000, ..DriverFilter::default() };
    // A nearest search has one page.
    let page_size = if matches!(search, Search::Nearest(_)) { 0 } else { 10_000 };
    FindNearbyRequest {
        search: Some(search),
        filter: Some(filter),
        page_size,
        ..FindNearbyRequest::default()
    }
}

/// Calls `NearbyService.FindNearby` once.
pub(crate) async fn find_nearby(
    channel: &Channel,
    request: FindNearbyRequest,
) -> Result<FindNearbyResponse, Status> {
    Ok(NearbyServiceClient::new(channel.clone()).find_nearby(request).await?.into_inner())
}

/// Returns whether an answer covers all shards.
pub(crate) fn is_complete(coverage: Option<&Coverage>) -> bool {
    coverage.is_some_and(|coverage| coverage.shards_missing.is_empty())
}

/// Makes a random search around a city.
pub(crate) fn random_search(rng: &mut impl Rng, center: (f64, f64)) -> Search {
    let mut near = |spread: f64| {
        (center.0 + rng.random_range(-spread..spread), center.1 + rng.random_range(-spread..spread))
    };
    let (at, other) = (near(0.1), near(0.1));
    let radius_m = rng.random_range(50.0..15_000.0);
    match rng.random_range(0..3) {
        0 => nearest(at, rng.random_range(1..40), radius_m),
        1 => within(at, radius_m),
        _ => inside(
            (at.0.min(other.0), at.1.min(other.1)),
            (at.0.max(other.0) + 1e-4, at.1.max(other.1) + 1e-4),
        ),
    }
}

/// Checks a complete answer to a search for drivers that stand still. The error describes the difference.
pub(crate) fn check(truth: &Truth, search: &Search, answer: &FindNearbyResponse) -> Result<(), String> {
    let mut wanted = scan(truth, search);
    let found: Vec<_> = answer.drivers.iter().map(|d| (d.driver_id.clone(), d.distance_m)).collect();
    if let Search::WithinPolygon(_) = search {
        wanted.sort_by(|a, b| a.0.cmp(&b.0));
    }
    if found.len() != wanted.len() {
        let missing: Vec<_> = wanted.iter().filter(|w| !found.iter().any(|f| f.0 == w.0)).collect();
        let extra: Vec<_> = found.iter().filter(|f| !wanted.iter().any(|w| w.0 == f.0)).collect();
        return Err(format!("{search:?}: missing {missing:?}, extra {extra:?}"));
    }
    for (wanted, found) in wanted.iter().zip(&found) {
        // Two drivers at the same distance may be in either order.
        let same_driver =
            wanted.0 == found.0 || (wanted.1 > 0.0 && (wanted.1 - found.1).abs() < DISTANCE_ERROR_MAX_M);
        if !same_driver || (wanted.1 - found.1).abs() > DISTANCE_ERROR_MAX_M {
            return Err(format!("{search:?}: wanted {wanted:?}, found {found:?}"));
        }
    }
    Ok(())
}

/// Computes the answer by a linear scan over all drivers, in the order of distance and then id.
fn scan(truth: &Truth, search: &Search) -> Vec<(String, f64)> {
    let (area, origin, k) = match search {
        Search::Nearest(s) => (circle(s.point, s.radius_m), s.point, s.k as usize),
        Search::WithinRadius(s) => (circle(s.point, s.radius_m), s.point, usize::MAX),
        Search::WithinPolygon(s) => (polygon(&s.vertices), None, usize::MAX),
    };
    let origin = origin.map(|point| position((point.latitude_deg, point.longitude_deg)));
    let inside = truth.iter().filter(|(_, at)| area.contains(position(**at)));
    let mut neighbors: Vec<_> = inside
        .map(|(id, at)| (id.clone(), origin.map_or(0.0, |origin| distance_m(origin, position(*at)))))
        .collect();
    neighbors.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
    neighbors.truncate(k);
    neighbors
}

fn position((lat, lon): (f64, f64)) -> kerb_geometry::LatLng {
    kerb_geometry::LatLng::new(lat, lon).expect("on earth")
}

fn circle(point: Option<LatLng>, radius_m: f64) -> Area {
    let point = point.expect("a point");
    Area::from(Circle::new(position((point.latitude_deg, point.longitude_deg)), radius_m).expect("a radius"))
}

fn polygon(vertices: &[LatLng]) -> Area {
    let corners = vertices.iter().map(|v| position((v.latitude_deg, v.longitude_deg))).collect();
    Area::from(Polygon::new(corners).expect("a box"))
}

/// Generates drivers around a center, at positions of the lattice on which the service stores them.
pub(crate) fn city(rng: &mut impl Rng, center: (f64, f64), drivers: usize) -> Truth {
    let mut coordinate = |center: f64| ((center + rng.random_range(-0.1..0.1)) * 1e7).round() / 1e7;
    (0..drivers).map(|i| (format!("car-{i:05}"), (coordinate(center.0), coordinate(center.1)))).collect()
}

/// Searches and checks the answer. An incomplete answer is an error, too.
pub(crate) async fn find_and_check(channel: &Channel, truth: &Truth, search: Search) -> Result<(), String> {
    let answer = find_nearby(channel, request(search.clone())).await.map_err(|status| status.to_string())?;
    if !is_complete(answer.coverage.as_ref()) {
        return Err(format!("partial: {:?}", answer.coverage));
    }
    check(truth, &search, &answer)
}
