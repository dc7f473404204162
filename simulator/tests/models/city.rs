//! The city, driven by a fake dispatcher instead of the service.

mod conservation;
mod determinism;
mod evening;
mod fake_dispatcher;
mod one_ride;
mod repositioning;
mod scenario_files;
mod street_driving;

use kerb_simulator::agents::messages::AgentAction;
use kerb_simulator::city::{City, CityInputs, CityRecord};
use kerb_simulator::scenario::{BoundingBox, DemandSource, FleetSource, GeoPoint, Scenario, StreetSource};

use fake_dispatcher::FakeDispatcher;

/// Runs a city to its end; each event arrives at the moment of the action. Returns the record and all actions in order.
fn run(scenario: &Scenario, seed: u64, dispatcher: &mut FakeDispatcher) -> (CityRecord, Vec<AgentAction>) {
    let inputs = CityInputs::load(scenario, None).unwrap();
    let (mut city, mut actions, mut all) = (City::new(&inputs, seed), Vec::new(), Vec::new());
    while let Some(now_ms) = [city.next_ms(), dispatcher.next_ms()].into_iter().flatten().min() {
        if now_ms >= city.ends_ms() {
            break;
        }
        city.step(now_ms, &mut actions);
        for action in actions.drain(..) {
            dispatcher.submit(now_ms, &action);
            all.push(action);
        }
        for event in dispatcher.events(now_ms) {
            city.on_event(now_ms, event);
        }
    }
    (city.into_record(scenario.drained_ms()), all)
}

/// Returns a small city on a grid, at 8 in the morning: 20 drivers for 20 minutes.
fn grid_city() -> Scenario {
    let mut scenario = Scenario::shipped("mega-city").unwrap();
    put_on_grid(&mut scenario);
    scenario.fleet.source = FleetSource::Placed { drivers: 20, shift_h: None };
    (scenario.duration_s, scenario.demand.scale, scenario.faults.gps_noise_m) = (1_200, 0.05, 0.0);
    scenario
}

/// Replaces a scenario's streets by 20 by 20 streets of 2,850 m, with riders anywhere on them.
fn put_on_grid(scenario: &mut Scenario) {
    let center = GeoPoint { lat: 35.68, lon: 139.7 };
    scenario.streets.source = StreetSource::Grid { center, streets: 20, block_m: 150.0 };
    scenario.demand.source = DemandSource::Field {
        rate_per_h: 7_000.0,
        by_hour: Vec::new(),
        pickups: Vec::new(),
        dropoffs: Vec::new(),
        anywhere: 1.0,
        area: BoundingBox { south: 35.668, west: 139.685, north: 35.692, east: 139.715 },
        ride_min_m: 500.0,
    };
}
