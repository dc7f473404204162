//! Searches next to a writer that never stops: a driver that is always in the area is in every answer, once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use kerb_geometry::{Circle, LatLng, Polygon};
use kerb_index_server::{Index, SourceStream};
use kerb_ports::{Batch, DriverFilter, Neighbor, Search, Slot};
use kerb_types::{IndexedStatus, Sharding, UpdateVersion};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::fleet::{NOW_MS, State, apply, bind_slots, index, number_of, rng, run_search, update};

/// Drivers that jump between leaves and shards, and never leave the circle.
const HOPPERS: u32 = 60;
/// Drivers that come and go, and make leaves split and merge. They are on trips, and hoppers never are, so that a search
/// for hoppers skips most of the crowd's leaves.
const CROWD: u32 = 2_000;
const SEARCHES: usize = 60;

fn center() -> LatLng {
    LatLng::new(37.77, -122.42).unwrap()
}

/// Chooses a position within 6 km of the center, which is several tiles. The last digits of the longitude are those of
/// the sequence, so that an answer shows whether position and state belong together.
fn place(rng: &mut Pcg64Mcg, sequence: u64) -> LatLng {
    let (dx, dy) = (rng.random_range(-450..450), rng.random_range(-370_000..370_000));
    LatLng::from_e7(377_700_000 + dy, -1_224_200_000 + dx * 1_000 + (sequence % 1_000) as i32).unwrap()
}

fn belong_together(neighbor: &Neighbor) -> bool {
    neighbor.position.lon_e7().rem_euclid(1_000) as u64 == neighbor.update_version.sequence % 1_000
}

fn write(index: &Index, stream: &mut SourceStream, stop: &AtomicBool, seed: u64) {
    let (sharding, mut rng) = (Sharding::default(), rng(seed));
    let mut sequence = 1;
    while !stop.load(Ordering::Relaxed) {
        sequence += 1;
        let update_version = UpdateVersion { sequence, time: NOW_MS };
        let state = |position| State { position, update_version, status: IndexedStatus::OnTrip };
        let mut batch = Batch::default();
        for number in 0..HOPPERS {
            let status = IndexedStatus::ALL[rng.random_range(0..2)];
            let position = place(&mut rng, sequence);
            batch.updates.push(update(sharding, number, State { position, update_version, status }));
        }
        // The crowd gathers at one place and scatters again.
        let gathered = sequence % 8 < 4;
        for _ in 0..300 {
            let number = HOPPERS + rng.random_range(0..CROWD);
            let wide = place(&mut rng, sequence);
            let tight = LatLng::from_e7(
                377_700_000 + rng.random_range(0..2_000),
                wide.lon_e7() % 1_000 - 1_224_199_000,
            );
            let tight = tight.unwrap();
            batch.updates.push(update(sharding, number, state(if gathered { tight } else { wide })));
        }
        batch.updates.sort_by_key(|update| update.slot);
        batch.updates.dedup_by_key(|update| update.slot);
        if sequence.is_multiple_of(5) {
            batch.removals.extend((0..200).map(|_| Slot::new(HOPPERS + rng.random_range(0..CROWD))));
        }
        apply(index, stream, &batch, NOW_MS);
    }
}

fn searches() -> Vec<Search> {
    let circle = Circle::new(center(), 9_000.0).unwrap();
    let corner = |lat: f64, lon: f64| LatLng::new(lat, lon).unwrap();
    let ring = vec![corner(37.7, -122.5), corner(37.7, -122.3), corner(37.85, -122.3), corner(37.85, -122.5)];
    let polygon = std::sync::Arc::new(Polygon::new(ring).unwrap());
    vec![
        Search::Nearest { circle, k: HOPPERS + CROWD },
        Search::WithinRadius { circle, limit: HOPPERS + CROWD, after: None },
        Search::WithinPolygon { polygon, limit: HOPPERS + CROWD, after: None },
    ]
}

