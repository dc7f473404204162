//! The checker on made-up histories: it passes an exact index and catches every kind of wrong one.

use std::collections::BTreeMap;

use kerb_geometry::{Circle, LatLng, Origin, hav_to_m};
use kerb_loadgen::checker::{Answer, Fault, FoundDriver, Limits, check_answer};
use kerb_loadgen::city::shifted;
use kerb_loadgen::history::{Fleet, Profile, Sent, Span};
use kerb_loadgen::query::{Filter, Query};
use kerb_ports::Search;
use kerb_types::DriverStatus;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const ALLOWANCE_MS: i64 = 1_000;
const NOW_MS: i64 = 1_000_000;

fn center() -> LatLng {
    LatLng::new(37.77, -122.41).unwrap()
}

fn fleet(drivers: usize) -> Fleet {
    let profile = |i| Profile {
        id: format!("cab-{i:03}"),
        vehicle_class: "standard".to_owned(),
        capabilities: Vec::new(),
    };
    Fleet::new((0..drivers).map(profile).collect(), ALLOWANCE_MS)
}

fn send(fleet: &Fleet, driver: usize, sequence: u64, sent_ms: i64, place: LatLng, status: DriverStatus) {
    let sent = Sent { sent_ms, sequence, time_ms: sent_ms, place, status, certain: true };
    fleet.members()[driver].history().record(sent);
}

/// Drivers in a row to the east, 100 m apart, all long settled.
fn row(drivers: usize) -> Fleet {
    let fleet = fleet(drivers);
    for i in 0..drivers {
        let place = shifted(center(), 100.0 * i as f64, 0.0);
        send(&fleet, i, 1, NOW_MS - 5_000, place, DriverStatus::Available);
    }
    fleet
}

fn nearest(k: u32, radius_m: f64) -> Query {
    let circle = Circle::new(center(), radius_m).unwrap();
    Query { search: Search::Nearest { circle, k }, filter: Filter::default(), page_size: 0 }
}

fn span() -> Span {
    Span { began_ms: NOW_MS, ended_ms: NOW_MS + 10 }
}

fn found(fleet: &Fleet, driver: usize, sent: &Sent) -> FoundDriver {
    let profile = &fleet.members()[driver].profile;
    FoundDriver {
        driver: profile.id.clone(),
        place: sent.place,
        sequence: sent.sequence,
        time_ms: sent.time_ms,
        distance_m: hav_to_m(Origin::new(center()).hav(sent.place)),
        age_ms: NOW_MS + 5 - sent.time_ms,
        status: Some(sent.status),
        vehicle_class: profile.vehicle_class.clone(),
        capabilities: profile.capabilities.clone(),
    }
}

/// The answer of an exact index that shows, of every driver, the update that `pick` takes.
fn index(fleet: &Fleet, query: &Query, pick: impl Fn(usize, &[Sent]) -> Option<Sent>) -> Answer {
    let Search::Nearest { circle, k } = &query.search else { panic!("only nearest here") };
    let mut neighbors = Vec::new();
    for driver in 0..fleet.members().len() {
        let history = fleet.members()[driver].history();
        let all = history.possible(Span { began_ms: i64::MIN / 2, ended_ms: NOW_MS + 5 });
        let all: Vec<_> = all.updates.copied().collect();
        drop(history);
        let Some(sent) = pick(driver, &all) else { continue };
        let fresh = NOW_MS + 5 - sent.time_ms <= 15_000;
        let wanted = query.filter.statuses.is_empty() || query.filter.statuses.contains(&sent.status);
        if sent.status != DriverStatus::Offline && fresh && wanted && circle.contains(sent.place) {
            neighbors.push(found(fleet, driver, &sent));
        }
    }
    neighbors.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
    neighbors.truncate(*k as usize);
    Answer { neighbors, partial: false }
}

fn newest(_: usize, all: &[Sent]) -> Option<Sent> {
    all.last().copied()
}

fn kinds(fleet: &Fleet, query: &Query, answer: &Answer) -> BTreeMap<&'static str, usize> {
    let faults = check_answer(query, answer, span(), fleet, &Limits::default());
    kerb_loadgen::checker::by_kind(&faults).into_iter().collect()
}

