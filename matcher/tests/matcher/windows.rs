//! The pure part of a window: candidates, costs and proposals.

use kerb_fleet::{
    Capabilities, DriverCard, DriverStatus, Hit, Motion, NearAnswers, Stamp, Table, TravelSource, TripId,
    VehicleClass,
};
use kerb_matcher::Options;
use kerb_matcher::assign::Policy;
use kerb_matcher::market::Claims;
use kerb_matcher::window::{Candidates, Matched, Wanted, WindowRules, assign};

use crate::fakes::{driver, north};

fn wanted(number: u64, waited_ms: i64, refused_by: &[&str]) -> Wanted {
    Wanted {
        trip: format!("world-{number}").parse().unwrap(),
        pickup: north(0.0),
        vehicle_class: VehicleClass(0),
        capabilities: Capabilities(0),
        refused_by: refused_by.iter().map(|name| driver(name)).collect(),
        k: 10,
        waited_ms,
    }
}

/// One answer for each list of drivers.
fn answers(lists: &[&[&str]]) -> NearAnswers {
    let hit = |name: &&str| Hit {
        card: DriverCard { id: driver(name), vehicle_class: VehicleClass(0), capabilities: Capabilities(0) },
        position: north(100.0),
        hav: 0.0,
        stamp: Stamp::default(),
        motion: Motion::NONE,
        status: DriverStatus::Available,
    };
    let mut answers = NearAnswers::default();
    lists.iter().for_each(|names| answers.push(names.iter().map(hit).collect(), true));
    answers
}

/// The odd legs are of streets.
fn table(seconds: &[u32]) -> Table {
    let sources = [TravelSource::StraightLine, TravelSource::Roads].into_iter().cycle();
    Table { seconds: seconds.to_vec(), sources: sources.take(seconds.len()).collect() }
}

fn pairs(matched: &Matched) -> Vec<(u64, &str, u32)> {
    matched.proposals.iter().map(|p| (p.trip.number, p.driver.as_str(), p.pickup_eta_s)).collect()
}

#[test]
fn a_driver_of_two_requests_is_one_origin_and_who_refused_is_none() {
    let wanted = [wanted(1, 0, &["a"]), wanted(2, 0, &[])];
    let answers = answers(&[&["a", "b", "c"], &["b", "a"]]);
    let candidates = Candidates::of(&wanted, &answers, &Claims::new());
    assert_eq!(candidates.drivers, [driver("b"), driver("c"), driver("a")]);
    let legs: Vec<_> = candidates.table.legs.iter().map(|leg| (leg.origin, leg.destination)).collect();
    assert_eq!(legs, [(0, 0), (1, 0), (0, 1), (2, 1)]);
    assert_eq!((candidates.table.origins.len(), candidates.table.destinations.len()), (3, 2));
}

#[test]
fn all_requests_of_a_window_are_decided_at_once_or_one_after_the_other() {
    let wanted = [wanted(1, 0, &[]), wanted(2, 0, &[])];
    let candidates = Candidates::of(&wanted, &answers(&[&["a", "b"], &["a", "b"]]), &Claims::new());
    let table = table(&[60, 90, 70, 400]);
    let batch = assign(&wanted, &candidates, &table, &WindowRules::new(&Options::default()));
    assert_eq!(pairs(&batch), [(1, "b", 90), (2, "a", 70)]);
    let sources: Vec<_> = batch.proposals.iter().map(|proposal| proposal.travel_source).collect();
    assert_eq!(sources, [TravelSource::Roads, TravelSource::StraightLine], "of their own legs");
    let nearest = Options { policy: Policy::Nearest, ..Options::default() };
    let nearest = assign(&wanted, &candidates, &table, &WindowRules::new(&nearest));
    assert_eq!(pairs(&nearest), [(1, "a", 60), (2, "b", 400)]);
    assert_eq!((batch.requests, batch.pairs, batch.left_out.len()), (2, 4, 0));
}

#[test]
fn the_longest_way_is_driven_and_a_longer_one_is_not() {
    let wanted = [wanted(1, 0, &[]), wanted(2, 0, &[])];
    let candidates = Candidates::of(&wanted, &answers(&[&["a"], &["b"]]), &Claims::new());
    let matched =
        assign(&wanted, &candidates, &table(&[1_800, 1_801]), &WindowRules::new(&Options::default()));
    assert_eq!(pairs(&matched), [(1, "a", 1_800)]);
    assert_eq!(matched.left_out, ["world-2".parse::<TripId>().unwrap()]);
}

/// Two want one driver. The nearer one gets it, until the other has waited long enough: a second of waiting is two of
/// driving.
#[test]
fn who_waits_longer_goes_first_when_there_are_too_few_drivers() {
    for (waited_ms, winner) in [(0, 1), (149_000, 1), (151_000, 2), (i64::MAX, 2)] {
        let wanted = [wanted(1, 0, &[]), wanted(2, waited_ms, &[])];
        let candidates = Candidates::of(&wanted, &answers(&[&["a"], &["a"]]), &Claims::new());
        let matched =
            assign(&wanted, &candidates, &table(&[100, 400]), &WindowRules::new(&Options::default()));
        assert_eq!(matched.proposals.len(), 1);
        assert_eq!(matched.proposals[0].trip.number, winner, "after {waited_ms} ms");
    }
}
