//! One street, one driver, one rider: every millisecond and meter by hand.

use kerb_simulator::agents::messages::{ActionOutcome, AgentAction, AgentEvent, DriverAction, DriverNumber};
use kerb_simulator::city::{City, CityInputs};
use kerb_simulator::metrics::record::RequestOutcome;
use kerb_simulator::scenario::Scenario;
use kerb_trips::TripState;
use kerb_types::DriverStatus;

/// A street from west to east of 1,200 m at 30 km/h, which takes 144 s. The rider waits at its beginning and goes to
/// its end; the driver stands at the rider's pickup, because that is where demand is.
fn scenario(folder: &std::path::Path) -> Scenario {
    let nodes = "node_id,lat,lon\n1,0.0,10.0\n2,0.0,10.01\n";
    let edges = "from_node,to_node,length_m,highway\n1,2,1200,residential\n2,1,1200,residential\n";
    let trips = "request_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,passengers\n\
        2026-01-01T00:01:00Z,0.0,10.0,0.0,10.01,2\n";
    let starts = "time,cab_id,lat,lon\n2025-12-31T23:00:00Z,a,0.0,10.0075\n";
    for (name, text) in [("n.csv", nodes), ("e.csv", edges), ("t.csv", trips), ("s.csv", starts)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let text = r#"
        name = "tiny"
        from = "2026-01-01T00:00:00Z"
        duration_s = 600
        warm_up_s = 0
        sample_every_s = 300
        streets.source = { kind = "csv", nodes = "n.csv", edges = "e.csv" }
        demand.source = { kind = "trips", file = "t.csv" }
        fleet.source = { kind = "starts", file = "s.csv" }
        riders = { random_cancel_rate = 0.0, boarding_s = [20.0, 20.0] }
        drivers = { think_ms = [4000, 4000], decline = 0.0, decline_per_min = 0.0, offer_timeout_rate = 0.0, cruise = 0.0, reposition = 0.0 }
    "#;
    let path = folder.join("tiny.toml");
    std::fs::write(&path, text).unwrap();
    Scenario::read(&path).unwrap()
}

/// An action of the driver, and its time since the beginning.
type Act = (i64, DriverAction);
/// Time since the beginning, longitude, status, speed in mm/s, and heading of a driver that moves.
type Report = (i64, f64, DriverStatus, i64, Option<i64>);

/// Runs the city to its end, with a service that offers the ride at once.
fn ride(scenario: &Scenario) -> (City, Vec<Act>, Vec<Report>) {
    let inputs = CityInputs::load(scenario, None).unwrap();
    let mut city = City::new(&inputs, 1);
    let from_ms = city.from_ms();
    let trip = || "t".to_owned();
    let (mut actions, mut acts, mut reports) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(now_ms) = city.next_ms() {
        city.step(now_ms, &mut actions);
        for action in actions.drain(..) {
            match action {
                AgentAction::Request { request, pickup, dropoff, passengers, .. } => {
                    assert_eq!((now_ms - from_ms, passengers), (60_000, 2));
                    city.on_event(now_ms, AgentEvent::RequestAccepted { request, trip: trip() });
                    let state = TripState::Offered;
                    let eta_s = Some(108);
                    let driver = DriverNumber(0);
                    city.on_event(
                        now_ms,
                        AgentEvent::Assignment { driver, trip: trip(), state, pickup, dropoff, eta_s },
                    );
                }
                AgentAction::Trip { driver, action, .. } => {
                    acts.push((now_ms - from_ms, action));
                    let outcome = ActionOutcome::Applied;
                    city.on_event(now_ms, AgentEvent::ActionResult { driver, trip: trip(), action, outcome });
                }
                AgentAction::Report { position, status, speed_mps, heading_deg, .. } => {
                    let speed = (speed_mps * 1_000.0).round() as i64;
                    let heading = (speed > 0).then_some(heading_deg.round() as i64);
                    reports.push((now_ms - from_ms, position.lon_deg(), status, speed, heading));
                }
                AgentAction::Cancel { .. } | AgentAction::SwitchPolicy { .. } => {
                    panic!("neither the rider nor an operator acts")
                }
            }
        }
    }
    (city, acts, reports)
}

#[test]
fn one_ride_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let (city, acts, reports) = ride(&scenario(folder.path()));
    let from_ms = city.from_ms();
    // 900 m to the pickup at 30 km/h: 108 s; 1,200 m with the rider: 144 s.
    let accepted = 64_000;
    let arrived = accepted + 108_000;
    let picked_up = arrived + 20_000;
    let dropped_off = picked_up + 144_000;
    assert_eq!(
        acts,
        [
            (accepted, DriverAction::Accept),
            (arrived, DriverAction::Arrive),
            (picked_up, DriverAction::PickUp),
            (dropped_off, DriverAction::DropOff)
        ]
    );
    let at = |ms: i64| reports.iter().find(|report| report.0 == ms).copied();
    assert_eq!(at(0), Some((0, 10.007_5, DriverStatus::Available, 0, None)));
    // A third of the way to the pickup, toward the west.
    assert_eq!(at(accepted + 36_000), Some((100_000, 10.005, DriverStatus::OnTrip, 8_333, Some(270))));
    assert_eq!(at(dropped_off), Some((336_000, 10.01, DriverStatus::Available, 0, None)));

    let record = city.into_record(from_ms + 600_000);
    let request = &record.requests[0];
    assert_eq!(request.outcome, RequestOutcome::Served);
    let after = |ms: Option<i64>| ms.map(|ms| ms - from_ms);
    assert_eq!(after(request.accepted_ms), Some(accepted));
    assert_eq!(after(request.arrived_ms), Some(arrived));
    assert_eq!(after(request.picked_up_ms), Some(picked_up));
    assert_eq!(after(request.dropped_off_ms), Some(dropped_off));
    assert_eq!((request.offers, request.declined, request.driver), (1, 0, Some(DriverNumber(0))));
    // From the request to the ride 132 s: five stars.
    assert_eq!(request.stars, Some(5));
    let meters = |m: Option<f64>| (m.unwrap() * 100.0).round();
    assert_eq!((meters(request.pickup_m), meters(request.ride_m)), (90_000.0, 120_000.0));

    let driver = &record.drivers[0];
    let idle = 600_000 - (dropped_off - accepted);
    assert_eq!(driver.ms, [0, idle, 0, 0, 108_000, 20_000, 144_000]);
    assert_eq!(driver.meters.map(|m| (m * 100.0).round() as i64), [0, 0, 0, 0, 90_000, 0, 120_000]);
    assert_eq!((driver.trips, driver.offers), (1, 1));
    assert_eq!(record.samples.len(), 2);
    assert_eq!(record.samples[1].drivers, [0, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn the_warm_up_is_not_measured() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = Scenario { warm_up_s: Some(200), ..scenario(folder.path()) };
    let (city, ..) = ride(&scenario);
    let record = city.into_record(scenario.drained_ms());
    // The rider boards at 192 s and gets out at 336 s.
    assert_eq!(record.drivers[0].ms, [0, 264_000, 0, 0, 0, 0, 136_000]);
    // 136 of the 144 seconds of a ride of 1,200 m.
    assert_eq!(record.drivers[0].meters.map(|m| m.round() as i64), [0, 0, 0, 0, 0, 0, 1_133]);
    assert_eq!(record.drivers[0].trips, 1);
    assert_eq!(record.measured_ms, scenario.from_ms() + 200_000..scenario.from_ms() + 600_000);
}

#[test]
fn a_ride_at_the_end_is_finished_in_the_drain_and_its_end_is_not_measured() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = Scenario { duration_s: 300, ..scenario(folder.path()) };
    let (city, acts, _) = ride(&scenario);
    assert_eq!(acts.last(), Some(&(336_000, DriverAction::DropOff)));
    assert_eq!(city.ends_ms(), scenario.from_ms() + 336_000, "the run ends with the last request");
    let record = city.into_record(scenario.drained_ms());
    assert_eq!((record.requests[0].outcome, record.stopped), (RequestOutcome::Served, false));
    assert_eq!(record.to_ms, scenario.to_ms());
    assert_eq!(record.drivers[0].ms, [0, 64_000, 0, 0, 108_000, 20_000, 108_000]);
    assert_eq!(record.drivers[0].trips, 0);

    let cut = Scenario { drain_s: 0, ..scenario };
    let record = ride(&cut).0.into_record(cut.drained_ms());
    assert_eq!((record.requests[0].outcome, record.stopped), (RequestOutcome::Open, false));
}
