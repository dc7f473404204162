//! Stops the writer between any two stores: searches still run, and find every driver.
//!
//! The steps are those of `Writer::move_driver` and `update_in_place`, written out. `tests/explore` stops these functions
//! themselves, at every access to an atomic. The tests here run without the feature that the explorer needs.

use std::sync::Arc;

use kerb_geometry::{Circle, LatLng, Morton};
use kerb_ports::{Batch, DriverFilter, Search, ShardQuery, Slot, SlotBinding, Update};
use kerb_types::{
    Capabilities, DriverId, DriverProfile, IndexedStatus, Motion, NodeId, Sharding, Timestamp, UpdateVersion,
    VehicleClass,
};

use crate::store::indices::{EntryIndex, RecordIndex};
use crate::store::record::{DriverState, RecordMeta};
use crate::write::Writer;
use crate::write::tree;
use crate::{BatchProgress, Index, Options, SearchBudget};

const NOW_MS: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// Steps of a move.
const STOPS: usize = 10;
/// The driver that moves. No other driver is on a break.
const MOVER: u32 = 7;

fn at(e7: i32) -> LatLng {
    LatLng::from_e7(377_700_000 + e7, -1_224_200_000).expect("in San Francisco")
}

fn profile(number: u32) -> Arc<DriverProfile> {
    Arc::new(DriverProfile {
        id: DriverId::new(&format!("d{number}")).expect("a short id"),
        vehicle_class: VehicleClass(0),
        capabilities: Capabilities(0),
    })
}

/// 200 drivers on a line, 11 m apart.
fn filled_index() -> Index {
    let sharding = Sharding::default();
    let index = Index::new(&Options { drivers_max: 10_000, ..Options::default() }, sharding, NOW_MS);
    let shards: Vec<_> = sharding.all().collect();
    index.set_view(&shards, &[]).expect("no sources");
    let mut stream = index.open(&NodeId::new("a").expect("a name")).expect("a stream");
    index.snapshot_begin(&mut stream, 1, &shards).expect("the first round");
    let slot_bindings =
        (0..200).map(|slot| SlotBinding { slot: Slot::new(slot), profile: profile(slot) }).collect();
    let updates = (0..200).map(|slot| Update {
        slot: Slot::new(slot),
        shard: sharding.shard_of(&profile(slot).id, at(1_000 * slot as i32)),
        position: at(1_000 * slot as i32),
        update_version: UpdateVersion { sequence: 1, time: NOW_MS },
        motion: Motion::NONE,
        status: if slot == MOVER { IndexedStatus::OnBreak } else { IndexedStatus::Available },
    });
    let batch = Batch { slot_bindings, updates: updates.collect(), ..Batch::default() };
    let mut progress = BatchProgress::default();
    while index.apply(&mut stream, &batch, &mut progress, NOW_MS).expect("a good batch") {}
    let mut completion = index.snapshot_end(&mut stream, 1).expect("it is open");
    while index.complete_snapshot_step(&stream, &mut completion).expect("it is the newest") {}
    index
}

/// Moves a driver to `to` as the writer does, and stops after `stop_after` steps.
fn move_and_stop(writer: &mut Writer, index: RecordIndex, to: LatLng, stop_after: usize) {
    let store = Arc::clone(&writer.store);
    let record = store.records.get(index);
    let (old_entry, meta, owner) = (record.entry(), record.meta(), record.owner());
    let (attributes, old) = (store.entry(old_entry).attributes(), store.entry(old_entry).position());
    let state =
        DriverState { update_version: UpdateVersion { sequence: 2, time: NOW_MS }, motion: Motion::NONE };
    let (mut free_entry, mut entry) = (None, EntryIndex::NONE);
    for step in 0..stop_after {
        match step {
            0 => store.move_log.log(index),
            1 => {
                let (code, summary) = (Morton::from(to), attributes.summary());
                free_entry = Some(tree::make_room(&store, &mut writer.pages, meta.shard, code, summary));
            }
            2 => record.begin_write(),
            3 => {
                let free_entry = free_entry.expect("made in step 1");
                entry = tree::insert(&store, &mut writer.pages, meta.shard, free_entry, attributes, to);
            }
            4 => record.set_entry(entry),
            5 => {
                record.set_meta(RecordMeta {
                    level: free_entry.map_or(0, |free_entry| free_entry.level),
                    ..meta
                });
                record.set_owner(owner);
            }
            6 => record.end_write(state),
            8 => store.move_log.settle(),
            9 => writer.sweep_summaries(1 << 20),
            _ => tree::remove(&store, &mut writer.pages, meta.shard, old.into(), old_entry),
        }
    }
}

