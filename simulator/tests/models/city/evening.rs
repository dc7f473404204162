//! A shipped city is one that a dispatcher can serve.

use kerb_simulator::metrics::record::RequestOutcome;
use kerb_simulator::scenario::Scenario;

use super::fake_dispatcher::FakeDispatcher;
use super::run;

#[test]
fn most_riders_of_the_evening_are_served_and_some_are_not() {
    let mut scenario = Scenario::shipped("sf-evening").unwrap();
    scenario.duration_s = 2_400;
    let (record, _) = run(&scenario, 1, &mut FakeDispatcher::new());
    let mut ends = std::collections::BTreeMap::<RequestOutcome, usize>::new();
    for request in &record.requests {
        *ends.entry(request.outcome).or_default() += 1;
    }
    let open = ends.get(&RequestOutcome::Open).copied().unwrap_or(0);
    let served = ends.get(&RequestOutcome::Served).copied().unwrap_or(0);
    let ended = record.requests.len() - open;
    assert!(ended > 100, "{ends:?}");
    assert!(served * 100 > ended * 60 && served < ended, "{ends:?}");
    let rides = record.requests.iter().filter_map(|r| Some((r.dropped_off_ms? - r.picked_up_ms?, r.ride_m?)));
    let (ms, meters) = rides.fold((0, 0.0), |(ms, meters), ride| (ms + ride.0, meters + ride.1));
    // The streets of the evening are slow: at their limits it would be about 45.
    let kmh = meters / ms as f64 * 3_600.0;
    println!("{ends:?}, {kmh:.1} km/h");
    assert!((13.0..24.0).contains(&kmh), "{kmh} km/h");
}
