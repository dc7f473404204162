//! The texts of field errors.

use kerb_geometry::{LatLng, Polygon};
use kerb_ports::{Batch, Search, ShardQuery};
use kerb_proto::convert::{Columns, Report, SourceMessage, driver_filter};
use kerb_proto::{internal, v1};
use kerb_types::{Catalog, FieldError, Timestamp};

fn text<T: std::fmt::Debug>(result: Result<T, FieldError>) -> String {
    result.unwrap_err().to_string()
}

fn one_row() -> internal::v1::Batch {
    internal::v1::Batch {
        slot: vec![0],
        shard: vec![3],
        position: vec![LatLng::new(52.5, 13.4).unwrap().to_bits()],
        time_offset_ms: vec![0],
        sequence: vec![1],
        heading_cdeg: vec![0],
        speed_cmps: vec![0],
        status: vec![1],
        ..Default::default()
    }
}

#[test]
fn batch_columns_must_be_equally_long() {
    let wire = internal::v1::Batch { sequence: vec![], ..one_row() };
    assert_eq!(text(Batch::try_from(wire)), "sequence: 0 elements, must be 1, as many as in slot");
}

#[test]
fn batch_rows_name_their_place() {
    let offline = internal::v1::Batch { status: vec![4], ..one_row() };
    let frame = internal::v1::position_frame::Frame::Batch(offline);
    let error = text(SourceMessage::try_from(internal::v1::PositionFrame { frame: Some(frame) }));
    assert_eq!(
        error,
        "batch.status[0]: 4, must be 1, 2, 3, 5 or 6: an offline driver is removed, not updated"
    );
    let nowhere = internal::v1::Batch { position: vec![u64::MAX >> 1], ..one_row() };
    assert!(text(Batch::try_from(nowhere)).starts_with("position[0]: 0x7fffffffffffffff, must be latitude"));
    let fast = internal::v1::Batch { speed_cmps: vec![20_001], ..one_row() };
    assert_eq!(
        text(Batch::try_from(fast)),
        "speed_cmps[0]: 20001, must be 0 to 20000, or 65535 if not known"
    );
}

#[test]
fn queries_name_the_path() {
    let nearest = internal::v1::Nearest { point: 0, radius_m: 0.0, k: 3 };
    let search = internal::v1::search_shards_request::Search::Nearest(nearest);
    let wire = internal::v1::SearchShardsRequest { search: Some(search), ..Default::default() };
    let error = text(ShardQuery::try_from(wire));
    assert_eq!(error, "nearest.radius_m: 0, must be more than 0, at most 20037508");
    assert_eq!(
        text(ShardQuery::try_from(internal::v1::SearchShardsRequest::default())),
        "search: absent, must be given"
    );
}

#[test]
fn public_searches_name_the_path() {
    let point = v1::LatLng { latitude_deg: 91.0, longitude_deg: 0.0 };
    let wire = v1::NearestSearch { point: Some(point), k: 1, radius_m: 1.0 };
    assert_eq!(text(Search::try_from(wire)), "point.latitude_deg: 91 is outside -90 to 90 degrees");
    let wire = v1::PolygonSearch { vertices: vec![v1::LatLng::default(), point], holes: vec![] };
    assert_eq!(text(Polygon::try_from(wire)), "vertices[1].latitude_deg: 91 is outside -90 to 90 degrees");
    let wire = v1::PolygonSearch::default();
    assert!(text(Polygon::try_from(wire)).starts_with("vertices: 0 vertices are too few"));
}

fn ring(vertices: &[(f64, f64)]) -> Vec<v1::LatLng> {
    vertices.iter().map(|&(latitude_deg, longitude_deg)| v1::LatLng { latitude_deg, longitude_deg }).collect()
}

