//! The pure part of a window: candidates, costs, proposals and takeovers.

use kerb_assignment::Policy;
use kerb_matcher::Options;
use kerb_matcher::market::Reservations;
use kerb_matcher::window::{
    Candidates, EnRouteTrip, MatchOutcome, PendingRequest, WindowRules, assign, reoptimize,
};
use kerb_ports::{NearbyResults, Neighbor, TravelTimeTable};
use kerb_trips::TripId;
use kerb_types::{
    Capabilities, DriverProfile, IndexedStatus, Millis, Motion, TravelSource, UpdateVersion, VehicleClass,
};

use crate::fakes::simulated_time::NOW_MS;
use crate::fakes::{driver, north};

fn pending(number: u64, waited_ms: Millis, barred: &[&str]) -> PendingRequest {
    PendingRequest {
        trip: format!("world-{number}").parse().unwrap(),
        pickup: north(0.0),
        vehicle_class: VehicleClass(0),
        capabilities: Capabilities(0),
        barred: barred.iter().map(|name| driver(name)).collect(),
        k: 10,
        waited_ms,
        wait_max_ms: Millis::from_secs(300),
        may_be_deferred: true,
    }
}

/// Rules whose limit of the pickup time does not rise.
fn rules_of(options: Options) -> WindowRules {
    WindowRules::new(&Options { pickup_start_s: 1_800, pickup_max_s: 1_800, ..options })
}

/// Search results with one answer for each list of drivers.
fn answers(lists: &[&[&str]]) -> NearbyResults {
    let neighbor = |name: &&str| Neighbor {
        profile: DriverProfile {
            id: driver(name),
            vehicle_class: VehicleClass(0),
            capabilities: Capabilities(0),
        },
        position: north(100.0),
        hav: 0.0,
        update_version: UpdateVersion::default(),
        motion: Motion::NONE,
        status: IndexedStatus::Available,
    };
    let mut answers = NearbyResults::default();
    for names in lists {
        answers.push(names.iter().map(neighbor).collect(), true);
    }
    answers
}

/// A table whose odd legs have travel times of roads.
fn table(seconds: &[u32]) -> TravelTimeTable {
    let sources = [TravelSource::StraightLine, TravelSource::Roads].into_iter().cycle();
    TravelTimeTable { seconds: seconds.to_vec(), sources: sources.take(seconds.len()).collect() }
}

fn pairs(matched: &MatchOutcome) -> Vec<(u64, &str, u32)> {
    matched.proposals.iter().map(|p| (p.trip.number, p.driver.as_str(), p.pickup_eta_s)).collect()
}

#[test]
fn a_driver_of_two_requests_is_one_origin_and_a_driver_who_declined_is_none() {
    let requests = [pending(1, Millis::new(0), &["a"]), pending(2, Millis::new(0), &[])];
    let answers = answers(&[&["a", "b", "c"], &["b", "a"]]);
    let candidates = Candidates::of(&requests, &answers, &Reservations::new(), NOW_MS);
    assert_eq!(candidates.drivers, [driver("b"), driver("c"), driver("a")]);
    let legs: Vec<_> = candidates.table.legs.iter().map(|leg| (leg.origin, leg.destination)).collect();
    assert_eq!(legs, [(0, 0), (1, 0), (0, 1), (2, 1)]);
    assert_eq!((candidates.table.origins.len(), candidates.table.destinations.len()), (3, 2));
}

#[test]
fn the_batch_policy_minimizes_the_total_and_the_nearest_policy_goes_in_order() {
    let requests = [pending(1, Millis::new(0), &[]), pending(2, Millis::new(0), &[])];
    let candidates =
        Candidates::of(&requests, &answers(&[&["a", "b"], &["a", "b"]]), &Reservations::new(), NOW_MS);
    let table = table(&[60, 90, 70, 400]);
    let batch = assign(&requests, &candidates, &table, &rules_of(Options::default()));
    assert_eq!(pairs(&batch), [(1, "b", 90), (2, "a", 70)]);
    let sources: Vec<_> = batch.proposals.iter().map(|proposal| proposal.travel_source).collect();
    assert_eq!(sources, [TravelSource::Roads, TravelSource::StraightLine], "the sources of their own legs");
    let nearest = Options { policy: Policy::Nearest, ..Options::default() };
    let nearest = assign(&requests, &candidates, &table, &rules_of(nearest));
    assert_eq!(pairs(&nearest), [(1, "a", 60), (2, "b", 400)]);
    assert_eq!((batch.requests, batch.pairs, batch.unmatched.len()), (2, 4, 0));
}

#[test]
fn the_maximum_travel_time_is_inclusive() {
    let requests = [pending(1, Millis::new(0), &[]), pending(2, Millis::new(0), &[])];
    let candidates = Candidates::of(&requests, &answers(&[&["a"], &["b"]]), &Reservations::new(), NOW_MS);
    let matched = assign(&requests, &candidates, &table(&[1_800, 1_801]), &rules_of(Options::default()));
    assert_eq!(pairs(&matched), [(1, "a", 1_800)]);
    assert_eq!(matched.unmatched, ["world-2".parse::<TripId>().unwrap()]);
}

