//! The pure part of a window: candidates, costs and proposals.

use kerb_assignment::Policy;
use kerb_matcher::Options;
use kerb_matcher::market::Reservations;
use kerb_matcher::window::{
    Candidates, EnRouteTrip, MatchOutcome, PendingRequest, WindowRules, assign, reoptimize,
};
use kerb_ports::{NearbyResults, Neighbor, TravelTimeTable};
use kerb_trips::TripId;
use kerb_types::{
    Capabilities, DriverProfile, DriverStatus, Motion, TravelSource, UpdateVersion, VehicleClass,
};

use crate::fakes::{driver, north};

fn wanted(number: u64, waited_ms: i64, refused_by: &[&str]) -> PendingRequest {
    PendingRequest {
        trip: format!("world-{number}").parse().unwrap(),
        pickup: north(0.0),
        vehicle_class: VehicleClass(0),
        capabilities: Capabilities(0),
        refused_by: refused_by.iter().map(|name| driver(name)).collect(),
        k: 10,
        waited_ms,
        may_be_deferred: true,
    }
}

/// One answer for each list of drivers.
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
        status: DriverStatus::Available,
    };
    let mut answers = NearbyResults::default();
    for names in lists {
        answers.push(names.iter().map(neighbor).collect(), true);
    }
    answers
}

/// The odd legs are of streets.
fn table(seconds: &[u32]) -> TravelTimeTable {
    let sources = [TravelSource::StraightLine, TravelSource::Roads].into_iter().cycle();
    TravelTimeTable { seconds: seconds.to_vec(), sources: sources.take(seconds.len()).collect() }
}

fn pairs(matched: &MatchOutcome) -> Vec<(u64, &str, u32)> {
    matched.proposals.iter().map(|p| (p.trip.number, p.driver.as_str(), p.pickup_eta_s)).collect()
}

#[test]
fn a_driver_of_two_requests_is_one_origin_and_who_refused_is_none() {
    let wanted = [wanted(1, 0, &["a"]), wanted(2, 0, &[])];
    let answers = answers(&[&["a", "b", "c"], &["b", "a"]]);
    let candidates = Candidates::of(&wanted, &answers, &Reservations::new());
    assert_eq!(candidates.drivers, [driver("b"), driver("c"), driver("a")]);
    let legs: Vec<_> = candidates.table.legs.iter().map(|leg| (leg.origin, leg.destination)).collect();
    assert_eq!(legs, [(0, 0), (1, 0), (0, 1), (2, 1)]);
    assert_eq!((candidates.table.origins.len(), candidates.table.destinations.len()), (3, 2));
}

#[test]
fn all_requests_of_a_window_are_decided_at_once_or_one_after_the_other() {
    let wanted = [wanted(1, 0, &[]), wanted(2, 0, &[])];
    let candidates = Candidates::of(&wanted, &answers(&[&["a", "b"], &["a", "b"]]), &Reservations::new());
    let table = table(&[60, 90, 70, 400]);
    let batch = assign(&wanted, &candidates, &table, &WindowRules::new(&Options::default()));
    assert_eq!(pairs(&batch), [(1, "b", 90), (2, "a", 70)]);
    let sources: Vec<_> = batch.proposals.iter().map(|proposal| proposal.travel_source).collect();
    assert_eq!(sources, [TravelSource::Roads, TravelSource::StraightLine], "of their own legs");
    let nearest = Options { policy: Policy::Nearest, ..Options::default() };
    let nearest = assign(&wanted, &candidates, &table, &WindowRules::new(&nearest));
    assert_eq!(pairs(&nearest), [(1, "a", 60), (2, "b", 400)]);
    assert_eq!((batch.requests, batch.pairs, batch.unmatched.len()), (2, 4, 0));
}

#[test]
fn the_longest_way_is_driven_and_a_longer_one_is_not() {
    let wanted = [wanted(1, 0, &[]), wanted(2, 0, &[])];
    let candidates = Candidates::of(&wanted, &answers(&[&["a"], &["b"]]), &Reservations::new());
    let matched =
        assign(&wanted, &candidates, &table(&[1_800, 1_801]), &WindowRules::new(&Options::default()));
    assert_eq!(pairs(&matched), [(1, "a", 1_800)]);
    assert_eq!(matched.unmatched, ["world-2".parse::<TripId>().unwrap()]);
}

/// Two want one driver. The nearer one gets it, until the other has waited long enough: a second of waiting is two of
/// driving.
#[test]
fn who_waits_longer_goes_first_when_there_are_too_few_drivers() {
    for (waited_ms, winner) in [(0, 1), (149_000, 1), (151_000, 2), (i64::MAX, 2)] {
        let wanted = [wanted(1, 0, &[]), wanted(2, waited_ms, &[])];
        let candidates = Candidates::of(&wanted, &answers(&[&["a"], &["a"]]), &Reservations::new());
        let matched =
            assign(&wanted, &candidates, &table(&[100, 400]), &WindowRules::new(&Options::default()));
        assert_eq!(matched.proposals.len(), 1);
        assert_eq!(matched.proposals[0].trip.number, winner, "after {waited_ms} ms");
    }
}

