//! Conservation: time, meters and requests add up under all faults.

use kerb_simulator::agents::messages::{AgentAction, DriverAction};
use kerb_simulator::city::CityRecord;
use kerb_simulator::metrics::record::{RequestOutcome, RequestRecord};
use kerb_simulator::scenario::{Breaks, FleetSource, RepositionTo, Scenario};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::fake_dispatcher::FakeDispatcher;
use super::{put_on_grid, run};

const CITIES: u64 = 16;

/// Returns a small city with random settings.
fn any_city(rng: &mut Pcg64Mcg) -> Scenario {
    let mut scenario = Scenario::shipped("mega-city").unwrap();
    if rng.random() {
        put_on_grid(&mut scenario);
    }
    scenario.duration_s = rng.random_range(600..5_400);
    scenario.demand.scale = rng.random_range(0.005..0.06);
    let shift_h = rng.random::<bool>().then_some([0.2, 1.0]);
    scenario.fleet.source = FleetSource::Placed { drivers: rng.random_range(1..40), shift_h };
    scenario.riders.random_cancel_rate = rng.random_range(0.0..0.3);
    scenario.riders.patience_s = rng.random_range(20.0..600.0);
    scenario.riders.pickup_patience_s = rng.random_range(60.0..1_200.0);
    scenario.drivers.reposition_after_s = rng.random_range(10.0..400.0);
    scenario.drivers.breaks =
        rng.random::<bool>().then_some(Breaks { every_min: [5.0, 30.0], for_min: [0.0, 10.0] });
    scenario.faults.drop_reports = rng.random_range(0.0..0.3);
    scenario.faults.delay_reports = rng.random_range(0.0..0.3);
    scenario.faults.delay_ms = [10, 20_000];
    scenario.faults.drop_actions = rng.random_range(0.0..0.3);
    scenario.faults.drop_offers = rng.random_range(0.0..0.3);
    scenario.faults.cuts_per_h = rng.random_range(0.0..20.0);
    scenario.faults.cut_s = [0.0, 90.0];
    if rng.random() {
        scenario.drivers.reposition_to = RepositionTo::Shortage;
    }
    scenario
}

#[test]
fn time_meters_and_requests_are_conserved_in_any_city() {
    let mut outcomes = [0_u32; 6];
    for seed in 0..CITIES {
        println!("seed {seed}");
        let mut scenario = any_city(&mut Pcg64Mcg::seed_from_u64(seed));
        let (calm, drains) = (seed % 4 == 0, seed % 8 != 0);
        if !drains {
            (scenario.warm_up_s, scenario.drain_s) = (Some(0), 0);
        }
        scenario.validate().unwrap();
        let mut dispatcher = if calm { FakeDispatcher::new() } else { FakeDispatcher::chaotic(seed) };
        let (record, actions) = run(&scenario, seed, &mut dispatcher);
        check(&scenario, &record, &actions);
        if calm && !drains {
            // A driver may learn of its last drop-off after the end.
            let is_served = |request: &&RequestRecord| request.outcome == RequestOutcome::Served;
            let (trips, served) = (trips(&record), record.requests.iter().filter(is_served).count());
            let knows_its_way = record.requests.iter().filter(|request| request.ride_m.is_some()).count();
            assert!(knows_its_way == trips, "{trips} drop-offs, {knows_its_way} ways");
            assert!(trips <= served && served <= trips + record.drivers.len(), "{trips} and {served}");
        }
        let open = record.requests.iter().filter(|request| request.outcome == RequestOutcome::Open).count();
        // A chaotic dispatcher loses the end of some trips, so their requests stay open.
        assert!(!calm || !drains || open == 0, "{open} requests have not ended in the drain");
        for request in &record.requests {
            outcomes[request.outcome as usize] += 1;
        }
    }
    assert!(outcomes.iter().all(|count| *count > 0), "not every end was met: {outcomes:?}");
}

fn check(scenario: &Scenario, record: &CityRecord, actions: &[AgentAction]) {
    let long_ms = i64::from(scenario.duration_s) * 1_000;
    assert_eq!((record.to_ms - record.from_ms, record.stopped), (long_ms, false));
    let measured_ms = scenario.measured_ms().end - scenario.measured_ms().start;
    for driver in &record.drivers {
        assert_eq!(driver.ms.iter().sum::<i64>(), measured_ms, "{driver:?}");
        assert!(driver.ms.iter().all(|ms| *ms >= 0), "{driver:?}");
        assert!(driver.meters.iter().all(|m| *m >= 0.0), "{driver:?}");
        // Off shift, on a break and while somebody boards nobody drives.
        assert!([0, 3, 5].iter().all(|activity| driver.meters[*activity] < 1e-6), "{driver:?}");
        assert!(driver.declined + driver.unanswered <= driver.offers, "{driver:?}");
    }
    for sample in &record.samples {
        assert_eq!(sample.drivers.iter().sum::<u32>() as usize, record.drivers.len(), "{sample:?}");
    }
    let requests = actions.iter().filter(|action| matches!(action, AgentAction::Request { .. })).count();
    assert_eq!(requests, record.requests.len());
    for request in &record.requests {
        request_is_whole(request, scenario.drained_ms());
    }
    let drop_off =
        |action: &&AgentAction| matches!(action, AgentAction::Trip { action: DriverAction::DropOff, .. });
    assert!(trips(record) <= actions.iter().filter(drop_off).count());
}

fn trips(record: &CityRecord) -> usize {
    record.drivers.iter().map(|driver| driver.trips as usize).sum()
}

fn request_is_whole(request: &RequestRecord, to_ms: i64) {
    let times = [
        Some(request.requested_ms),
        request.accepted_ms,
        request.arrived_ms,
        request.picked_up_ms,
        request.dropped_off_ms,
        Some(to_ms),
    ];
    let known: Vec<i64> = times.into_iter().flatten().collect();
    assert!(known.is_sorted(), "{request:?}");
    assert_eq!(request.dropped_off_ms.is_some(), request.outcome == RequestOutcome::Served, "{request:?}");
    assert_eq!(request.stars.is_some(), request.outcome == RequestOutcome::Served, "{request:?}");
    assert!(request.declined <= request.offers, "{request:?}");
}
