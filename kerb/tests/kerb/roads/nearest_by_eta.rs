//! Nearest searches by travel time in an actual city, compared with a table of the travel times of all drivers.

use std::io::Cursor;
use std::sync::Arc;

use kerb_aggregator::eta::{NearestByEtaSearch, etas};
use kerb_geometry::{Circle, LatLng, Origin};
use kerb_ports::{Eta, Leg, Neighbor, Search, TravelTimeQuery, TravelTimes};
use kerb_routing::StraightLine;
use kerb_routing::import::import_pbf;
use kerb_routing::{RoadTimes, Roads};
use kerb_types::{
    Capabilities, DriverId, DriverProfile, IndexedStatus, Motion, Timestamp, TravelSource, UpdateVersion,
    VehicleClass,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const MIDTOWN: &[u8] = include_bytes!("../../../../data/midtown_roads.osm.pbf");
/// Maximum offset of drivers from a junction, in degrees. Many of them are off the map.
const DRIVER_OFFSET_DEG: f64 = 0.02;
/// Maximum offset of the search points from a junction, in degrees. Nearly all of them are on the map.
const POINT_OFFSET_DEG: f64 = 0.001;
const SNAP_MAX_M: f64 = 100.0;
const DRIVERS: usize = 600;

fn midtown(snap_max_m: f64) -> Arc<Roads> {
    let network = import_pbf(Cursor::new(MIDTOWN), &mut |_| {}).expect("the test has set this up").network;
    Arc::new(Roads::new(network, snap_max_m).expect("the test has set this up"))
}

/// Generates a position near a random junction.
fn near_a_junction(rng: &mut Pcg64Mcg, roads: &Roads, offset_deg: f64) -> LatLng {
    let nodes = roads.network().nodes();
    let junction = nodes[rng.random_range(0..nodes.len())].lat_lng();
    let mut offset = || rng.random_range(-offset_deg..offset_deg);
    LatLng::new(junction.lat_deg() + offset(), junction.lon_deg() + offset())
        .expect("the test has set this up")
}

fn neighbor(number: usize, position: LatLng, origin: &Origin) -> Neighbor {
    let id = DriverId::new(&format!("cab-{number:04}")).expect("the test has set this up");
    Neighbor {
        profile: DriverProfile { id, vehicle_class: VehicleClass(0), capabilities: Capabilities(0) },
        position,
        hav: origin.hav(position),
        update_version: UpdateVersion { sequence: 1, time: Timestamp::from_millis(0) },
        motion: Motion::NONE,
        status: IndexedStatus::Available,
    }
}

/// Returns all drivers of a circle in the order of distance.
fn by_distance(positions: &[LatLng], circle: &Circle) -> Vec<Neighbor> {
    let mut neighbors: Vec<_> =
        positions.iter().enumerate().map(|(i, at)| neighbor(i, *at, circle.origin())).collect();
    neighbors.retain(|neighbor| circle.contains(neighbor.position));
    neighbors.sort_by(|a, b| a.hav.total_cmp(&b.hav).then_with(|| a.profile.id.cmp(&b.profile.id)));
    neighbors
}

/// Returns the answer of an exact index to the search of a ring.
fn search_ring(sorted: &[Neighbor], ring: &Search) -> Vec<Neighbor> {
    let Search::WithinRadius { circle, limit, after } = ring else { panic!("not a ring: {ring:?}") };
    let is_after = |neighbor: &&Neighbor| {
        after.as_ref().is_none_or(|after| (neighbor.hav, &neighbor.profile.id) > (after.hav, &after.id))
    };
    let inside = sorted.iter().filter(|neighbor| neighbor.hav <= circle.hav_max());
    inside.filter(is_after).take(*limit as usize).cloned().collect()
}

/// Computes the travel times of all drivers in one table, sorted by time.
fn truth(sorted: &[Neighbor], point: LatLng, times: &dyn TravelTimes) -> Vec<(Eta, String)> {
    let query = TravelTimeQuery {
        origins: sorted.iter().map(|neighbor| neighbor.position).collect(),
        destinations: vec![point],
        legs: (0..sorted.len() as u32).map(|origin| Leg { origin, destination: 0 }).collect(),
    };
    let table = times.table(&query);
    let mut all: Vec<_> =
        table.etas().zip(sorted).map(|(eta, neighbor)| (eta, neighbor.profile.id.to_string())).collect();
    // The table is in the order of distance, and a stable sort keeps this order for equal times.
    all.sort_by_key(|(eta, _)| eta.time_s);
    all
}

fn compare_searches(seed: u64, snap_max_m: f64) {
    println!("seed {seed}");
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let roads = midtown(snap_max_m);
    // Straight lines are faster than most routes on streets, so that answers contain drivers off the map.
    let times = RoadTimes::new(Arc::clone(&roads), Arc::new(StraightLine::new(50.0, 1.0)));
    let positions: Vec<_> =
        (0..DRIVERS).map(|_| near_a_junction(&mut rng, &roads, DRIVER_OFFSET_DEG)).collect();
    let (mut read, mut off_map, mut reordered) = (0, 0, 0);
    let queries = 25;
    for _ in 0..queries {
        let circle = Circle::new(
            near_a_junction(&mut rng, &roads, POINT_OFFSET_DEG),
            rng.random_range(300.0..8_000.0),
        )
        .expect("the test has set this up");
        let (point, k) = (circle.center(), rng.random_range(1..30));
        let sorted = by_distance(&positions, &circle);
        let mut search = NearestByEtaSearch::new(circle, k, 5_000);
        while let Some(ring) = search.ring() {
            let neighbors = search_ring(&sorted, ring);
            read += neighbors.len();
            let etas = etas(neighbors.iter().collect(), point, &times);
            search.read(neighbors, &etas, &times);
        }
        let (best, exact) = search.finish();
        assert!(exact);
        let best: Vec<_> =
            best.into_iter().map(|timed| (timed.eta, timed.neighbor.profile.id.to_string())).collect();
        let all = truth(&sorted, point, &times);
        assert_eq!(best, all[..all.len().min(k as usize)], "{k} to {point}");
        off_map += best.iter().filter(|(eta, _)| eta.source == TravelSource::StraightLine).count();
        let by_distance: Vec<_> =
            sorted.iter().take(k as usize).map(|neighbor| neighbor.profile.id.to_string()).collect();
        let by_time: Vec<_> = best.into_iter().map(|(_, id)| id).collect();
        reordered += usize::from(by_time != by_distance);
    }
    println!("{} drivers read a query, of {DRIVERS}", read / queries);
    // With the larger snap distance nobody is off the map.
    assert!(off_map > 0 || snap_max_m > SNAP_MAX_M, "some answers contain drivers off the map");
    assert!(reordered > queries / 2, "travel times must change the order of most answers: {reordered}");
    assert!(read / queries < DRIVERS, "a search does not read all drivers");
}

#[test]
fn searches_in_midtown_equal_a_table_of_all_drivers() {
    compare_searches(1, SNAP_MAX_M);
}

/// With this snap distance, positions are far from their streets. The way to the street takes no time.
#[test]
fn searches_are_exact_if_streets_are_far_from_the_positions() {
    compare_searches(2, 1_000.0);
}