fn right_row() -> (Fleet, Query, Answer) {
    let (fleet, query) = (row(10), nearest(5, 2_000.0));
    let answer = index(&fleet, &query, newest);
    assert_eq!(answer.neighbors.len(), 5);
    (fleet, query, answer)
}

#[test]
fn an_exact_answer_is_right() {
    let (fleet, query, answer) = right_row();
    assert!(kinds(&fleet, &query, &answer).is_empty());
}

#[test]
fn a_driver_who_had_to_be_there_is_missed() {
    let (fleet, query, mut answer) = right_row();
    answer.neighbors.remove(2);
    let faults = check_answer(&query, &answer, span(), &fleet, &Limits::default());
    // The answer is no longer full, so nobody within the radius may be missing.
    assert_eq!(faults.iter().filter(|f| matches!(f, Fault::Missing { .. })).count(), 6);
    assert!(faults[0].to_string().starts_with("cab-002 is missing; it was at 37.77"), "{}", faults[0]);
}

#[test]
fn a_farther_driver_in_the_place_of_a_nearer_one_is_caught() {
    let (fleet, query, mut answer) = right_row();
    answer.neighbors[4] = index(&fleet, &nearest(10, 2_000.0), newest).neighbors[7].clone();
    assert_eq!(kinds(&fleet, &query, &answer), BTreeMap::from([("missing", 3)]));
}

#[test]
fn duplicates_wrong_order_wrong_distance_and_too_many_are_caught() {
    let (fleet, query, right) = right_row();
    let changed = |change: &dyn Fn(&mut Vec<FoundDriver>)| {
        let mut answer = right.clone();
        change(&mut answer.neighbors);
        kinds(&fleet, &query, &answer)
    };
    assert_eq!(changed(&|neighbors| neighbors[1] = neighbors[0].clone())["duplicate"], 1);
    assert_eq!(changed(&|neighbors| neighbors.swap(1, 2)), BTreeMap::from([("out_of_order", 1)]));
    assert_eq!(
        changed(&|neighbors| neighbors[1].distance_m += 0.002),
        BTreeMap::from([("wrong_distance", 1)])
    );
    assert!(changed(&|neighbors| neighbors[1].distance_m += 0.000_9).is_empty());
    assert_eq!(changed(&|neighbors| neighbors[3].distance_m = f64::NAN)["wrong_distance"], 1);
    let more = index(&fleet, &nearest(10, 2_000.0), newest).neighbors;
    assert_eq!(changed(&|neighbors| *neighbors = more.clone()), BTreeMap::from([("too_many", 1)]));
}

#[test]
fn strangers_wrong_profiles_wrong_ages_and_drivers_who_do_not_fit_are_caught() {
    let (fleet, query, right) = right_row();
    let changed = |change: &dyn Fn(&mut FoundDriver)| {
        let mut answer = right.clone();
        change(&mut answer.neighbors[4]);
        kinds(&fleet, &query, &answer)
    };
    assert_eq!(changed(&|neighbor| neighbor.driver = "ghost".to_owned())["stranger"], 1);
    assert_eq!(
        changed(&|neighbor| neighbor.vehicle_class = "van".to_owned()),
        BTreeMap::from([("wrong_profile", 1)])
    );
    assert_eq!(changed(&|neighbor| neighbor.age_ms += 3_000), BTreeMap::from([("wrong_age", 1)]));
    assert_eq!(
        changed(&|neighbor| neighbor.status = Some(DriverStatus::OnTrip)),
        BTreeMap::from([("not_possible", 1)])
    );

    let narrow = nearest(5, 350.0);
    assert_eq!(kinds(&fleet, &narrow, &right), BTreeMap::from([("unfit", 1)]));
    let mut filtered = query.clone();
    filtered.filter.statuses = vec![DriverStatus::OnTrip];
    assert_eq!(kinds(&fleet, &filtered, &right), BTreeMap::from([("unfit", 5)]));
}

/// A crowd that moves at random every second for a minute, with a status that changes; every sixth driver signs off
/// some seconds before the end.
fn crowd(rng: &mut Pcg64Mcg) -> Fleet {
    let fleet = fleet(60);
    for driver in 0..60 {
        let mut place =
            shifted(center(), rng.random_range(-1_500.0..1_500.0), rng.random_range(-1_500.0..1_500.0));
        let signs_off = driver % 6 == 5;
        for step in 0..if signs_off { 56 } else { 60_u64 } {
            place = shifted(place, rng.random_range(-60.0..60.0), rng.random_range(-60.0..60.0));
            let any = DriverStatus::ALL[rng.random_range(0..3)];
            let status = if signs_off && step == 55 { DriverStatus::Offline } else { any };
            let at_ms = NOW_MS - 60_000 + step as i64 * 1_000 + rng.random_range(0..1_000);
            send(&fleet, driver, step + 1, at_ms, place, status);
        }
    }
    fleet
}

