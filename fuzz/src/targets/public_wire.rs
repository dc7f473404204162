//! The messages of `kerb.v1` that apps and gateways send, into typed values. The first byte chooses the message.

use kerb_aggregator::Options;
use kerb_aggregator::validate::{validate, validate_batch};
use kerb_geometry::LatLng;
use kerb_matcher::grpc::validate::{quote_request, ride_request};
use kerb_ports::{DriverNotification, TripAssignment};
use kerb_proto::convert::{Act, Columns, Report, public_position};
use kerb_proto::v1;
use kerb_types::Catalog;
use prost::Message;

const MESSAGES: u8 = 8;

/// Decodes and validates one message.
pub fn target(data: &[u8]) -> bool {
    let Some((kind, bytes)) = data.split_first() else { return false };
    match kind % MESSAGES {
        0 => v1::ConnectRequest::decode(bytes).is_ok_and(from_driver),
        1 => v1::ReportPositionsRequest::decode(bytes).is_ok_and(from_gateway),
        2 => v1::FindNearbyRequest::decode(bytes)
            .is_ok_and(|request| validate(request, &Catalog::default(), &Options::default()).is_ok()),
        3 => v1::FindNearbyBatchRequest::decode(bytes).is_ok_and(|request| {
            validate_batch(request.searches, &Catalog::default(), &Options::default()).is_ok()
        }),
        4 => v1::TripAssignment::decode(bytes).is_ok_and(|wire| TripAssignment::try_from(wire).is_ok()),
        5 => v1::RequestRideRequest::decode(bytes).is_ok_and(|request| {
            let (catalog, options) = (Catalog::default(), kerb_matcher::Options::default());
            ride_request(&request, &catalog, &options).is_ok()
        }),
        6 => v1::QuoteRideRequest::decode(bytes)
            .is_ok_and(|request| quote_request(&request, &Catalog::default()).is_ok()),
        _ => v1::TripEnded::decode(bytes).is_ok_and(|wire| DriverNotification::try_from(wire).is_ok()),
    }
}

fn from_driver(request: v1::ConnectRequest) -> bool {
    match request.message {
        Some(v1::connect_request::Message::Position(position)) => {
            let Ok(report) = Report::try_from(&position) else { return false };
            assert_is_on_lattice(report.position);
            let _public =
                public_position(report.position, report.update_version, report.motion, report.accuracy_dm);
            true
        }
        Some(v1::connect_request::Message::Action(action)) => {
            let Ok(act) = Act::try_from(action) else { return false };
            assert_eq!(Act::try_from(v1::TripAction::from(&act)), Ok(act));
            true
        }
        Some(v1::connect_request::Message::Register(_)) | None => false,
    }
}

fn from_gateway(request: v1::ReportPositionsRequest) -> bool {
    let Some(Ok(columns)) = request.positions.map(Columns::try_from) else { return false };
    let reports: Vec<Report> = columns.rows().filter_map(|(_handle, report)| report.ok()).collect();
    for report in &reports {
        assert_is_on_lattice(report.position);
    }
    !reports.is_empty()
}

fn assert_is_on_lattice(position: LatLng) {
    assert_eq!(LatLng::from_e7(position.lat_e7(), position.lon_e7()), Ok(position));
}

