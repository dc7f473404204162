//! Drivers at poles and at the antimeridian, and one that jumps between such positions.

use kerb_geometry::{Circle, LatLng};
use kerb_index_server::{BatchProgress, Index, Options};
use kerb_ports::{Batch, DriverFilter, ReplicationError, Search, Slot, Update};
use kerb_types::{IndexedStatus, NodeId, Sharding, Timestamp, UpdateVersion};

use crate::fleet::{NOW_MS, State, apply, bind_slots, index, number_of, run_search, update};

const CORNERS: [(f64, f64); 8] = [
    (90.0, 0.0),
    (90.0, 179.0),
    (-90.0, -20.0),
    (0.0, 0.0),
    (0.0, -180.0),
    (-17.0, 179.999_999_9),
    (85.0, -180.0),
    (37.77, -122.42),
];

fn corner(i: usize) -> LatLng {
    let (lat, lon) = CORNERS[i % CORNERS.len()];
    LatLng::new(lat, lon).unwrap()
}

fn state(position: LatLng, sequence: u64) -> State {
    State {
        position,
        update_version: UpdateVersion { sequence, time: NOW_MS },
        status: IndexedStatus::Available,
    }
}

fn around(index: &Index, place: LatLng) -> Vec<u32> {
    let circle = Circle::new(place, 100.0).unwrap();
    let search = Search::WithinRadius { circle, limit: 100, after: None };
    let shards = Sharding::default().shards_for(&search.area());
    let answer = run_search(index, shards, search, DriverFilter::ANY);
    answer.neighbors.iter().map(|neighbor| number_of(&neighbor.profile.id)).collect()
}

#[test]
fn a_driver_that_jumps_across_the_world_is_found_at_its_new_position() {
    let sharding = Sharding::default();
    let (index, mut stream) = index(sharding, 1_000);
    apply(&index, &mut stream, &bind_slots(0..1), NOW_MS);
    let mut memory = 0;
    for sequence in 1..2_000 {
        let (from, to) = (corner(sequence - 1), corner(sequence));
        let updates = vec![update(sharding, 0, state(to, sequence as u64))];
        apply(&index, &mut stream, &Batch { updates, ..Batch::default() }, NOW_MS);
        assert_eq!(around(&index, to), [0]);
        // The first two are the same position: longitude has no meaning at a pole.
        if sequence % CORNERS.len() != 1 {
            assert_eq!(around(&index, from), [] as [u32; 0]);
        }
        if sequence == 100 {
            memory = index.memory().store;
        }
    }
    assert_eq!(index.memory().store, memory, "pages are reused");
}

#[test]
fn neighbors_over_the_antimeridian_and_the_pole_are_found() {
    let sharding = Sharding::default();
    let (index, mut stream) = index(sharding, 1_000);
    apply(&index, &mut stream, &bind_slots(0..4), NOW_MS);
    let places = [(-17.0, 179.9999), (-17.0, -179.9999), (89.9999, 10.0), (89.9999, -170.0)];
    let updates = (0..)
        .zip(places)
        .map(|(number, (lat, lon))| update(sharding, number, state(LatLng::new(lat, lon).unwrap(), 1)));
    apply(&index, &mut stream, &Batch { updates: updates.collect(), ..Batch::default() }, NOW_MS);
    assert_eq!(around(&index, LatLng::new(-17.0, 180.0).unwrap()), [0, 1]);
    assert_eq!(around(&index, LatLng::new(90.0, 0.0).unwrap()), [2, 3]);
}

fn rejection(index: &Index, batch: &Batch) -> ReplicationError {
    let mut stream = index.open(&NodeId::new("test").unwrap()).unwrap();
    let mut progress = BatchProgress::default();
    loop {
        match index.apply(&mut stream, batch, &mut progress, NOW_MS) {
            Ok(more) => assert!(more, "{batch:?} was applied"),
            Err(error) => return error,
        }
    }
}

#[test]
fn an_invalid_row_is_rejected_before_any_row_is_applied() {
    let sharding = Sharding::default();
    let (index, _stream) = index(sharding, 1_000);
    let good = update(sharding, 0, state(corner(7), 1));
    let with = |bad: Update| Batch { updates: vec![good, bad], ..bind_slots(0..2) };
    let mut far_future = good;
    far_future.update_version.time = Timestamp::from_millis(1 << 48);
    let mut past = good;
    past.update_version.time = Timestamp::from_millis(-1);
    let mut shard = good;
    shard.shard.0 = 1_024;
    let bad = [with(far_future), with(past), with(shard), with(Update { slot: Slot::new(2), ..good })];
    for batch in bad {
        assert!(matches!(rejection(&index, &batch), ReplicationError::Mismatch(_)));
    }
    let slot = Batch { slot_bindings: bind_slots(0..1).slot_bindings, ..Batch::default() };
    let mut too_far = slot;
    too_far.slot_bindings[0].slot = Slot::new(u32::MAX);
    assert!(matches!(rejection(&index, &too_far), ReplicationError::Mismatch(_)));
    assert_eq!(around(&index, corner(7)), [] as [u32; 0]);
}

#[test]
fn drivers_beyond_the_limit_are_rejected() {
    let index = Index::new(&Options { drivers_max: 10, ..Options::default() }, Sharding::default(), NOW_MS);
    let error = rejection(&index, &bind_slots(0..100_000));
    assert!(matches!(error, ReplicationError::Overloaded { what: "drivers", .. }), "{error}");
}