/// Checks an answer. Returns the number of its drivers, and of those whose position and state are of two instants.
fn read(index: &Index, search: &Search, filter: DriverFilter) -> (usize, usize) {
    let sharding = Sharding::default();
    let shards = sharding.shards_for(&search.area());
    let answer = run_search(index, shards, search.clone(), filter);
    let mut times: BTreeMap<u32, u32> = BTreeMap::new();
    for neighbor in &answer.neighbors {
        *times.entry(number_of(&neighbor.profile.id)).or_default() += 1;
        assert!(search.area().contains(neighbor.position));
    }
    assert!(answer.neighbors.is_sorted_by(|a, b| a.hav <= b.hav));
    for hopper in 0..HOPPERS {
        assert_eq!(times.get(&hopper), Some(&1), "driver {hopper} in {search:?}");
    }
    assert!(times.values().all(|count| *count == 1));
    assert!(filter.statuses == 0 || times.len() == HOPPERS as usize);
    (answer.neighbors.len(), answer.neighbors.iter().filter(|neighbor| !belong_together(neighbor)).count())
}

#[test]
fn drivers_that_stay_in_the_area_are_in_every_answer_once() {
    let sharding = Sharding::default();
    let (index, mut stream) = index(sharding, 50_000);
    apply(&index, &mut stream, &bind_slots(0..HOPPERS + CROWD), NOW_MS);
    let first = (0..HOPPERS).map(|number| {
        let update_version = UpdateVersion { sequence: 1, time: NOW_MS };
        update(
            sharding,
            number,
            State { position: place(&mut rng(1), 1), update_version, status: IndexedStatus::Available },
        )
    });
    apply(&index, &mut stream, &Batch { updates: first.collect(), ..Batch::default() }, NOW_MS);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| write(&index, &mut stream, &stop, 11));
        let readers: Vec<_> = searches()
            .into_iter()
            .map(|search| {
                let index = &index;
                scope.spawn(move || {
                    // All drivers, and hoppers alone.
                    let filter = |i| DriverFilter { statuses: [0, 0b110][i % 2], ..DriverFilter::ANY };
                    let counts = (0..SEARCHES).map(|i| read(index, &search, filter(i)));
                    counts.fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
                })
            })
            .collect();
        let results: Vec<_> = readers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        for result in results {
            // That only happens while the scheduler has stopped the writer in the middle of a record.
            let (neighbors, torn) = result.unwrap();
            assert!(torn * 100 < neighbors, "{torn} of {neighbors} neighbors are of two instants");
        }
    });
    let counts = index.metrics();
    assert!(counts.updates_moved.get() > 1_000, "{counts:?}");
}

#[test]
fn the_nearest_drivers_are_exact_next_to_a_writer() {
    // The ten nearest stand still. All others jump, and never come nearer.
    let sharding = Sharding::default();
    let (index, mut stream) = index(sharding, 50_000);
    apply(&index, &mut stream, &bind_slots(0..1_000), NOW_MS);
    let at = |number: u32, sequence, rng: &mut Pcg64Mcg| {
        let lat_e7 = if number < 10 { 10 * number as i32 } else { 2_000 + rng.random_range(0..200_000) };
        let position = LatLng::from_e7(377_700_000 + lat_e7, -1_224_200_000).unwrap();
        let update_version = UpdateVersion { sequence, time: NOW_MS };
        update(sharding, number, State { position, update_version, status: IndexedStatus::Available })
    };
    let mut rng = rng(3);
    let updates = (0..1_000).map(|number| at(number, 1, &mut rng)).collect();
    apply(&index, &mut stream, &Batch { updates, ..Batch::default() }, NOW_MS);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut sequence = 1;
            while !stop.load(Ordering::Relaxed) {
                sequence += 1;
                let updates = (10..1_000).map(|number| at(number, sequence, &mut rng)).collect();
                apply(&index, &mut stream, &Batch { updates, ..Batch::default() }, NOW_MS);
            }
        });
        let circle = Circle::new(LatLng::from_e7(377_700_000, -1_224_200_000).unwrap(), 5_000.0).unwrap();
        let search = Search::Nearest { circle, k: 10 };
        let shards = sharding.shards_for(&search.area());
        let index = &index;
        let reader = scope.spawn(move || {
            for _ in 0..4_000 {
                let answer = run_search(index, shards.clone(), search.clone(), DriverFilter::ANY);
                let found: Vec<u32> =
                    answer.neighbors.iter().map(|neighbor| number_of(&neighbor.profile.id)).collect();
                assert_eq!(found, (0..10).collect::<Vec<_>>());
            }
        });
        let read = reader.join();
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        read.unwrap();
    });
}
