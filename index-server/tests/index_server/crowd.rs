//! A million drivers at one position: no split can separate them, and all operations must stay fast.

use std::ops::Range;

use kerb_geometry::{Circle, LatLng};
use kerb_index_server::{Index, SearchBudget, SourceStream};
use kerb_ports::{Batch, DriverFilter, Search, ShardQuery, Slot};
use kerb_types::{IndexedStatus, Sharding, UpdateVersion};

use crate::fleet::{NOW_MS, State, apply, bind_slots, index, number_of, run_search, update};

const DRIVERS: u32 = 1_000_000;

fn state(position: LatLng, sequence: u64) -> State {
    State {
        position,
        update_version: UpdateVersion { sequence, time: NOW_MS },
        status: IndexedStatus::Available,
    }
}

fn send(index: &Index, stream: &mut SourceStream, numbers: Range<u32>, position: LatLng, sequence: u64) {
    let sharding = Sharding::default();
    for from in numbers.clone().step_by(50_000) {
        let to = (from + 50_000).min(numbers.end);
        let updates = (from..to).map(|number| update(sharding, number, state(position, sequence))).collect();
        apply(index, stream, &Batch { updates, ..Batch::default() }, NOW_MS);
    }
}

/// The distances of the `k` nearest drivers, found with at most `k` leaves.
fn nearest(index: &Index, place: LatLng, k: u32) -> Vec<f64> {
    let circle = Circle::new(place, 5_000.0).unwrap();
    let shards = Sharding::default().all().collect();
    let query = ShardQuery {
        shards,
        extra_shards: vec![],
        search: Search::Nearest { circle, k },
        filter: DriverFilter::ANY,
    };
    let answer = index.search(&query, &mut SearchBudget::new(k as usize, &|| false)).unwrap();
    answer.neighbors.iter().map(|neighbor| neighbor.hav).collect()
}

#[test]
fn a_million_drivers_at_one_position_stay_fast() {
    let (index, mut stream) = index(Sharding::default(), DRIVERS + 10_000);
    let (place, next_to_it) = (LatLng::new(37.77, -122.42).unwrap(), LatLng::new(37.7701, -122.42).unwrap());
    for from in (0..DRIVERS).step_by(50_000) {
        apply(&index, &mut stream, &bind_slots(from..from + 50_000), NOW_MS);
    }
    send(&index, &mut stream, 0..DRIVERS, place, 1);
    assert_eq!(nearest(&index, place, 10), [0.0; 10]);
    assert_eq!(nearest(&index, place, 500), [0.0; 500]);

    // Updates without a move, drivers that leave from anywhere in the chain, and drivers that return.
    send(&index, &mut stream, 0..100_000, place, 2);
    send(&index, &mut stream, 400_000..410_000, next_to_it, 2);
    let stats = |index: &Index| index.stats().iter().map(|stat| stat.drivers).sum::<u64>();
    assert_eq!(stats(&index), u64::from(DRIVERS));
    let found = nearest(&index, next_to_it, 10);
    assert_eq!(found, [0.0; 10]);
    send(&index, &mut stream, 400_000..410_000, place, 3);
    assert_eq!(nearest(&index, place, 10), [0.0; 10]);

    // Many leave: the chain shrinks from its head, and its memory is reused.
    let before = index.memory().store;
    let removals = (0..100_000).map(Slot::new).collect();
    apply(&index, &mut stream, &Batch { removals, ..Batch::default() }, NOW_MS);
    assert_eq!(stats(&index), 900_000);
    assert_eq!(nearest(&index, place, 10), [0.0; 10]);
    send(&index, &mut stream, 0..100_000, place, 4);
    assert_eq!(index.memory().store, before);
}

/// The leaves of one position form a chain. A driver that changes in its middle is found, also when the drivers before it
/// have left.
#[test]
fn a_few_matching_drivers_in_a_chain_are_found() {
    const MANY: u32 = 300;
    let (index, mut stream) = index(Sharding::default(), 10_000);
    let place = LatLng::new(37.77, -122.42).unwrap();
    apply(&index, &mut stream, &bind_slots(0..MANY), NOW_MS);
    let circle = Circle::new(place, 5_000.0).unwrap();
    let found = |index: &Index, status: IndexedStatus| {
        let search = Search::Nearest { circle, k: MANY };
        let filter = DriverFilter { statuses: 1 << status as u8, ..DriverFilter::ANY };
        let answer = run_search(index, Sharding::default().all().collect(), search, filter);
        let mut numbers: Vec<u32> =
            answer.neighbors.iter().map(|neighbor| number_of(&neighbor.profile.id)).collect();
        numbers.sort_unstable();
        numbers
    };
    send(&index, &mut stream, 0..MANY, place, 1);
    for number in (0..MANY).step_by(7) {
        let sequence = 2 + u64::from(number);
        let busy = State { status: IndexedStatus::OnTrip, ..state(place, sequence) };
        let updates = vec![update(Sharding::default(), number, busy)];
        apply(&index, &mut stream, &Batch { updates, ..Batch::default() }, NOW_MS);
        assert_eq!(found(&index, IndexedStatus::OnTrip), (0..=number).step_by(7).collect::<Vec<_>>());
    }
    // From the head of the chain to its end.
    for number in (0..MANY).rev().filter(|number| !number.is_multiple_of(7)) {
        let batch = Batch { removals: vec![Slot::new(number)], ..Batch::default() };
        apply(&index, &mut stream, &batch, NOW_MS);
        assert_eq!(found(&index, IndexedStatus::OnTrip), (0..MANY).step_by(7).collect::<Vec<_>>());
    }
    assert_eq!(found(&index, IndexedStatus::Available), [0; 0]);
}
