//! A model of the index: the drivers that it should hold, in a map, and searches that scan the whole map.

use std::collections::BTreeMap;
use std::sync::Arc;

use kerb_geometry::{Circle, LatLng, Polygon, Vertex};
use kerb_index_server::{BatchProgress, Index, Options, SearchBudget, SourceStream};
use kerb_ports::{Batch, Cursor, DriverFilter, Search, ShardQuery, ShardResult, Slot, SlotBinding, Update};
use kerb_types::{
    Capabilities, DriverId, DriverProfile, IndexedStatus, Millis, Motion, NodeId, ShardId, Sharding,
    Timestamp, UpdateVersion, VehicleClass,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

pub(crate) const NOW_MS: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(crate) fn rng(seed: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(seed)
}

pub(crate) fn profile(number: u32) -> Arc<DriverProfile> {
    Arc::new(DriverProfile {
        id: DriverId::new(&format!("d{number}")).unwrap(),
        vehicle_class: VehicleClass((number % 5) as u8),
        capabilities: Capabilities((number % 8) as u16),
    })
}

pub(crate) fn number_of(id: &DriverId) -> u32 {
    id.as_str()[1..].parse().unwrap()
}

/// A driver's newest state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) position: LatLng,
    pub(crate) update_version: UpdateVersion,
    pub(crate) status: IndexedStatus,
}

/// The states of all drivers, by number.
pub(crate) type Truth = BTreeMap<u32, State>;

/// Chooses a position: near a pole, on the antimeridian, in a crowd, or anywhere.
pub(crate) fn anywhere(rng: &mut Pcg64Mcg) -> LatLng {
    let near = |rng: &mut Pcg64Mcg, lat: f64, lon: f64, width: f64| {
        let lat = (lat + rng.random_range(-width..width)).clamp(-90.0, 90.0);
        let lon = lon + rng.random_range(-width..width);
        LatLng::new(lat, (lon + 540.0).rem_euclid(360.0) - 180.0).unwrap()
    };
    match rng.random_range(0..10) {
        0 => near(rng, 90.0, 0.0, 0.05),
        1 => near(rng, -90.0, 77.0, 0.05),
        2 => near(rng, -17.0, 180.0, 0.05),
        3 => near(rng, 0.0, 0.0, 0.05),
        4 => LatLng::new(37.77, -122.42).unwrap(),
        5 | 6 => near(rng, 37.77, -122.42, 0.02),
        7 => near(rng, 37.77, -122.42, 0.0005),
        _ => near(rng, 0.0, 0.0, 180.0),
    }
}

pub(crate) fn status(rng: &mut Pcg64Mcg) -> IndexedStatus {
    IndexedStatus::ALL[rng.random_range(0..3)]
}

pub(crate) fn update(sharding: Sharding, number: u32, state: State) -> Update {
    Update {
        slot: Slot::new(number),
        shard: sharding.shard_of(&profile(number).id, state.position),
        position: state.position,
        update_version: state.update_version,
        motion: Motion { heading_cdeg: (state.update_version.sequence % 36_000) as u16, speed_cmps: 5 },
        status: state.status,
    }
}

pub(crate) fn bind_slots(numbers: impl Iterator<Item = u32>) -> Batch {
    let slot_bindings =
        numbers.map(|slot| SlotBinding { slot: Slot::new(slot), profile: profile(slot) }).collect();
    Batch { slot_bindings, ..Batch::default() }
}

/// An index that holds all shards, and the stream of its only source, which has completed an empty snapshot.
pub(crate) fn index(sharding: Sharding, drivers_max: u32) -> (Index, SourceStream) {
    let index = Index::new(&Options { drivers_max, ..Options::default() }, sharding, NOW_MS);
    let shards: Vec<_> = sharding.all().collect();
    index.set_view(&shards, &[]).unwrap();
    let mut stream = index.open(&NodeId::new("test").unwrap()).unwrap();
    index.snapshot_begin(&mut stream, 1, &shards).unwrap();
    let mut completion = index.snapshot_end(&mut stream, 1).unwrap();
    while index.complete_snapshot_step(&stream, &mut completion).unwrap() {}
    (index, stream)
}

pub(crate) fn apply(index: &Index, stream: &mut SourceStream, batch: &Batch, now: Timestamp) {
    let mut progress = BatchProgress::default();
    while index.apply(stream, batch, &mut progress, now).unwrap() {}
}

pub(crate) fn run_search(
    index: &Index,
    shards: Vec<ShardId>,
    search: Search,
    filter: DriverFilter,
) -> ShardResult {
    let query = ShardQuery { shards, extra_shards: vec![], search, filter };
    index.search(&query, &mut SearchBudget::new(usize::MAX, &|| false)).unwrap()
}

