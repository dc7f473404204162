//! Validation of options and requests: the error names the field, the value and the valid range.

use kerb_matcher::grpc::validate::ride_request;
use kerb_matcher::options::MarketArea;
use kerb_matcher::{MatcherError, Options};
use kerb_proto::v1::{LatLng, RequestRideRequest};
use kerb_types::{Catalog, Millis};

/// Sets one value to an invalid one.
type Change<T> = Box<dyn FnOnce(&mut T)>;

fn wire() -> RequestRideRequest {
    RequestRideRequest {
        rider_id: "anna".to_owned(),
        idempotency_key: "k".to_owned(),
        pickup: Some(LatLng { latitude_deg: 52.52, longitude_deg: 13.405 }),
        dropoff: Some(LatLng { latitude_deg: 52.53, longitude_deg: 13.405 }),
        vehicle_class: String::new(),
        capabilities: Vec::new(),
        party_size: 0,
        wait_max_ms: 0,
    }
}

fn rejection_of(change: impl FnOnce(&mut RequestRideRequest)) -> String {
    let mut wire = wire();
    change(&mut wire);
    ride_request(&wire, &Catalog::default(), &Options::default()).unwrap_err().to_string()
}

#[test]
fn absent_fields_have_defaults() {
    let request = ride_request(&wire(), &Catalog::default(), &Options::default()).unwrap();
    assert_eq!((request.party_size, request.wait_max_ms), (1, Millis::new(300_000)));
    assert_eq!((request.vehicle_class.0, request.capabilities.0), (0, 0));
}

#[test]
fn a_rejection_of_a_request_names_field_value_and_range() {
    let at = |latitude_deg, longitude_deg| Some(LatLng { latitude_deg, longitude_deg });
    let table: Vec<(Change<RequestRideRequest>, &str)> = vec![
        (Box::new(|w| w.rider_id.clear()), "rider_id: 0 bytes, must be 1 to 64"),
        (Box::new(|w| w.idempotency_key = "k".repeat(65)), "idempotency_key: 65 bytes, must be 1 to 64"),
        (Box::new(|w| w.pickup = None), "pickup: absent, must be given"),
        (Box::new(move |w| w.pickup = at(91.0, 0.0)), "pickup.latitude_deg: 91 is outside -90 to 90 degrees"),
        (
            Box::new(move |w| w.dropoff = at(0.0, f64::NAN)),
            "dropoff.longitude_deg: NaN is outside -180 to 180 degrees",
        ),
        (Box::new(|w| w.dropoff = w.pickup), "dropoff: the same place as pickup, must be another"),
        (
            Box::new(|w| w.vehicle_class = "rocket".to_owned()),
            "vehicle_class: \"rocket\", must be one of standard",
        ),
        (Box::new(|w| w.capabilities = vec!["wings".to_owned()]), "capabilities: \"wings\", must be one of"),
        (Box::new(|w| w.party_size = 17), "party_size: 17, must be 1 to 4 for standard, or 0 for 1"),
        (Box::new(|w| w.wait_max_ms = 999), "wait_max_ms: 999, must be 1000 to 3600000, or 0 for 300000"),
        (Box::new(|w| w.wait_max_ms = 3_600_001), "wait_max_ms: 3600001, must be 1000 to 3600000"),
    ];
    for (change, expected) in table {
        let error = rejection_of(change);
        assert!(error.starts_with(expected), "{error:?}, expected {expected:?}");
    }
}

#[test]
fn a_rejection_names_every_wrong_field() {
    let empty = RequestRideRequest { party_size: 99, wait_max_ms: 1, ..RequestRideRequest::default() };
    let Err(MatcherError::Invalid(errors)) = ride_request(&empty, &Catalog::default(), &Options::default())
    else {
        panic!("taken");
    };
    let fields: Vec<_> = errors.iter().map(|error| error.field.as_ref()).collect();
    assert_eq!(fields, ["rider_id", "idempotency_key", "pickup", "dropoff", "party_size", "wait_max_ms"]);
}

fn area(name: &str, polygon: &[[f64; 2]]) -> MarketArea {
    MarketArea { name: name.to_owned(), polygon: polygon.to_vec(), holes: Vec::new() }
}