/// A driver is 600 s away. A new request only takes drivers within 300 s; the limit reaches 600 s after a third of the rise
/// to 1,200 s in 300 s.
#[test]
fn a_request_takes_a_far_driver_once_it_has_waited_in_proportion() {
    for (waited_ms, is_offered) in [(0, false), (99_000, false), (100_000, true), (i64::MAX, true)] {
        let requests = [pending(1, Millis::new(waited_ms), &[])];
        let candidates = Candidates::of(&requests, &answers(&[&["a"]]), &Reservations::new(), NOW_MS);
        let matched = assign(&requests, &candidates, &table(&[600]), &WindowRules::new(&Options::default()));
        assert_eq!(pairs(&matched).len(), usize::from(is_offered), "after {waited_ms} ms");
    }
}

/// Two requests share one driver. The nearer one gets the driver, until the other has waited long enough: a second of
/// waiting outweighs `credit` seconds of travel time. Without a credit, the wait does not count.
#[test]
fn a_long_wait_goes_first_when_there_are_too_few_drivers() {
    let half = 0.5;
    for (credit, waited_ms, winner) in [
        (2.0, 0, 1),
        (2.0, 149_000, 1),
        (2.0, 151_000, 2),
        (half, 151_000, 1),
        (half, 599_000, 1),
        (half, 603_000, 2),
        (half, i64::MAX, 2),
        (0.0, 603_000, 1),
        (0.0, i64::MAX, 1),
    ] {
        let requests = [pending(1, Millis::new(0), &[]), pending(2, Millis::new(waited_ms), &[])];
        let candidates = Candidates::of(&requests, &answers(&[&["a"], &["a"]]), &Reservations::new(), NOW_MS);
        let rules = rules_of(Options { wait_credit: credit, ..Options::default() });
        let matched = assign(&requests, &candidates, &table(&[100, 400]), &rules);
        assert_eq!(matched.proposals.len(), 1);
        assert_eq!(matched.proposals[0].trip.number, winner, "credit {credit} after {waited_ms} ms");
    }
}

/// The oldest overdue request with a driver in reach goes first, although a nearer request loses the driver to it.
#[test]
fn a_window_may_serve_an_overdue_request_first() {
    let half_of_the_rise = Millis::from_secs(150);
    let requests = [
        pending(1, half_of_the_rise, &[]),
        pending(2, half_of_the_rise, &[]),
        pending(3, Millis::new(0), &[]),
    ];
    // Only the second and the third one have the driver in reach.
    let answers = answers(&[&["a"], &["a"], &["a"]]);
    let candidates = Candidates::of(&requests, &answers, &Reservations::new(), NOW_MS);
    let table = table(&[751, 290, 10]);
    let rules = WindowRules::new(&Options::default());
    for (serves_overdue, winner) in [(false, 3), (true, 2)] {
        let matched = assign(&requests, &candidates, &table, &rules.serving_overdue(serves_overdue));
        assert_eq!(matched.proposals[0].trip.number, winner);
        assert_eq!(matched.served_overdue, serves_overdue);
    }
    let fresh = [2, 3, 4].map(|number| pending(number, half_of_the_rise + Millis::new(-1), &[]));
    let matched = assign(&fresh, &candidates, &table, &rules.serving_overdue(true));
    assert_eq!((pairs(&matched), matched.served_overdue), (vec![(4, "a", 10)], false), "none is overdue");
}

/// A heading counts while the driver drives.
#[test]
fn the_table_of_a_window_has_the_headings_of_drivers_who_drive() {
    let mut answers = answers(&[&["drives", "stands", "unknown"]]);
    answers.neighbors[0].motion = Motion { heading_cdeg: 9_050, speed_cmps: 1_000 };
    answers.neighbors[1].motion = Motion { heading_cdeg: 9_050, speed_cmps: 50 };
    let candidates =
        Candidates::of(&[pending(1, Millis::new(0), &[])], &answers, &Reservations::new(), NOW_MS);
    assert_eq!(candidates.headings_deg, [Some(90.5), None, None]);
}

/// The en-route trip `number` of driver `name`.
fn en_route_trip(number: u64, name: &str) -> EnRouteTrip {
    EnRouteTrip {
        request: PendingRequest { may_be_deferred: false, ..pending(number, Millis::new(0), &[]) },
        driver: driver(name),
        position: north(200.0),
        has_takeover_offer: false,
    }
}