/// Trip `number` of driver `name`, under way.
fn en_route_trips(number: u64, name: &str) -> EnRouteTrip {
    EnRouteTrip {
        wanted: PendingRequest { may_be_deferred: false, ..wanted(number, 0, &[]) },
        driver: driver(name),
        at: north(200.0),
        asked: false,
    }
}

/// A window of requests and trips under way. `found`: the free drivers around each, requests first. `seconds`: of all legs,
/// row by row: the free drivers, then for a request the drivers under way, for a trip its own.
fn decide(
    requests: &[PendingRequest],
    moving: &[EnRouteTrip],
    found: &[&[&str]],
    seconds: &[u32],
) -> MatchOutcome {
    let options = Options { policy: Policy::Reoptimize, ..Options::default() };
    let rules = WindowRules::new(&options);
    let answers = answers(found);
    let trips = moving.iter().filter(|moving| !moving.asked).map(|moving| &moving.wanted);
    let mut candidates = Candidates::of(requests.iter().chain(trips), &answers, &Reservations::new());
    candidates.add_moving(requests, moving, &rules);
    reoptimize(requests, moving, &candidates, &table(seconds), &rules)
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

/// The least gain is 60 s, and who is within 60 s keeps the trip.
#[test]
fn a_trip_goes_to_a_nearer_driver_when_that_gains_enough_and_its_own_is_not_almost_there() {
    for (free_s, own_s, moved) in [(100, 161, true), (100, 159, false), (1, 62, true), (0, 60, false)] {
        let matched = decide(&[], &[en_route_trips(1, "own")], &[&["free"]], &[free_s, own_s]);
        let expected: &[_] = if moved { &[(1, "own", "free", free_s)] } else { &[] };
        assert_eq!(moves(&matched), expected, "{free_s} instead of {own_s}");
        assert_eq!((matched.proposals.len(), matched.unmatched.len(), matched.deferred.len()), (0, 0, 0));
    }
}

/// A request near the driver under way: who is free takes that one's trip over, and the request waits for the driver.
#[test]
fn a_request_is_held_for_the_driver_who_becomes_free_and_only_so_often() {
    let moving = [en_route_trips(7, "own")];
    // free: 500 s to the request, 250 s to the trip; own: 20 s to the request, 300 s to its trip.
    let seconds = [500, 20, 250, 300];
    let held = decide(&[wanted(1, 0, &[])], &moving, &[&["free"], &["free"]], &seconds);
    assert_eq!(moves(&held), [(7, "own", "free", 250)]);
    assert_eq!((pairs(&held).len(), held.deferred.len(), held.unmatched.len()), (0, 1, 0));
    let asked = [EnRouteTrip { asked: true, ..en_route_trips(7, "own") }];
    let still = decide(&[wanted(1, 0, &[])], &asked, &[&["other"]], &[500, 20]);
    assert_eq!((moves(&still).len(), pairs(&still).len(), still.deferred.len()), (0, 0, 1));
    // Who has been held for long enough takes the free driver.
    let patient = PendingRequest { may_be_deferred: false, ..wanted(1, 0, &[]) };
    let served = decide(&[patient], &moving, &[&["free"], &["free"]], &[500, 250, 300]);
    assert_eq!((moves(&served), pairs(&served)), (vec![], vec![(1, "free", 500)]));
}

#[test]
fn no_rider_waits_longer_and_no_trip_is_left_without_a_driver_for_another() {
    // The request would gain by the driver under way, but the free one is farther from that one's rider.
    let moving = [en_route_trips(7, "own")];
    let matched = decide(&[wanted(1, 0, &[])], &moving, &[&["free"], &["free"]], &[900, 10, 301, 300]);
    assert_eq!((moves(&matched), pairs(&matched)), (vec![], vec![(1, "free", 900)]));
    // Nobody is free: a request that waits for ever takes nobody's driver.
    let alone = decide(&[wanted(1, i64::MAX, &[])], &moving, &[&[], &[]], &[10, 300]);
    assert_eq!((moves(&alone), pairs(&alone)), (vec![], vec![]));
    assert_eq!((alone.unmatched.len(), alone.deferred.len()), (1, 0));
    // Two trips and one free driver: the one that gains more.
    let two = [en_route_trips(7, "a"), en_route_trips(8, "b")];
    let matched = decide(&[], &two, &[&["free"], &["free"]], &[100, 300, 100, 400]);
    assert_eq!(moves(&matched), [(8, "b", "free", 100)]);
}

/// A driver under way is asked for no other class than its own, and for nobody whom it refused.
#[test]
fn a_request_is_held_only_for_a_driver_who_could_take_it() {
    let moving = [en_route_trips(7, "own")];
    let xl = PendingRequest { vehicle_class: VehicleClass(1), ..wanted(1, 0, &[]) };
    for request in [xl, wanted(1, 0, &["own"])] {
        let matched = decide(&[request], &moving, &[&["free"], &["free"]], &[500, 250, 300]);
        assert_eq!((moves(&matched), pairs(&matched)), (vec![], vec![(1, "free", 500)]));
    }
}
