//! Who is newer, and the reverse index, against plain maps.

use std::collections::{BTreeMap, BTreeSet};

use kerb_location_ingest::{Applied, DriverTable, Pace, RateLimit, Stale};
use kerb_ports::Error;
use kerb_types::{DriverStatus, ShardId, UpdateVersion};
use proptest::prelude::*;

use crate::fixture::{NOW_MS, place, profile, report, sharding};

/// The reverse index of a table, by looking at every entry.
fn recomputed(table: &DriverTable) -> BTreeMap<ShardId, BTreeSet<u32>> {
    let mut lists: BTreeMap<ShardId, BTreeSet<u32>> = BTreeMap::new();
    for slot in 0..table.slots_end() {
        if let Some(state) = table.state(slot).filter(|state| state.listed) {
            lists.entry(state.shard).or_default().insert(slot);
        }
    }
    lists
}

fn assert_reverse_index(table: &DriverTable) {
    let truth = recomputed(table);
    for shard in table.sharding().all() {
        let listed = table.slots_in([shard]);
        let wanted: Vec<_> = truth.get(&shard).into_iter().flatten().copied().collect();
        assert_eq!(listed, wanted, "shard {shard}");
    }
    assert_eq!(table.searchable(), truth.values().map(BTreeSet::len).sum());
}

#[derive(Clone, Debug)]
enum Step {
    Report { driver: usize, place: u64, sequence: u64, time_ms: i64, status: Option<DriverStatus> },
    Unlist { driver: usize },
    Retire { driver: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop::option::of(prop::sample::select(DriverStatus::ALL.to_vec()));
    prop_oneof![
        8 => (0..20_usize, 0..200_u64, 0..30_u64, 0..30_i64, status)
            .prop_map(|(driver, place, sequence, time_ms, status)| Step::Report { driver, place, sequence, time_ms, status }),
        1 => (0..20_usize).prop_map(|driver| Step::Unlist { driver }),
        1 => (0..20_usize).prop_map(|driver| Step::Retire { driver }),
    ]
}

proptest! {
    #[test]
    fn the_newest_wins_and_the_lists_follow(steps in prop::collection::vec(step(), 1..300)) {
        let table = DriverTable::new(sharding(), 64);
        let mut truth: BTreeMap<usize, (UpdateVersion, u64, DriverStatus)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Report { driver, place: at, sequence, time_ms, status } => {
                    let enrolled = table.enrol(&profile(driver), |_| ()).unwrap();
                    let mut report = report(place(at), sequence, time_ms);
                    report.status = status;
                    let applied = table.apply(&enrolled, &report, NOW_MS, RateLimit::NONE).unwrap();
                    let before = truth.get(&driver).copied();
                    if before.is_none_or(|(update_version, ..)| report.update_version > update_version) {
                        prop_assert_eq!(applied, Applied::Newest(Pace::Fine));
                        let status = status.or(before.map(|(_, _, status)| status));
                        truth.insert(driver, (report.update_version, at, status.unwrap_or(DriverStatus::Available)));
                    } else {
                        prop_assert_eq!(applied, Applied::Late);
                    }
                }
                Step::Unlist { driver } => if let Some(slot) = table.slot(&profile(driver).id) {
                    table.unlist_if(slot, |_| true);
                },
                Step::Retire { driver } => if let Some(slot) = table.slot(&profile(driver).id) {
                    prop_assert!(table.retire(slot, |_| true));
                    table.release(slot);
                    truth.remove(&driver);
                },
            }
        }
        for (driver, (update_version, at, status)) in truth {
            let state = table.state(table.slot(&profile(driver).id).unwrap()).unwrap();
            prop_assert_eq!((state.update_version, state.position, state.status), (update_version, place(at), status));
        }
        assert_reverse_index(&table);
    }

    /// Whatever the order in which the updates of two streams come, the newest stays.
    #[test]
    fn interleaved_streams_end_at_the_newest(
        mut updates in prop::collection::vec((0..50_u64, 0..50_i64, 0..400_u64), 1..60),
        order in any::<prop::sample::Index>(),
    ) {
        let table = DriverTable::new(sharding(), 8);
        let streams = [table.enrol(&profile(0), |_| ()).unwrap(), table.enrol(&profile(0), |_| ()).unwrap()];
        let turn = order.index(updates.len());
        updates.rotate_left(turn);
        for (i, (sequence, time_ms, at)) in updates.iter().enumerate() {
            table.apply(&streams[i % 2], &report(place(*at), *sequence, *time_ms), NOW_MS, RateLimit::NONE).unwrap();
        }
        let newest = updates.iter().map(|(sequence, time_ms, _)| UpdateVersion { sequence: *sequence, time_ms: *time_ms }).max();
        prop_assert_eq!(table.state(0).map(|state| state.update_version), newest);
    }
}

#[test]
fn a_full_table_says_so_and_a_retired_driver_makes_room() {
    let table = DriverTable::new(sharding(), 2);
    let first = table.enrol(&profile(0), |_| ()).unwrap();
    table.enrol(&profile(1), |_| ()).unwrap();
    let full = Error::Overloaded { what: "drivers of this node", limit: 2 };
    assert_eq!(table.enrol(&profile(2), |_| ()).unwrap_err(), full);
    assert!(table.retire(first.slot, |_| true));
    table.release(first.slot);
    let third = table.enrol(&profile(2), |_| ()).unwrap();
    assert_eq!(third.slot, first.slot);
    let late = table.apply(&first, &report(place(0), 1, 1), NOW_MS, RateLimit::NONE);
    assert_eq!(late, Err(Stale), "the first driver's handle does not write into the third's entry");
    assert_eq!(table.len(), 2);
}

#[test]
fn writers_on_all_threads_leave_a_whole_table() {
    let table = DriverTable::new(sharding(), 1_000);
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let table = &table;
            scope.spawn(move || {
                for round in 0..200_u64 {
                    for driver in 0..100 {
                        let enrolled = table.enrol(&profile(driver), |_| ()).unwrap();
                        let at = place(driver as u64 * 7 + round * 13 + thread);
                        let _ = table.apply(
                            &enrolled,
                            &report(at, round * 4 + thread + 1, 1),
                            NOW_MS,
                            RateLimit::NONE,
                        );
                    }
                }
            });
        }
    });
    assert_reverse_index(&table);
    assert!((0..100).all(|slot| table.state(slot).unwrap().update_version.sequence == 800));
}
