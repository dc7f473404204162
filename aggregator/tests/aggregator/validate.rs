use kerb_aggregator::validate::{ValidatedRequest, validate};
use kerb_aggregator::{AggregatorError, Options};
use kerb_ports::Search;
use kerb_proto::v1::find_nearby_request::Search as Wire;
use kerb_proto::v1::{
    DriverFilter, FindNearbyRequest, LatLng, NearestSearch, PolygonSearch, RadiusSearch, RankBy,
};
use kerb_types::{Catalog, Timestamp};

fn point(latitude_deg: f64, longitude_deg: f64) -> LatLng {
    LatLng { latitude_deg, longitude_deg }
}

fn nearest(point: impl Into<Option<LatLng>>, k: u32, radius_m: f64) -> FindNearbyRequest {
    let search = Some(Wire::Nearest(NearestSearch { point: point.into(), k, radius_m }));
    FindNearbyRequest { search, ..FindNearbyRequest::default() }
}

fn radius(radius_m: f64) -> FindNearbyRequest {
    let search = Some(Wire::WithinRadius(RadiusSearch { point: Some(point(1.0, 2.0)), radius_m }));
    FindNearbyRequest { search, ..FindNearbyRequest::default() }
}

fn polygon(vertices: &[(f64, f64)]) -> FindNearbyRequest {
    let vertices = vertices
        .iter()
        .map(|&(latitude_deg, longitude_deg)| LatLng { latitude_deg, longitude_deg })
        .collect();
    let search = Some(Wire::WithinPolygon(PolygonSearch { vertices, holes: Vec::new() }));
    FindNearbyRequest { search, ..FindNearbyRequest::default() }
}

fn check(request: FindNearbyRequest) -> Result<ValidatedRequest, Vec<String>> {
    validate(request, &Catalog::default(), &Options::default()).map_err(|error| match error {
        AggregatorError::Invalid(errors) => errors.iter().map(ToString::to_string).collect(),
        other => panic!("{other}"),
    })
}

fn refused(request: FindNearbyRequest) -> String {
    check(request).unwrap_err().join("; ")
}

fn filtered(filter: DriverFilter) -> FindNearbyRequest {
    FindNearbyRequest { filter: Some(filter), ..radius(100.0) }
}

#[test]
fn every_bad_input_is_named_with_its_value_and_what_would_be_right() {
    let cases = [
        (FindNearbyRequest::default(), "search: absent, must be one of nearest"),
        (nearest(None, 1, 1.0), "nearest.point: absent"),
        (nearest(point(f64::NAN, 0.0), 1, 1.0), "nearest.point.latitude_deg: NaN is outside -90 to 90"),
        (nearest(point(90.1, 0.0), 1, 1.0), "nearest.point.latitude_deg: 90.1"),
        (nearest(point(0.0, f64::INFINITY), 1, 1.0), "nearest.point.longitude_deg: inf"),
        (nearest(point(0.0, 0.0), 0, 1.0), "nearest.k: 0, must be 1 to 1000"),
        (nearest(point(0.0, 0.0), 1_001, 1.0), "nearest.k: 1001, must be 1 to 1000"),
        (nearest(point(0.0, 0.0), 1, 0.0), "nearest.radius_m: 0, must be more than 0"),
        (radius(-1.0), "within_radius.radius_m: -1, must be more than 0"),
        (radius(f64::NAN), "within_radius.radius_m: NaN, must be more than 0"),
        (radius(2e8), "within_radius.radius_m: 200000000, must be more than 0, at most 20037508"),
        (FindNearbyRequest { rank_by: 3, ..nearest(point(0.0, 0.0), 1, 1.0) }, "rank_by: 3, must be 0 to 2"),
        (FindNearbyRequest { rank_by: -1, ..radius(1.0) }, "rank_by: -1, must be 0 to 2"),
        (
            FindNearbyRequest { rank_by: RankBy::TravelTime.into(), ..radius(1.0) },
            "rank_by: RANK_BY_TRAVEL_TIME, must be RANK_BY_DISTANCE in a search by pages",
        ),
        (
            FindNearbyRequest { page_size: 5, rank_by: 2, ..nearest(point(0.0, 0.0), 1, 1.0) },
            "page_size: 5, must be 0 in a nearest search",
        ),
        (
            FindNearbyRequest { include_eta: true, ..polygon(&[(0.0, 0.0), (1.0, 1.0), (0.0, 1.0)]) },
            "include_eta: true, must be false in a search within a polygon",
        ),
        (polygon(&[(0.0, 0.0), (1.0, 1.0)]), "within_polygon.vertices: "),
        (polygon(&[(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)]), "within_polygon.vertices: "),
        (polygon(&[(0.0, 0.0), (91.0, 1.0), (0.0, 1.0)]), "within_polygon.vertices[1].latitude_deg: 91"),
        (polygon(&vec![(0.0, 0.0); 2_000]), "within_polygon.vertices: 2000 elements, must be at most"),
        (filtered(DriverFilter { statuses: vec![1, 0], ..DriverFilter::default() }), "filter.statuses[1]: 0"),
        (filtered(DriverFilter { statuses: vec![99], ..DriverFilter::default() }), "filter.statuses[0]: 99"),
        (
            filtered(DriverFilter { vehicle_classes: vec!["rocket".into()], ..DriverFilter::default() }),
            "filter.vehicle_classes[0]: \"rocket\", must be one of standard",
        ),
        (
            filtered(DriverFilter { capabilities: vec!["wings".into()], ..DriverFilter::default() }),
            "filter.capabilities",
        ),
        (
            filtered(DriverFilter { position_age_max_ms: 60_001, ..DriverFilter::default() }),
            "filter.position_age_max_ms: 60001, must be at most 60000",
        ),
        (FindNearbyRequest { page_size: 10_001, ..radius(1.0) }, "page_size: 10001, must be 1 to 10000"),
        (FindNearbyRequest { page_token: "xyz".into(), ..radius(1.0) }, "page_token: not a page token"),
        (FindNearbyRequest { h3_resolution: Some(16), ..radius(1.0) }, "h3_resolution: 16, must be 0 to 15"),
        (
            FindNearbyRequest { page_size: 5, ..nearest(point(0.0, 0.0), 1, 1.0) },
            "page_size: 5, must be 0 in",
        ),
        (
            FindNearbyRequest { page_token: "00".into(), ..nearest(point(0.0, 0.0), 1, 1.0) },
            "page_token: given, must be empty",
        ),
    ];
    for (request, expected) in cases {
        let said = refused(request);
        assert!(said.starts_with(expected), "{said:?} does not begin with {expected:?}");
    }
}