/// Changes a driver's status as the writer does, and stops after `stop_after` steps.
fn change_and_stop(writer: &mut Writer, index: RecordIndex, stop_after: usize) {
    let store = Arc::clone(&writer.store);
    let record = store.records.get(index);
    let (entry, meta) = (record.entry(), record.meta());
    let (attributes, position) = (store.entry(entry).attributes(), store.entry(entry).position());
    let changed = attributes.with_status(IndexedStatus::OnTrip);
    for step in 0..stop_after {
        match step {
            0 => tree::widen_summaries_above(
                &store,
                &writer.pages,
                meta.shard,
                entry,
                position,
                changed.summary(),
            ),
            1 => store.entry(entry).set_attributes(changed),
            _ => writer.sweep_summaries(1 << 20),
        }
    }
}

/// Returns how often each driver is in an answer.
fn search(index: &Index, search: Search, statuses: u8) -> Vec<usize> {
    let shards = Sharding::default().shards_for(&search.area());
    let query = ShardQuery {
        shards,
        extra_shards: vec![],
        search,
        filter: DriverFilter { statuses, ..DriverFilter::ANY },
    };
    let answer =
        index.search(&query, &mut SearchBudget::new(10_000, &|| false)).expect("it waits for nobody");
    let ids: Vec<String> = answer.neighbors.iter().map(|neighbor| neighbor.profile.id.to_string()).collect();
    (0..200).map(|number| ids.iter().filter(|id| **id == format!("d{number}")).count()).collect()
}

#[test]
fn a_writer_that_stops_anywhere_in_a_move_stops_no_search() {
    for stop_after in 0..=STOPS {
        let index = filled_index();
        // Held to the end: a search that needs the lock would never return.
        let mut writer = index.lock_writer();
        let mover = writer.registry.find(&writer.store, &profile(MOVER).id).expect("its slot is bound");
        move_and_stop(&mut writer, mover, at(150_500), stop_after);
        find_all(&index, IndexedStatus::OnBreak, &format!("{stop_after} steps of a move"));
        drop(writer);
    }
}

#[test]
fn a_writer_that_stops_in_a_change_of_status_stops_no_search() {
    for stop_after in 0..=3 {
        let index = filled_index();
        let mut writer = index.lock_writer();
        let mover = writer.registry.find(&writer.store, &profile(MOVER).id).expect("its slot is bound");
        change_and_stop(&mut writer, mover, stop_after);
        find_all(&index, IndexedStatus::OnTrip, &format!("{stop_after} steps of a change"));
        drop(writer);
    }
}

/// Finds all drivers, and the mover alone by its old status together with `status`.
fn find_all(index: &Index, status: IndexedStatus, when: &str) {
    let circle = Circle::new(at(100_000), 3_000.0).expect("a radius");
    let mover: [usize; 200] = std::array::from_fn(|number| usize::from(number == MOVER as usize));
    let passing = 1 << IndexedStatus::OnBreak as u8 | 1 << status as u8;
    for limit in [200, 400] {
        let all = Search::WithinRadius { circle, limit, after: None };
        for kind in [Search::Nearest { circle, k: limit }, all] {
            assert_eq!(search(index, kind.clone(), 0), [1; 200], "{when}: {kind:?}");
            assert_eq!(search(index, kind.clone(), passing), mover, "{when}: {kind:?}");
        }
    }
}