/// Checks many answers of an index that shows the updates which `pick` selects, and returns how many are wrong.
fn wrong_of(rounds: u64, pick: impl Fn(usize, &[Sent]) -> Option<Sent>) -> u64 {
    let mut wrong = 0;
    for seed in 0..rounds {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let fleet = crowd(&mut rng);
        let mut query = nearest(rng.random_range(1..20), rng.random_range(200.0..3_000.0));
        if rng.random_range(0..2) == 0 {
            query.filter.statuses = vec![DriverStatus::Available];
        }
        let answer = index(&fleet, &query, &pick);
        let faults = check_answer(&query, &answer, span(), &fleet, &Limits::default());
        wrong += u64::from(!faults.is_empty());
    }
    wrong
}

#[test]
fn an_index_that_lags_by_less_than_the_allowance_is_right() {
    // Every driver lags by its own amount: the newest one, or one of 0.1 to 0.9 s ago.
    let lagging = |driver: usize, all: &[Sent]| {
        let until_ms = NOW_MS - 100 * (driver as i64 % 10);
        all.iter().rfind(|s| s.sent_ms <= until_ms).copied()
    };
    assert_eq!(wrong_of(200, newest), 0);
    assert_eq!(wrong_of(200, lagging), 0);
}

#[test]
fn a_stale_index_is_caught() {
    let stale = |_: usize, all: &[Sent]| all.iter().rfind(|s| s.sent_ms <= NOW_MS - 3_000).copied();
    let wrong = wrong_of(200, stale);
    assert!(wrong > 150, "{wrong} of 200 caught");
}

#[test]
fn a_lossy_index_is_caught() {
    // One driver of twenty is lost.
    let lossy = |driver: usize, all: &[Sent]| if driver % 20 == 7 { None } else { all.last().copied() };
    let wrong = wrong_of(200, lossy);
    assert!(wrong > 20, "{wrong} of 200 caught");
}

#[test]
fn an_index_that_keeps_who_went_offline_is_caught() {
    let keeping = |_: usize, all: &[Sent]| all.iter().rfind(|s| s.status != DriverStatus::Offline).copied();
    let wrong = wrong_of(200, keeping);
    assert!(wrong > 10, "{wrong} of 200 caught");
}

#[test]
fn at_the_limit_of_age_both_answers_are_right_and_beyond_it_one() {
    let checked = |age_ms: i64, answered: bool| {
        let fleet = fleet(1);
        send(&fleet, 0, 1, NOW_MS - age_ms, center(), DriverStatus::Available);
        let query = nearest(1, 500.0);
        let sent = *fleet.members()[0].history().newest().unwrap();
        let neighbors = if answered { vec![found(&fleet, 0, &sent)] } else { Vec::new() };
        kinds(&fleet, &query, &Answer { neighbors, partial: false })
    };
    assert!(checked(15_000, true).is_empty() && checked(15_000, false).is_empty());
    assert!(checked(15_900, true).is_empty() && checked(14_100, false).is_empty());
    assert_eq!(checked(13_000, false), BTreeMap::from([("missing", 1)]));
    assert_eq!(checked(17_000, true), BTreeMap::from([("unfit", 1)]));
    assert!(checked(13_000, true).is_empty() && checked(17_000, false).is_empty());
}

#[test]
fn pages_end_where_they_end() {
    let fleet = row(10);
    let circle = Circle::new(center(), 2_000.0).unwrap();
    let search = Search::WithinRadius { circle, limit: 4, after: None };
    let query = Query { search, filter: Filter::default(), page_size: 4 };
    let mut answer = index(&fleet, &nearest(4, 2_000.0), newest);
    assert!(kinds(&fleet, &query, &answer).is_empty());
    answer.neighbors.remove(1);
    assert!(kinds(&fleet, &query, &answer)["missing"] > 1);
}
