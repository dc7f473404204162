//! The city in the machine, driven by a tiny dispatcher instead of the service.

mod conserved;
mod double;
mod evening;
mod repositioning;
mod same;
mod scenarios;
mod tiny;
mod ways;

use kerb_simulator::lab::city::{City, CityRecord};
use kerb_simulator::lab::message::Said;
use kerb_simulator::lab::scenario::{Box2, DemandSource, FleetSource, Place, Scenario, StreetSource};

use double::Double;

/// Runs a city to its end, each answer at the moment of the query. Everything that was said, in order.
fn run(scenario: &Scenario, seed: u64, double: &mut Double) -> (CityRecord, Vec<Said>) {
    let loaded = scenario.load(None).unwrap();
    let (mut city, mut said, mut all) = (City::new(&loaded, seed), Vec::new(), Vec::new());
    while let Some(now_ms) = [city.next_ms(), double.next_ms()].into_iter().flatten().min() {
        if now_ms >= city.to_ms() {
            break;
        }
        city.step(now_ms, &mut said);
        for message in said.drain(..) {
            double.take(now_ms, &message);
            all.push(message);
        }
        for heard in double.answers(now_ms) {
            city.hear(now_ms, heard);
        }
    }
    (city.into_record(scenario.to_ms()), all)
}

/// A small city on a grid, at 8 in the morning: 20 drivers for 20 minutes.
fn grid_city() -> Scenario {
    let mut scenario = Scenario::shipped("mega-city").unwrap();
    on_a_grid(&mut scenario);
    scenario.fleet.source = FleetSource::Placed { drivers: 20, shift_h: None };
    (scenario.duration_s, scenario.demand.scale, scenario.faults.gps_noise_m) = (1_200, 0.05, 0.0);
    scenario
}

/// Puts a scenario on 20 by 20 streets of 2,850 m, with riders anywhere on them.
fn on_a_grid(scenario: &mut Scenario) {
    let center = Place { lat: 35.68, lon: 139.7 };
    scenario.streets.source = StreetSource::Grid { center, streets: 20, block_m: 150.0 };
    scenario.demand.source = DemandSource::Field {
        rate_per_h: 7_000.0,
        by_hour: Vec::new(),
        pickups: Vec::new(),
        dropoffs: Vec::new(),
        anywhere: 1.0,
        area: Box2 { south: 35.668, west: 139.685, north: 35.692, east: 139.715 },
        ride_min_m: 500.0,
    };
}
