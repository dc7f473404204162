//! Drivers expire when their positions are too old.

use std::collections::BTreeMap;

use kerb_geometry::{Circle, LatLng};
use kerb_index_server::Index;
use kerb_ports::{Batch, DriverFilter, Search, Slot, Update};
use kerb_types::{IndexedStatus, Millis, Sharding, Timestamp, UpdateVersion};
use rand::RngExt;

use crate::fleet::{NOW_MS, State, apply, bind_slots, index, number_of, rng, run_search, update};

const POSITION_TTL_MS: Millis = Millis::new(60_000);
/// Unit of the index's time. Times in whole units make drivers expire exactly.
const TICK_MS: i64 = 250;

fn run_maintenance(index: &Index, now: Timestamp) {
    index.expire_due(now);
    while index.reclaim_step(now) {}
}

/// All drivers, in order.
fn all(index: &Index) -> Vec<u32> {
    let circle = Circle::new(LatLng::new(37.7, -122.4).unwrap(), 50_000.0).unwrap();
    let search = Search::WithinRadius { circle, limit: 10_000, after: None };
    let shards = Sharding::default().shards_for(&search.area());
    let answer = run_search(index, shards, search, DriverFilter::ANY);
    let mut numbers: Vec<_> =
        answer.neighbors.iter().map(|neighbor| number_of(&neighbor.profile.id)).collect();
    numbers.sort_unstable();
    numbers
}

fn report(number: u32, sequence: u64, time: Timestamp) -> kerb_ports::Update {
    let position = LatLng::new(37.6 + f64::from(number) * 0.0002, -122.4).unwrap();
    let update_version = UpdateVersion { sequence, time };
    update(Sharding::default(), number, State { position, update_version, status: IndexedStatus::Available })
}

#[test]
fn exactly_the_silent_drivers_expire() {
    let seed = 17;
    println!("seed {seed}");
    let (mut rng, mut now) = (rng(seed), NOW_MS);
    let (index, mut stream) = index(Sharding::default(), 2_000);
    apply(&index, &mut stream, &bind_slots(0..1_000), now);
    let mut last_ms = BTreeMap::new();
    for sequence in 1..400 {
        // Some reports come late, and some parts of the fleet are silent for long.
        let (first, many) = (rng.random_range(0..1_000), rng.random_range(0..200));
        let numbers = first..(first + many).min(1_000);
        let updates: Vec<_> = numbers
            .map(|number| {
                let newest = last_ms.get(&number).copied().unwrap_or_default();
                let time_ms = now - Millis::new(TICK_MS * rng.random_range(0..240));
                report(number, sequence, time_ms.max(newest))
            })
            .collect();
        last_ms.extend(updates.iter().map(|update| (update.slot.get(), update.update_version.time)));
        apply(&index, &mut stream, &Batch { updates, ..Batch::default() }, now);
        now += Millis::new(TICK_MS * rng.random_range(0..40));
        run_maintenance(&index, now);
        last_ms.retain(|_, time_ms| now - *time_ms <= POSITION_TTL_MS);
        assert_eq!(all(&index), last_ms.keys().copied().collect::<Vec<_>>());
    }
}

#[test]
fn a_removed_driver_that_returns_with_an_older_time_expires_by_that_time() {
    let (index, mut stream) = index(Sharding::default(), 100);
    apply(&index, &mut stream, &bind_slots(0..1), NOW_MS);
    let mut send = |batch: Batch| apply(&index, &mut stream, &batch, NOW_MS);
    send(Batch { updates: vec![report(0, 1, NOW_MS)], ..Batch::default() });
    send(Batch { removals: vec![Slot::new(0)], ..Batch::default() });
    send(Batch { updates: vec![report(0, 2, NOW_MS - Millis::new(50_000))], ..Batch::default() });
    run_maintenance(&index, NOW_MS + Millis::new(10_000));
    assert_eq!(all(&index), [0]);
    run_maintenance(&index, NOW_MS + Millis::new(10_000) + Millis::new(TICK_MS));
    assert_eq!(all(&index), [0; 0]);
}

/// Drivers of some statuses, in order.
fn with_statuses(index: &Index, statuses: u8) -> Vec<u32> {
    let circle = Circle::new(LatLng::new(37.7, -122.4).unwrap(), 50_000.0).unwrap();
    let search = Search::WithinRadius { circle, limit: 10_000, after: None };
    let shards = Sharding::default().shards_for(&search.area());
    let answer = run_search(index, shards, search, DriverFilter { statuses, ..DriverFilter::ANY });
    answer.neighbors.iter().map(|neighbor| number_of(&neighbor.profile.id)).collect()
}

#[test]
fn a_status_changes_without_a_newer_version() {
    let (index, mut stream) = index(Sharding::default(), 100);
    apply(&index, &mut stream, &bind_slots(0..1), NOW_MS);
    for status in IndexedStatus::ALL {
        let state = Update { status, ..report(0, 1, NOW_MS) };
        apply(&index, &mut stream, &Batch { updates: vec![state], ..Batch::default() }, NOW_MS);
        for other in IndexedStatus::ALL {
            let found = with_statuses(&index, 1 << other as u8);
            assert_eq!(found, if other == status { vec![0] } else { vec![] }, "{status:?}, {other:?}");
        }
    }
    let older = Update { status: IndexedStatus::OnTrip, ..report(0, 0, NOW_MS) };
    apply(&index, &mut stream, &Batch { updates: vec![older], ..Batch::default() }, NOW_MS);
    assert_eq!(
        with_statuses(&index, 1 << IndexedStatus::Unreachable as u8),
        [0],
        "an older version changes nothing"
    );
}

#[test]
fn a_clock_that_is_set_back_stops_no_driver() {
    let (index, mut stream) = index(Sharding::default(), 100);
    apply(&index, &mut stream, &bind_slots(0..2), NOW_MS);
    let mut send = |batch: Batch, now| apply(&index, &mut stream, &batch, now);
    send(Batch { updates: vec![report(0, 0, NOW_MS), report(1, 0, NOW_MS)], ..Batch::default() }, NOW_MS);
    let now = NOW_MS - Millis::new(3_600_000);
    send(Batch { removals: vec![Slot::new(1)], ..Batch::default() }, now);
    assert_eq!(all(&index), [0]);
    let moved = Update { status: IndexedStatus::OnTrip, ..report(0, 0, now) };
    send(Batch { updates: vec![moved, report(1, 0, now)], ..Batch::default() }, now);
    assert_eq!(with_statuses(&index, 1 << IndexedStatus::OnTrip as u8), [0]);
    assert_eq!(all(&index), [0, 1], "no tombstone of the later time bars the driver");
}