#[test]
fn all_that_is_wrong_is_named_at_once() {
    let mut request = filtered(DriverFilter { statuses: vec![9], ..DriverFilter::default() });
    request.page_size = 20_000;
    request.h3_resolution = Some(77);
    let said = check(request).unwrap_err();
    assert_eq!(said.len(), 3, "{said:?}");
}

#[test]
fn a_page_asks_for_one_more_and_a_filter_says_an_age() {
    let filter = DriverFilter { position_age_max_ms: 5_000, statuses: vec![1, 3], ..DriverFilter::default() };
    let checked =
        check(FindNearbyRequest { page_size: 10, h3_resolution: Some(0), ..filtered(filter) }).unwrap();
    assert_eq!((checked.query.search.limit(), checked.page.unwrap().size), (11, 10));
    assert_eq!((checked.query.age_max_ms, checked.query.statuses), (5_000, 0b100_1010));
    assert!(checked.h3.is_some());
    assert_eq!(
        checked.query.filter(Timestamp::from_millis(100_000)).time_min_ms,
        Timestamp::from_millis(95_000)
    );
    let checked = check(nearest(point(90.0, 180.0), 1_000, 20_037_508.0)).unwrap();
    assert!(matches!(checked.query.search, Search::Nearest { k: 1_000, .. }));
    assert_eq!((checked.query.age_max_ms, checked.page, checked.h3), (15_000, None, None));
    assert_eq!(check(radius(1.0)).unwrap().page.unwrap().size, 1_000);
}

#[test]
fn travel_times_are_computed_on_request_and_to_rank() {
    let at = kerb_geometry::LatLng::new(1.0, 2.0).unwrap();
    let here = nearest(point(1.0, 2.0), 1, 1.0);
    let eta_query = |request: &FindNearbyRequest| {
        let checked = check(request.clone()).unwrap();
        (checked.eta_to, checked.by_travel_time)
    };
    assert_eq!(eta_query(&here), (None, false));
    assert_eq!(eta_query(&FindNearbyRequest { rank_by: 1, ..here.clone() }), (None, false));
    assert_eq!(eta_query(&FindNearbyRequest { rank_by: 2, ..here.clone() }), (Some(at), true));
    assert_eq!(eta_query(&FindNearbyRequest { include_eta: true, ..here }), (Some(at), false));
    assert_eq!(eta_query(&FindNearbyRequest { include_eta: true, ..radius(1.0) }), (Some(at), false));
}