#[test]
fn a_rejection_of_options_names_field_value_and_range() {
    assert_eq!(Options::default().validate(), Ok(()));
    let square = [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]];
    let table: Vec<(Change<Options>, &str)> = vec![
        (Box::new(|o| o.offer_ms = 0), "offer_ms: 0, must be 1 or more"),
        (Box::new(|o| o.window_max_ms = 0), "window_max_ms: 0, must be 1 or more"),
        (Box::new(|o| o.window_min_ms = 6_000), "window_min_ms: 6000, must be 1 to 5000"),
        (Box::new(|o| o.pickup_start_s = 0), "pickup_start_s: 0, must be 1 to 1048575"),
        (Box::new(|o| o.pickup_rise_s = 3_601), "pickup_rise_s: 3601, must be 0 to 3600"),
        (Box::new(|o| o.wait_credit = -0.5), "wait_credit: -0.5, must be 0 to 1000"),
        (Box::new(|o| o.wait_credit = f64::NAN), "wait_credit: NaN, must be 0 to 1000"),
        (Box::new(|o| o.wait_credit = f64::INFINITY), "wait_credit: inf, must be 0 to 1000"),
        (Box::new(|o| o.wait_max_ms = 999), "wait_max_ms: 999, must be 1000 to 3600000"),
        (Box::new(|o| o.wait_default_ms = 0), "wait_default_ms: 0, must be 1000 to 3600000"),
        (Box::new(|o| o.candidates_max = 1_001), "candidates_max: 1001, must be 1 to 1000"),
        (Box::new(|o| o.candidates_min = 65), "candidates_min: 65, must be 1 to 64"),
        (Box::new(|o| o.pickup_max_s = 0), "pickup_max_s: 0, must be 1 to 1048575"),
        (Box::new(|o| o.speed_kmh = f64::NAN), "speed_kmh: NaN, must be 1 to 300"),
        (Box::new(|o| o.reoptimize_gain_s = 0), "reoptimize_gain_s: 0, must be 1 to 1048575"),
        (Box::new(|o| o.reoptimize_keep_s = 1 << 20), "reoptimize_keep_s: 1048576, must be 0 to 1048575"),
        (Box::new(|o| o.detour = 0.5), "detour: 0.5, must be 1 to 10"),
        (Box::new(|o| o.solver_threads = 0), "solver_threads: 0, must be 1 to 64"),
        (Box::new(move |o| o.markets = vec![area("a b", &square)]), "markets[0].name: \"a b\", must be"),
        (Box::new(move |o| o.markets = vec![area("a", &square[..2])]), "markets[0].polygon:"),
        (
            Box::new(move |o| o.markets = vec![area("a", &[[91.0, 0.0]])]),
            "markets[0].polygon[0]: latitude: 91 is",
        ),
        (
            Box::new(move |o| {
                o.markets = vec![MarketArea { holes: vec![square.to_vec()], ..area("a", &square) }];
            }),
            "markets[0].holes[0]: polygon: vertices 0 and 0 of hole 0 are both 0.0000000,0.0000000",
        ),
        (
            Box::new(move |o| {
                o.markets = vec![MarketArea { holes: vec![vec![[0.5, 200.0]]], ..area("a", &square) }];
            }),
            "markets[0].holes[0][0]: longitude: 200 is",
        ),
        (
            Box::new(move |o| o.markets = vec![area("a", &square), area("a", &square)]),
            "markets[1].name: a stands twice",
        ),
    ];
    for (change, expected) in table {
        let mut options = Options::default();
        change(&mut options);
        let error = options.validate().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error:?}, expected {expected:?}");
    }
}

#[test]
fn a_party_must_fit_into_its_class() {
    let text = |class: &str, persons| {
        let wire = RequestRideRequest { vehicle_class: class.to_owned(), party_size: persons, ..wire() };
        ride_request(&wire, &Catalog::default(), &Options::default()).map_err(|error| error.to_string())
    };
    assert!(text("standard", 4).is_ok() && text("van", 8).is_ok());
    assert_eq!(text("standard", 16).unwrap_err(), "party_size: 16, must be 1 to 4 for standard, or 0 for 1");
    assert_eq!(text("xl", 7).unwrap_err(), "party_size: 7, must be 1 to 6 for xl, or 0 for 1");
}
