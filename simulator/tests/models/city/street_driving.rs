//! Drivers keep to the streets, and their positions go with their time.

use kerb_geometry::distance_m;
use kerb_routing::{SnapQuery, Snapper};
use kerb_simulator::agents::messages::AgentAction;
use kerb_simulator::city::{City, CityInputs};
use kerb_simulator::scenario::{GeoPoint, Scenario, StreetSource};

use super::fake_dispatcher::FakeDispatcher;
use super::grid_city;

/// A lattice step is 1.1 cm; a position is rounded, and so are the ends of streets.
const ON_STREET_M: f64 = 0.05;

#[test]
fn without_errors_of_measurement_every_report_is_on_a_street() {
    let mut scenario = grid_city();
    scenario.drivers.cruise = 1.0;
    let inputs = CityInputs::load(&scenario, None).unwrap();
    let roads = inputs.street_map.roads().unwrap();
    let snapper = Snapper::new(roads.network());
    let (_, actions) = super::run(&scenario, 4, &mut FakeDispatcher::new());
    let (mut seen, mut moving) = (0, 0);
    for report in actions {
        let AgentAction::Report { position, speed_mps, .. } = report else { continue };
        let query = SnapQuery { at: position, heading_deg: None, max_m: 1_000.0 };
        let off_m = snapper.snap(query).unwrap().distance_m;
        assert!(off_m < ON_STREET_M, "{off_m} m off at {position}");
        seen += 1;
        moving += u32::from(speed_mps > 0.0);
    }
    assert!(seen > 1_000 && moving > 300, "{moving} of {seen}");
}

#[test]
fn a_driver_is_never_farther_than_its_speed_goes() {
    let scenario = grid_city();
    let inputs = CityInputs::load(&scenario, None).unwrap();
    let fastest_mps = inputs.street_map.roads().unwrap().network().summary().speed_max_m_s;
    let (_, actions) = super::run(&scenario, 9, &mut FakeDispatcher::new());
    let mut last = std::collections::BTreeMap::new();
    for report in actions {
        let AgentAction::Report { driver, measured_ms, position, .. } = report else { continue };
        if let Some((before_ms, before)) = last.insert(driver, (measured_ms, position)) {
            let distance_m = distance_m(before, position);
            let most_m = fastest_mps * (measured_ms - before_ms) as f64 / 1_000.0 + 1.0;
            assert!(distance_m <= most_m, "driver {driver} went {distance_m} m, at most {most_m}");
        }
    }
    assert!(last.len() > 5);
}

#[test]
fn errors_of_measurement_are_as_large_as_said_and_alike_for_a_while() {
    let mut scenario = grid_city();
    (scenario.faults.gps_noise_m, scenario.drivers.cruise, scenario.drivers.reposition) = (10.0, 0.0, 0.0);
    let inputs = CityInputs::load(&scenario, None).unwrap();
    let (mut city, mut actions) = (City::new(&inputs, 1), Vec::new());
    let (mut squares, mut steps, mut count) = (0.0, 0.0, 0.0);
    let mut last = std::collections::BTreeMap::new();
    while let Some(now_ms) = city.next_ms() {
        city.step(now_ms, &mut actions);
        for report in actions.drain(..) {
            let AgentAction::Report { driver, position, .. } = report else { continue };
            let off_m = distance_m(position, city.position(driver, now_ms));
            squares += off_m * off_m;
            count += 1.0;
            if let Some(before) = last.insert(driver, position) {
                steps += distance_m(before, position).powi(2);
            }
        }
    }
    // To each side 10 m, so 200 square meters in all; new from report to report is a share of 2 (1 - 0.9) of it.
    let (mean, step) = (squares / count, steps / count);
    assert!((150.0..250.0).contains(&mean), "{mean}");
    assert!((25.0..60.0).contains(&step), "{step}");
}

#[test]
fn in_a_tunnel_nobody_reports() {
    let mut scenario = grid_city();
    let StreetSource::Grid { center, .. } = scenario.streets.source else { panic!("it is a grid") };
    scenario.faults.tunnels = vec![kerb_simulator::scenario::Tunnel::Circle { center, radius_m: 600.0 }];
    let (_, actions) = super::run(&scenario, 2, &mut FakeDispatcher::new());
    let middle = |GeoPoint { lat, lon }| kerb_geometry::LatLng::new(lat, lon).unwrap();
    let near = actions.iter().filter_map(|action| match action {
        AgentAction::Report { position, .. } => Some(distance_m(*position, middle(center))),
        _ => None,
    });
    let nearest_m = near.fold(f64::INFINITY, f64::min);
    assert!((600.0..900.0).contains(&nearest_m), "{nearest_m}");
}

#[test]
fn slow_hours_are_slow() {
    let mut scenario: Scenario = grid_city();
    let ride_s = |scenario: &Scenario| {
        let (record, _) = super::run(scenario, 6, &mut FakeDispatcher::new());
        let rides =
            record.requests.iter().filter_map(|r| Some((r.dropped_off_ms? - r.picked_up_ms?, r.ride_m?)));
        let (ms, meters) = rides.fold((0, 0.0), |(ms, meters), ride| (ms + ride.0, meters + ride.1));
        ms as f64 / meters
    };
    let quick = ride_s(&scenario);
    scenario.streets.slowness_by_hour = vec![1.0; 24];
    scenario.streets.slowness_by_hour[8] = 2.0;
    let slow = ride_s(&scenario);
    // Other rides are served, on other streets; they differ by less than the hour does.
    assert!((1.7..2.3).contains(&(slow / quick)), "{quick} and {slow} ms a meter");
}