/// Chooses a filter, often one that accepts all drivers.
pub(crate) fn filter(rng: &mut Pcg64Mcg) -> DriverFilter {
    let mut filter = DriverFilter::ANY;
    if rng.random_bool(0.3) {
        filter.statuses = 1 << status(rng) as u8;
    }
    if rng.random_bool(0.3) {
        filter.vehicle_classes = rng.random_range(1..32);
    }
    if rng.random_bool(0.2) {
        filter.capabilities = Capabilities(rng.random_range(0..8));
    }
    if rng.random_bool(0.3) {
        filter.time_min_ms = NOW_MS - Millis::new(rng.random_range(0..20_000));
    }
    filter
}

pub(crate) fn circle(rng: &mut Pcg64Mcg) -> Circle {
    let radius_m = 10f64.powf(rng.random_range(0.0..7.3));
    Circle::new(anywhere(rng), radius_m).unwrap()
}

/// Chooses a box, often across the antimeridian, and often with a hole in the middle.
pub(crate) fn polygon(rng: &mut Pcg64Mcg) -> Arc<Polygon> {
    let (at, width) = (anywhere(rng), 10f64.powf(rng.random_range(-3.0..1.8)));
    let (south, north) = ((at.lat_deg() - width).max(-90.0), (at.lat_deg() + width).min(90.0));
    let lon = |lon: f64| (lon + 540.0).rem_euclid(360.0) - 180.0;
    let ring = |share: f64| {
        let (west, east) = (lon(at.lon_deg() - share * width), lon(at.lon_deg() + share * width));
        let middle = f64::midpoint(south, north);
        let (south, north) = (middle + share * (south - middle), middle + share * (north - middle));
        let ring = [(south, west), (south, east), (north, east), (north, west)];
        ring.map(|(lat, lon)| Vertex::new(lat, lon).unwrap()).to_vec()
    };
    let holes = if rng.random_bool(0.5) { vec![ring(0.5)] } else { Vec::new() };
    Arc::new(Polygon::with_holes(ring(1.0), holes).unwrap())
}

fn accepts(filter: &DriverFilter, number: u32, state: &State) -> bool {
    let profile = profile(number);
    filter.accepts(state.status, profile.vehicle_class, profile.capabilities, state.update_version.time)
}

/// The drivers that a search should find, in order: half-chord squared and number.
pub(crate) fn scan(truth: &Truth, search: &Search, filter: &DriverFilter) -> Vec<(f64, u32)> {
    let hav = |state: &State| match search {
        Search::Nearest { circle, .. } | Search::WithinRadius { circle, .. } => {
            Some(circle.origin().hav(state.position)).filter(|hav| *hav <= circle.hav_max())
        }
        Search::WithinPolygon { polygon, .. } => polygon.contains(state.position).then_some(0.0),
    };
    let passing = truth.iter().filter(|(number, state)| accepts(filter, **number, state));
    let mut found: Vec<_> = passing.filter_map(|(number, state)| Some((hav(state)?, *number))).collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| profile(a.1).id.cmp(&profile(b.1).id)));
    let after = match search {
        Search::Nearest { .. } => None,
        Search::WithinRadius { after, .. } | Search::WithinPolygon { after, .. } => after.as_ref(),
    };
    if let Some(Cursor { hav, id }) = after {
        found.retain(|found| found.0.total_cmp(hav).then_with(|| profile(found.1).id.cmp(id)).is_gt());
    }
    found.truncate(search.limit() as usize);
    found
}

/// Asserts that an answer equals that of a scan, with all fields of each driver.
pub(crate) fn check_answer(truth: &Truth, search: &Search, filter: &DriverFilter, answer: &ShardResult) {
    let right = scan(truth, search, filter);
    let found: Vec<_> =
        answer.neighbors.iter().map(|neighbor| (neighbor.hav, number_of(&neighbor.profile.id))).collect();
    if let Search::Nearest { .. } = search {
        // A nearest search does not order equal distances.
        let havs = |list: &[(f64, u32)]| list.iter().map(|(hav, _)| *hav).collect::<Vec<_>>();
        assert_eq!(havs(&found), havs(&right), "{search:?} {filter:?}");
        let mut numbers: Vec<_> = found.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), found.len(), "a driver is in the answer twice");
    } else {
        assert_eq!(found, right, "{search:?} {filter:?}");
    }
    for neighbor in &answer.neighbors {
        let number = number_of(&neighbor.profile.id);
        let state = truth[&number];
        assert_eq!(
            State {
                position: neighbor.position,
                update_version: neighbor.update_version,
                status: neighbor.status
            },
            state
        );
        assert_eq!(neighbor.profile, *profile(number));
        assert_eq!(neighbor.motion, update(Sharding::default(), number, state).motion);
        assert!(accepts(filter, number, &state));
    }
}
