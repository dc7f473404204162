//! Compares the table and the reverse index with plain maps.

use std::collections::{BTreeMap, BTreeSet};

use kerb_location_ingest::{DriverTable, IngestError, Pace, RateLimit, StaleSlot, UpdateOutcome};
use kerb_ports::Slot;
use kerb_types::{DriverStatus, ShardId, Timestamp, UpdateVersion};
use proptest::prelude::*;

use crate::fixture::{NOW_MS, place, profile, report, sharding};

/// Computes the reverse index of a table from all entries.
fn recomputed(table: &DriverTable) -> BTreeMap<ShardId, BTreeSet<Slot>> {
    let mut lists: BTreeMap<ShardId, BTreeSet<Slot>> = BTreeMap::new();
    for slot in (0..table.slots_end().get()).map(Slot::new) {
        if let Some(state) = table.state(slot).filter(|state| state.indexed) {
            lists.entry(state.shard).or_default().insert(slot);
        }
    }
    lists
}

fn assert_reverse_index(table: &DriverTable) {
    let truth = recomputed(table);
    for shard in table.sharding().all() {
        let indexed = table.slots_in([shard]);
        let wanted: Vec<_> = truth.get(&shard).into_iter().flatten().copied().collect();
        assert_eq!(indexed, wanted, "shard {shard}");
    }
    assert_eq!(table.searchable(), truth.values().map(BTreeSet::len).sum());
}

#[derive(Clone, Debug)]
enum TableStep {
    Report { driver: usize, place: u64, sequence: u64, time_ms: Timestamp, status: Option<DriverStatus> },
    Deindex { driver: usize },
    Retire { driver: usize },
}

fn step() -> impl Strategy<Value = TableStep> {
    let status = prop::option::of(prop::sample::select(DriverStatus::ALL.to_vec()));
    prop_oneof![
        8 => (0..20_usize, 0..200_u64, 0..30_u64, 1..30_i64, status)
            .prop_map(|(driver, place, sequence, time_ms, status)| TableStep::Report { driver, place, sequence, time_ms: Timestamp::from_millis(time_ms), status }),
        1 => (0..20_usize).prop_map(|driver| TableStep::Deindex { driver }),
        1 => (0..20_usize).prop_map(|driver| TableStep::Retire { driver }),
    ]
}

proptest! {
    #[test]
    fn the_newest_update_wins_and_the_reverse_index_follows(steps in prop::collection::vec(step(), 1..300)) {
        let table = DriverTable::new(sharding(), 64);
        let mut truth: BTreeMap<usize, (UpdateVersion, u64, DriverStatus)> = BTreeMap::new();
        for step in steps {
            match step {
                TableStep::Report { driver, place: at, sequence, time_ms, status } => {
                    let registered = table.register(&profile(driver), |_| ()).unwrap();
                    let mut report = report(place(at), sequence, time_ms);
                    report.status = status;
                    let applied = table.apply(&registered, &report, NOW_MS, RateLimit::NONE).unwrap();
                    let before = truth.get(&driver).copied();
                    if before.is_none_or(|(update_version, ..)| report.update_version > update_version) {
                        prop_assert_eq!(applied.outcome, UpdateOutcome::Newest(Pace::Fine));
                        let status = status.or(before.map(|(_, _, status)| status));
                        truth.insert(driver, (report.update_version, at, status.unwrap_or(DriverStatus::Available)));
                    } else {
                        prop_assert_eq!(applied.outcome, UpdateOutcome::Late);
                    }
                }
                TableStep::Deindex { driver } => if let Some(slot) = table.slot(&profile(driver).id) {
                    table.deindex_if(slot, |_| true);
                },
                TableStep::Retire { driver } => if let Some(slot) = table.slot(&profile(driver).id) {
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

    /// The newest update stays, in whichever order the updates of two streams come.
    #[test]
    fn interleaved_streams_end_at_the_newest(
        mut updates in prop::collection::vec((0..50_u64, 1..50_i64, 0..400_u64), 1..60),
        order in any::<prop::sample::Index>(),
    ) {
        let table = DriverTable::new(sharding(), 8);
        let streams = [table.register(&profile(0), |_| ()).unwrap(), table.register(&profile(0), |_| ()).unwrap()];
        let turn = order.index(updates.len());
        updates.rotate_left(turn);
        for (i, (sequence, time_ms, at)) in updates.iter().enumerate() {
            table.apply(&streams[i % 2], &report(place(*at), *sequence, Timestamp::from_millis(*time_ms)), NOW_MS, RateLimit::NONE).unwrap();
        }
        let newest = updates.iter().map(|(sequence, time_ms, _)| UpdateVersion { sequence: *sequence, time: Timestamp::from_millis(*time_ms) }).max();
        prop_assert_eq!(table.state(Slot::new(0)).map(|state| state.update_version), newest);
    }
}

#[test]
fn a_full_table_rejects_drivers_until_one_retires() {
    let table = DriverTable::new(sharding(), 2);
    let first = table.register(&profile(0), |_| ()).unwrap();
    table.register(&profile(1), |_| ()).unwrap();
    let full = IngestError::Overloaded { what: "drivers of this node", limit: 2 };
    assert_eq!(table.register(&profile(2), |_| ()).unwrap_err(), full);
    assert!(table.retire(first.slot, |_| true));
    table.release(first.slot);
    let third = table.register(&profile(2), |_| ()).unwrap();
    assert_eq!(third.slot, first.slot);
    let late = table.apply(&first, &report(place(0), 1, Timestamp::from_millis(1)), NOW_MS, RateLimit::NONE);
    assert_eq!(late, Err(StaleSlot), "the first driver's handle does not write into the third's entry");
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
                        let registered = table.register(&profile(driver), |_| ()).unwrap();
                        let at = place(driver as u64 * 7 + round * 13 + thread);
                        let _ = table.apply(
                            &registered,
                            &report(at, round * 4 + thread + 1, Timestamp::from_millis(1)),
                            NOW_MS,
                            RateLimit::NONE,
                        );
                    }
                }
            });
        }
    });
    assert_reverse_index(&table);
    assert!((0..100).all(|slot| table.state(Slot::new(slot)).unwrap().update_version.sequence == 800));
}
