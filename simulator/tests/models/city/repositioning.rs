//! Drivers without a trip go where riders are missed.

use kerb_simulator::city::CityRecord;
use kerb_simulator::metrics::record::Activity;
use kerb_simulator::scenario::{DemandSource, HotSpot, RepositionTo, Scenario};

use super::fake_dispatcher::FakeDispatcher;
use super::{grid_city, run};

/// Riders ask in one corner and go to the other one, where their drivers are left.
fn one_way_city(reposition: f64) -> Scenario {
    let mut scenario = grid_city();
    let spot = |lat, lon| HotSpot { lat, lon, spread_m: 150.0, weight: 1.0 };
    if let DemandSource::Field { rate_per_h, pickups, dropoffs, anywhere, .. } = &mut scenario.demand.source {
        (*rate_per_h, *anywhere) = (60.0, 0.0);
        (*pickups, *dropoffs) = (vec![spot(35.671, 139.689)], vec![spot(35.689, 139.711)]);
    }
    (scenario.duration_s, scenario.demand.scale) = (5_400, 1.0);
    scenario.drivers.cruise = 0.0;
    scenario.drivers.reposition = reposition;
    scenario.drivers.reposition_after_s = 60.0;
    scenario.drivers.reposition_to = RepositionTo::Shortage;
    scenario
}

fn city(reposition: f64) -> CityRecord {
    run(&one_way_city(reposition), 5, &mut FakeDispatcher::new()).0
}

fn pickup_m(record: &CityRecord) -> f64 {
    let ways: Vec<f64> = record.requests.iter().filter_map(|request| request.pickup_m).collect();
    ways.iter().sum::<f64>() / ways.len() as f64
}

fn repositioned_m(record: &CityRecord) -> f64 {
    record.drivers.iter().map(|driver| driver.meters[Activity::Repositioning as usize]).sum()
}

#[test]
fn drivers_come_back_to_where_riders_are_missed() {
    let (stay, go) = (city(0.0), city(1.0));
    println!("{:.0} m to a pickup, and {:.0} m when drivers come back", pickup_m(&stay), pickup_m(&go));
    assert!(repositioned_m(&stay).abs() < 1e-9 && repositioned_m(&go) > 10_000.0);
    assert!(pickup_m(&go) < 0.7 * pickup_m(&stay));
    assert_eq!(go, city(1.0), "the same twice");
}