/// One of each message.
pub fn seeds() -> Vec<Vec<u8>> {
    let point = v1::LatLng { latitude_deg: 52.52, longitude_deg: 13.4 };
    let position = v1::PositionUpdate {
        sequence: 7,
        time_ms: 1_700_000_000_000,
        latitude_deg: 52.52,
        longitude_deg: 13.4,
        heading_deg: Some(359.5),
        speed_mps: Some(13.25),
        accuracy_m: Some(5.0),
        status: v1::DriverStatus::Available.into(),
    };
    let decline = v1::trip_action::Action::Decline(v1::DeclineOffer { reason: "a break".into() });
    let action = v1::TripAction { trip_id: "world-17".into(), action: Some(decline) };
    let connect = |message| v1::ConnectRequest { message: Some(message) };
    let columns = v1::PositionColumns {
        handle: vec![1, 2],
        latitude_e7: vec![525_200_000, -900_000_000],
        longitude_e7: vec![134_000_000, 1_800_000_000],
        sequence: vec![7, 8],
        base_time_ms: 1_700_000_000_000,
        time_offset_ms: vec![0, 250],
        heading_cdeg: vec![35_950, 0],
        speed_cmps: vec![1_325, 0],
        accuracy_dm: vec![50, 60],
        status: vec![v1::DriverStatus::Available.into(), v1::DriverStatus::OnBreak.into()],
    };
    let report = v1::ReportPositionsRequest { drivers: Vec::new(), positions: Some(columns) };
    let filter = v1::DriverFilter {
        statuses: vec![v1::DriverStatus::Available.into()],
        vehicle_classes: vec!["standard".into()],
        capabilities: vec!["wheelchair".into()],
        position_age_max_ms: 30_000,
        availabilities: vec![v1::Availability::Free.into()],
    };
    let nearest = v1::FindNearbyRequest {
        search: Some(v1::find_nearby_request::Search::Nearest(v1::NearestSearch {
            point: Some(point),
            k: 5,
            radius_m: 2_000.0,
        })),
        filter: Some(filter),
        h3_resolution: Some(9),
        include_eta: true,
        ..Default::default()
    };
    let radius = v1::RadiusSearch { point: Some(point), radius_m: 500.0 };
    let radius = v1::FindNearbyRequest {
        search: Some(v1::find_nearby_request::Search::WithinRadius(radius)),
        page_size: 20,
        ..Default::default()
    };
    let corner = |latitude_deg, longitude_deg| v1::LatLng { latitude_deg, longitude_deg };
    let polygon = v1::PolygonSearch {
        vertices: vec![corner(52.0, 13.0), corner(52.0, 13.1), corner(52.1, 13.0)],
        holes: vec![v1::PolygonRing {
            vertices: vec![corner(52.01, 13.01), corner(52.01, 13.02), corner(52.02, 13.01)],
        }],
    };
    let polygon = v1::FindNearbyRequest {
        search: Some(v1::find_nearby_request::Search::WithinPolygon(polygon)),
        ..Default::default()
    };
    let assignment = v1::TripAssignment {
        trip_id: "world-17".into(),
        state: v1::TripState::Offered.into(),
        pickup: Some(point),
        dropoff: Some(point),
        pickup_eta_s: 90,
        expires_ms: 17_000,
        party_size: 2,
        travel_source: v1::TravelSource::Roads.into(),
    };
    let ended = v1::TripEnded {
        trip_id: "world-17".into(),
        state: v1::TripState::Expired.into(),
        reason: "expired".into(),
    };
    let dropoff = Some(corner(52.5, 13.5));
    let ride = v1::RequestRideRequest {
        rider_id: "anna".into(),
        idempotency_key: "1".into(),
        pickup: Some(point),
        dropoff,
        vehicle_class: "standard".into(),
        capabilities: vec!["wheelchair".into()],
        party_size: 2,
        wait_max_ms: 60_000,
    };
    let quote = v1::QuoteRideRequest { pickup: Some(point), dropoff, ..Default::default() };
    vec![
        seed(0, &connect(v1::connect_request::Message::Position(position))),
        seed(0, &connect(v1::connect_request::Message::Action(action))),
        seed(1, &report),
        seed(2, &nearest),
        seed(2, &radius),
        seed(2, &polygon),
        seed(3, &v1::FindNearbyBatchRequest { searches: vec![nearest.clone(), radius.clone()] }),
        seed(4, &assignment),
        seed(5, &ride),
        seed(6, &quote),
        seed(7, &ended),
    ]
}

fn seed(kind: u8, message: &impl Message) -> Vec<u8> {
    [&[kind], &message.encode_to_vec()[..]].concat()
}