/// Runs a window of requests and en-route trips. `neighbors` has the free drivers near each row, requests first. `seconds`
/// has the travel times row by row: of the free drivers, then of the en-route drivers (for a trip, only its own).
fn decide(
    requests: &[PendingRequest],
    en_route: &[EnRouteTrip],
    neighbors: &[&[&str]],
    seconds: &[u32],
) -> MatchOutcome {
    let options = Options { policy: Policy::Reoptimize, ..Options::default() };
    let rules = rules_of(options);
    let answers = answers(neighbors);
    let trips = en_route.iter().filter(|trip| !trip.has_takeover_offer).map(|trip| &trip.request);
    let mut candidates = Candidates::of(requests.iter().chain(trips), &answers, &Reservations::new(), NOW_MS);
    candidates.add_en_route(requests, en_route, &rules);
    reoptimize(requests, en_route, &candidates, &table(seconds), &rules)
}

fn moves(matched: &MatchOutcome) -> Vec<(u64, &str, &str, u32)> {
    let reassignments = matched.reassignments.iter();
    reassignments
        .map(|moved| {
            let to = &moved.to;
            (to.trip.number, moved.from.as_str(), to.driver.as_str(), to.pickup_eta_s)
        })
        .collect()
}

/// The minimum gain is 60 s, and a driver within 60 s of the pickup keeps the trip.
#[test]
fn a_trip_is_reassigned_if_that_gains_enough_and_its_driver_is_not_about_to_arrive() {
    for (free_s, own_s, moved) in [(100, 161, true), (100, 159, false), (1, 62, true), (0, 60, false)] {
        let matched = decide(&[], &[en_route_trip(1, "own")], &[&["free"]], &[free_s, own_s]);
        let expected: &[_] = if moved { &[(1, "own", "free", free_s)] } else { &[] };
        assert_eq!(moves(&matched), expected, "{free_s} instead of {own_s}");
        assert_eq!((matched.proposals.len(), matched.unmatched.len(), matched.deferred.len()), (0, 0, 0));
    }
}

/// The request is near the en-route driver. The free driver gets a takeover offer, and the request is deferred until the
/// en-route driver frees up.
#[test]
fn a_request_is_deferred_until_the_driver_frees_up_and_only_for_a_while() {
    let en_route = [en_route_trip(7, "own")];
    // The free driver is 500 s from the request and 250 s from the trip; the trip's own driver 20 s and 300 s.
    let seconds = [500, 20, 250, 300];
    let deferred = decide(&[pending(1, Millis::new(0), &[])], &en_route, &[&["free"], &["free"]], &seconds);
    assert_eq!(moves(&deferred), [(7, "own", "free", 250)]);
    assert_eq!((pairs(&deferred).len(), deferred.deferred.len(), deferred.unmatched.len()), (0, 1, 0));
    let offered = [EnRouteTrip { has_takeover_offer: true, ..en_route_trip(7, "own") }];
    let still = decide(&[pending(1, Millis::new(0), &[])], &offered, &[&["other"]], &[500, 20]);
    assert_eq!((moves(&still).len(), pairs(&still).len(), still.deferred.len()), (0, 0, 1));
    // A request that was deferred too often takes the free driver.
    let patient = PendingRequest { may_be_deferred: false, ..pending(1, Millis::new(0), &[]) };
    let server = decide(&[patient], &en_route, &[&["free"], &["free"]], &[500, 250, 300]);
    assert_eq!((moves(&server), pairs(&server)), (vec![], vec![(1, "free", 500)]));
}

#[test]
fn no_request_lengthens_the_wait_or_takes_the_driver_of_an_en_route_trip() {
    // The request would gain by the en-route driver, but the free driver is farther from that driver's rider.
    let en_route = [en_route_trip(7, "own")];
    let matched =
        decide(&[pending(1, Millis::new(0), &[])], &en_route, &[&["free"], &["free"]], &[900, 10, 301, 300]);
    assert_eq!((moves(&matched), pairs(&matched)), (vec![], vec![(1, "free", 900)]));
    // There is no free driver. Even an endless wait does not take the driver of a trip.
    let alone = decide(&[pending(1, Millis::new(i64::MAX), &[])], &en_route, &[&[], &[]], &[10, 300]);
    assert_eq!((moves(&alone), pairs(&alone)), (vec![], vec![]));
    assert_eq!((alone.unmatched.len(), alone.deferred.len()), (1, 0));
    // Of two trips, the free driver gets the one with the greater gain.
    let two = [en_route_trip(7, "a"), en_route_trip(8, "b")];
    let matched = decide(&[], &two, &[&["free"], &["free"]], &[100, 300, 100, 400]);
    assert_eq!(moves(&matched), [(8, "b", "free", 100)]);
}

/// An en-route driver of another vehicle class cannot serve the request, nor one who declined it.
#[test]
fn a_request_is_only_deferred_for_a_driver_who_can_serve_it() {
    let en_route = [en_route_trip(7, "own")];
    let xl = PendingRequest { vehicle_class: VehicleClass(1), ..pending(1, Millis::new(0), &[]) };
    for request in [xl, pending(1, Millis::new(0), &["own"])] {
        let matched = decide(&[request], &en_route, &[&["free"], &["free"]], &[500, 250, 300]);
        assert_eq!((moves(&matched), pairs(&matched)), (vec![], vec![(1, "free", 500)]));
    }
}
