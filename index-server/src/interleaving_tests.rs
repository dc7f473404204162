//! A writer that stops between two stores, at each place where it could: searches go on, and find every driver.
//!
//! The steps are those of `Writer::place` and `stays`, written out. `tests/explore` stops the functions themselves, at
//! every access to an atomic; these tests run without the feature that it needs.

use std::sync::Arc;

use kerb_geometry::{Circle, LatLng, Morton};
use kerb_ports::{Batch, DriverFilter, Search, ShardQuery, SlotBinding, Update};
use kerb_types::{
    Capabilities, DriverId, DriverProfile, DriverStatus, Motion, NodeId, Sharding, UpdateVersion,
    VehicleClass,
};

use crate::store::record::{Home, State};
use crate::write::Writer;
use crate::write::tree;
use crate::{Effort, Index, Options, Progress};

const NOW_MS: i64 = 1_700_000_000_000;
/// Stores of a move after which it may stop.
const STOPS: usize = 10;
/// It is on a break, nobody else is.
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
fn filled() -> Index {
    let sharding = Sharding::default();
    let index = Index::new(&Options { drivers_max: 10_000, ..Options::default() }, sharding, NOW_MS);
    let shards: Vec<_> = sharding.all().collect();
    index.set_view(&shards, &[]).expect("no sources");
    let mut session = index.open(&NodeId::new("a").expect("a name")).expect("a session");
    index.snapshot_begin(&mut session, 1, &shards).expect("the first round");
    let slot_bindings = (0..200).map(|slot| SlotBinding { slot, profile: profile(slot) }).collect();
    let updates = (0..200).map(|slot| Update {
        slot,
        shard: sharding.shard_of(&profile(slot).id, at(1_000 * slot as i32)),
        position: at(1_000 * slot as i32),
        update_version: UpdateVersion { sequence: 1, time_ms: NOW_MS },
        motion: Motion::NONE,
        status: if slot == MOVER { DriverStatus::OnBreak } else { DriverStatus::Available },
    });
    let batch = Batch { slot_bindings, updates: updates.collect(), ..Batch::default() };
    let mut progress = Progress::default();
    while index.apply(&mut session, &batch, &mut progress, NOW_MS).expect("a good batch") {}
    let mut ending = index.snapshot_end(&mut session, 1).expect("it is open");
    while index.full_end_some(&session, &mut ending).expect("it is the newest") {}
    index
}

/// Moves a record to `to` as the writer does, and stops after so many steps.
fn move_and_stop(writer: &mut Writer, number: u32, to: LatLng, stop_after: usize) {
    let store = Arc::clone(&writer.store);
    let record = store.records.get(number);
    let (old_place, home, owner) = (record.place(), record.home(), record.owner());
    let (traits, old) = (store.entry(old_place).traits(), store.entry(old_place).position());
    let state =
        State { update_version: UpdateVersion { sequence: 2, time_ms: NOW_MS }, motion: Motion::NONE };
    let (mut spot, mut place) = (None, 0);
    for step in 0..stop_after {
        match step {
            0 => store.journal.push(number),
            1 => {
                let (code, kinds) = (Morton::from(to), traits.kinds());
                spot = Some(tree::make_room(&store, &mut writer.pages, home.shard, code, kinds));
            }
            2 => record.begin(),
            3 => {
                let spot = spot.expect("made in step 1");
                place = tree::put(&store, &mut writer.pages, home.shard, spot, traits, to);
            }
            4 => record.set_place(place),
            5 => {
                record.set_home(Home { level: spot.map_or(0, |spot| spot.level), ..home });
                record.set_owner(owner);
            }
            6 => record.end(state),
            8 => store.journal.settle(),
            9 => writer.sweep(1 << 20),
            _ => tree::take_out(&store, &mut writer.pages, home.shard, old.into(), old_place),
        }
    }
}

/// Puts a record on a trip as the writer does, and stops after so many steps.
fn change_and_stop(writer: &mut Writer, number: u32, stop_after: usize) {
    let store = Arc::clone(&writer.store);
    let record = store.records.get(number);
    let (place, home) = (record.place(), record.home());
    let (traits, position) = (store.entry(place).traits(), store.entry(place).position());
    let changed = traits.with_status(DriverStatus::OnTrip);
    for step in 0..stop_after {
        match step {
            0 => tree::announce(&store, &writer.pages, home.shard, place, position, changed.kinds()),
            1 => store.entry(place).set_traits(changed),
            _ => writer.sweep(1 << 20),
        }
    }
}

/// How often each driver is in an answer.
fn search(index: &Index, search: Search, statuses: u8) -> Vec<usize> {
    let shards = Sharding::default().shards_for(&search.area());
    let query = ShardQuery {
        shards,
        extra_shards: vec![],
        search,
        filter: DriverFilter { statuses, ..DriverFilter::ANY },
    };
    let answer = index.search(&query, &mut Effort::new(10_000, &|| false)).expect("it waits for nobody");
    let ids: Vec<String> = answer.neighbors.iter().map(|neighbor| neighbor.profile.id.to_string()).collect();
    (0..200).map(|number| ids.iter().filter(|id| **id == format!("d{number}")).count()).collect()
}

#[test]
fn a_writer_that_stops_anywhere_in_a_move_stops_no_search() {
    for stop_after in 0..=STOPS {
        let index = filled();
        // Held to the end: whoever needed the lock would never come back.
        let mut writer = index.stopped_writer();
        let number = writer.registry.find(&writer.store, &profile(MOVER).id).expect("it was introduced");
        move_and_stop(&mut writer, number, at(150_500), stop_after);
        find_all(&index, DriverStatus::OnBreak, &format!("{stop_after} steps of a move"));
        drop(writer);
    }
}

#[test]
fn a_writer_that_stops_in_a_change_of_status_stops_no_search() {
    for stop_after in 0..=3 {
        let index = filled();
        let mut writer = index.stopped_writer();
        let number = writer.registry.find(&writer.store, &profile(MOVER).id).expect("it was introduced");
        change_and_stop(&mut writer, number, stop_after);
        find_all(&index, DriverStatus::OnTrip, &format!("{stop_after} steps of a change"));
        drop(writer);
    }
}

/// Finds everybody, and the mover alone while its status is `status` or the one that it had.
fn find_all(index: &Index, status: DriverStatus, when: &str) {
    let circle = Circle::new(at(100_000), 3_000.0).expect("a radius");
    let mover: [usize; 200] = std::array::from_fn(|number| usize::from(number == MOVER as usize));
    let passing = 1 << DriverStatus::OnBreak as u8 | 1 << status as u8;
    for limit in [200, 400] {
        let all = Search::WithinRadius { circle, limit, after: None };
        for asked in [Search::Nearest { circle, k: limit }, all] {
            assert_eq!(search(index, asked.clone(), 0), [1; 200], "{when}: {asked:?}");
            assert_eq!(search(index, asked.clone(), passing), mover, "{when}: {asked:?}");
        }
    }
}