#[test]
fn polygons_name_the_ring_and_the_callers_own_vertex() {
    let square = |low: f64, high: f64| ring(&[(low, low), (low, high), (high, high), (high, low)]);
    let with_hole = |hole| v1::PolygonSearch {
        vertices: square(0.0, 9.0),
        holes: vec![v1::PolygonRing { vertices: square(1.0, 2.0) }, v1::PolygonRing { vertices: hole }],
    };
    let error = |wire| text(Polygon::try_from(wire));
    assert!(error(with_hole(vec![])).starts_with("holes[1].vertices: 0 vertices of hole 1 are too few"));
    assert_eq!(
        error(with_hole(ring(&[(0.0, 0.0), (0.0, 181.0), (1.0, 1.0)]))),
        "holes[1].vertices[1].longitude_deg: 181 is outside -180 to 180 degrees"
    );
    assert_eq!(
        error(with_hole(square(10.0, 11.0))),
        "holes[1].vertices: vertex 0 of hole 1 at 10.0000000,10.0000000 is not inside the outer ring"
    );
    assert!(
        error(with_hole(square(1.0, 3.0)))
            .starts_with("holes[1].vertices: vertices 0 of hole 0 and 0 of hole 1 are both")
    );
    let many = v1::PolygonSearch { vertices: square(0.0, 9.0), holes: vec![v1::PolygonRing::default(); 333] };
    assert_eq!(error(many), "holes: 333 elements, must be at most 332");
    let large = vec![v1::PolygonRing { vertices: vec![v1::LatLng::default(); 999] }];
    let large = v1::PolygonSearch { vertices: square(0.0, 9.0), holes: large };
    assert_eq!(error(large), "holes: 1003 vertices of all rings, must be at most 1000");

    let band = ring(&[(0.0, -180.0), (0.0, 180.0), (10.0, 180.0), (10.0, -180.0)]);
    let error = error(v1::PolygonSearch { vertices: band, holes: vec![] });
    let expected =
        "vertices: vertex 0 at 0.0000000,-180.0000000 and vertex 1 at 0.0000000,180.0000000 are the same";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn updates_name_every_wrong_field() {
    let wire = v1::PositionUpdate {
        latitude_deg: f64::NAN,
        heading_deg: Some(360.0),
        speed_mps: Some(-1.0),
        status: 9,
        ..Default::default()
    };
    let errors = Report::try_from(&wire).unwrap_err();
    let fields: Vec<_> = errors.iter().map(|error| &*error.field).collect();
    assert_eq!(fields, ["latitude_deg", "heading_deg", "speed_mps", "status"]);
}

#[test]
fn heading_that_rounds_to_a_turn_is_north() {
    let wire = v1::PositionUpdate { heading_deg: Some(359.999), ..Default::default() };
    assert_eq!(Report::try_from(&wire).unwrap().motion.heading_cdeg, 0);
}

#[test]
fn one_bad_row_costs_no_other() {
    let wire = v1::PositionColumns {
        handle: vec![1, 2],
        latitude_e7: vec![0, 0],
        longitude_e7: vec![0, 0],
        heading_cdeg: vec![36_000, 65_535],
        ..Default::default()
    };
    let columns = Columns::try_from(wire).unwrap();
    let rows: Vec<_> = columns.rows().map(|(handle, row)| (handle, row.is_ok())).collect();
    assert_eq!(rows, [(1, false), (2, true)]);
}

#[test]
fn filters_take_names_and_an_age() {
    let catalog = Catalog::default();
    let wire = v1::DriverFilter {
        statuses: vec![1, 3],
        vehicle_classes: vec!["xl".into()],
        capabilities: vec!["pets".into()],
        position_age_max_ms: 0,
        availabilities: Vec::new(),
    };
    let filter = driver_filter(&wire, &catalog, (15_000, 60_000), Timestamp::from_millis(100_000)).unwrap();
    assert_eq!((filter.statuses, filter.vehicle_classes, filter.capabilities.0), (0b100_1010, 0b1000, 0b100));
    assert_eq!(filter.time_min_ms, Timestamp::from_millis(85_000));
    let refused = |wire: v1::DriverFilter| {
        text(driver_filter(&wire, &catalog, (15_000, 60_000), Timestamp::from_millis(0)))
    };
    let old = v1::DriverFilter { position_age_max_ms: 60_001, ..Default::default() };
    assert_eq!(refused(old), "position_age_max_ms: 60001, must be at most 60000");
    let unspecified = v1::DriverFilter { statuses: vec![1, 0], ..Default::default() };
    assert_eq!(refused(unspecified), "statuses[1]: 0, must be 1 to 4");
}

#[test]
fn an_availability_narrows_the_available_drivers_only() {
    use v1::{Availability, DriverStatus};
    let mask = |statuses: &[DriverStatus], availabilities: &[Availability]| {
        let wire = v1::DriverFilter {
            statuses: statuses.iter().map(|status| i32::from(*status)).collect(),
            availabilities: availabilities.iter().map(|availability| i32::from(*availability)).collect(),
            ..Default::default()
        };
        let now = Timestamp::from_millis(100_000);
        driver_filter(&wire, &Catalog::default(), (15_000, 60_000), now).map(|filter| filter.statuses)
    };
    assert_eq!(mask(&[], &[]), Ok(0), "any");
    assert_eq!(mask(&[DriverStatus::Available], &[]), Ok(0b100_0010), "free or not connected");
    assert_eq!(mask(&[DriverStatus::Available], &[Availability::Free]), Ok(0b10));
    assert_eq!(mask(&[DriverStatus::Available], &[Availability::Reserved]), Ok(0b10_0000));
    assert_eq!(mask(&[], &[Availability::Free]), Ok(0b1110));
    assert_eq!(mask(&[DriverStatus::OnTrip], &[Availability::Free]), Ok(0b1000));
    assert_eq!(mask(&[DriverStatus::Offline], &[]), Ok(0b1_0000), "no driver in the index, and not any");
    let error = mask(&[], &[Availability::Unspecified]).unwrap_err();
    assert_eq!(error.to_string(), "availabilities[0]: 0, must be 1 to 3");
}
