//! Runs every kind of change next to searches: no execution returns a wrong answer.

use kerb_types::IndexedStatus::{Available, OnBreak, OnTrip};

use crate::seeds;
use crate::world::{CROWD, Report, Scenario, Write, execute, report};

/// Executions of each scenario in a run of all tests.
const ITERATIONS: u64 = 400;

/// Reports `count` drivers from `first` on, at adjacent places from `place` on.
fn line(first: u32, count: u32, place: i32) -> Vec<Report> {
    (0..count).map(|i| report(first + i, place + i as i32)).collect()
}

/// Two groups far enough apart for a leaf each.
fn two_groups() -> Vec<Report> {
    [line(0, 9, -100), line(10, 9, 100)].concat()
}

/// A driver moves from group to group.
pub(crate) fn moves() -> Scenario {
    let to = |place| Write::Reports(vec![report(3, place)]);
    Scenario { fleet: two_groups(), writes: vec![to(105), to(-98), to(108)] }
}

/// A driver that alone has a status moves from group to group, and another one changes its status.
pub(crate) fn changes() -> Scenario {
    let mut fleet = two_groups();
    fleet[3].status = OnTrip;
    let with = |driver, place, status| Write::Reports(vec![Report { driver, place, status }]);
    let writes = vec![
        with(14, 104, OnTrip),
        with(14, 103, Available),
        with(3, 105, OnTrip),
        with(3, 106, OnBreak),
        with(10, 100, Available),
        with(3, -97, OnTrip),
        with(10, 101, Available),
        with(11, 102, Available),
        with(12, 103, Available),
    ];
    Scenario { fleet, writes }
}

/// Drivers move within their leaf.
pub(crate) fn steps() -> Scenario {
    let step = |driver, place| Write::Reports(vec![report(driver, place)]);
    Scenario { fleet: two_groups(), writes: vec![step(3, -97), step(12, 102), step(3, -98), step(4, -95)] }
}

/// A full leaf splits, and other drivers reuse its pages.
pub(crate) fn splits() -> Scenario {
    let fleet = [line(0, 16, -100), line(20, 9, 100), line(30, 6, 300)].concat();
    let go = |first: u32, count: u32, place: i32| Write::Reports(line(first, count, place));
    let writes =
        vec![go(20, 1, -92), go(21, 2, 500), go(30, 2, 502), go(23, 1, -90), go(32, 2, 900), go(34, 2, -700)];
    Scenario { fleet, writes }
}

/// Leaves become empty and merge, and other drivers reuse their pages.
pub(crate) fn merges() -> Scenario {
    let fleet = [line(0, 16, -100), line(20, 9, 100), line(30, 6, 300)].concat();
    let go = |first: u32, count: u32, place: i32| Write::Reports(line(first, count, place));
    let writes = vec![
        go(0, 8, 310),
        go(20, 8, 700),
        Write::Remove(vec![30, 31, 32, 33]),
        go(8, 6, 800),
        go(0, 2, -300),
        go(2, 2, -1_000),
    ];
    Scenario { fleet, writes }
}

/// A crowd at one position forms a chain. Drivers leave it, and others fill the gaps.
pub(crate) fn crowd() -> Scenario {
    let crowd = (0..19).map(|driver| report(driver, CROWD));
    let fleet = crowd.chain(line(30, 4, 100)).collect();
    let go = |driver, place| Write::Reports(vec![report(driver, place)]);
    Scenario { fleet, writes: vec![go(1, 101), go(2, 102), go(30, CROWD), go(4, 103)] }
}

/// Drivers leave, and their slots and records are given to others.
pub(crate) fn newcomers() -> Scenario {
    let mut writes = vec![Write::Remove(vec![3, 12])];
    for (slot, driver) in [(3, 40), (12, 41), (3, 42), (12, 43)] {
        writes.push(Write::Rebind(slot, driver));
    }
    // A position encodes the number of the slot, which is not the driver's here. In the crowd it encodes nothing.
    writes.push(Write::Reports(vec![report(3, CROWD), report(12, CROWD)]));
    Scenario { fleet: two_groups(), writes }
}

/// The shard is emptied.
pub(crate) fn resync() -> Scenario {
    Scenario { fleet: two_groups(), writes: vec![Write::Reports(vec![report(3, 105)]), Write::Resync] }
}

fn no_wrong_answer(scenario: &Scenario) {
    for seed in seeds(ITERATIONS) {
        if let Some(error) = execute(scenario, seed, None) {
            panic!("{error}");
        }
    }
}

#[test]
fn a_move_between_leaves() {
    no_wrong_answer(&moves());
}

#[test]
fn a_change_of_status() {
    no_wrong_answer(&changes());
}

#[test]
fn a_move_within_a_leaf() {
    no_wrong_answer(&steps());
}

#[test]
fn a_split() {
    no_wrong_answer(&splits());
}

#[test]
fn a_merge() {
    no_wrong_answer(&merges());
}

#[test]
fn a_crowd() {
    no_wrong_answer(&crowd());
}

#[test]
fn records_of_others() {
    no_wrong_answer(&newcomers());
}

#[test]
fn an_emptied_shard() {
    no_wrong_answer(&resync());
}
