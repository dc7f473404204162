//! Searches by travel time on a real city, held against a table over all drivers.

use std::io::Cursor;
use std::sync::Arc;

use kerb_aggregator::eta::{NearestByEtaSearch, etas};
use kerb_geometry::{Circle, LatLng, Origin};
use kerb_ports::{Eta, Leg, Neighbor, Search, TravelTimeQuery, TravelTimes};
use kerb_routing::StraightLine;
use kerb_routing::import::import_pbf;
use kerb_routing::{RoadTimes, Roads};
use kerb_types::{
    Capabilities, DriverId, DriverProfile, DriverStatus, Motion, TravelSource, UpdateVersion, VehicleClass,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const MIDTOWN: &[u8] = include_bytes!("../../../data/midtown_roads.osm.pbf");
/// How far from a junction drivers are, at most: many of them are off the map.
const DRIVERS_DEG: f64 = 0.02;
/// And the queries' points: nearly all on it.
const POINTS_DEG: f64 = 0.001;
const SNAP_MAX_M: f64 = 100.0;
const DRIVERS: usize = 600;

fn midtown(snap_max_m: f64) -> Arc<Roads> {
    let network = import_pbf(Cursor::new(MIDTOWN), &mut |_| {}).expect("what the test has set up").network;
    Arc::new(Roads::new(network, snap_max_m).expect("what the test has set up"))
}

/// Within some thousandths of a degree of a junction.
fn somewhere(rng: &mut Pcg64Mcg, roads: &Roads, off_deg: f64) -> LatLng {
    let nodes = roads.network().nodes();
    let near = nodes[rng.random_range(0..nodes.len())].lat_lng();
    let mut off = || rng.random_range(-off_deg..off_deg);
    LatLng::new(near.lat_deg() + off(), near.lon_deg() + off()).expect("what the test has set up")
}

fn neighbor(number: usize, position: LatLng, origin: &Origin) -> Neighbor {
    let id = DriverId::new(&format!("cab-{number:04}")).expect("what the test has set up");
    Neighbor {
        profile: DriverProfile { id, vehicle_class: VehicleClass(0), capabilities: Capabilities(0) },
        position,
        hav: origin.hav(position),
        update_version: UpdateVersion { sequence: 1, time_ms: 0 },
        motion: Motion::NONE,
        status: DriverStatus::Available,
    }
}

/// All drivers of a circle in the order of a ring.
fn in_order(places: &[LatLng], circle: &Circle) -> Vec<Neighbor> {
    let mut neighbors: Vec<_> =
        places.iter().enumerate().map(|(i, at)| neighbor(i, *at, circle.origin())).collect();
    neighbors.retain(|neighbor| circle.contains(neighbor.position));
    neighbors.sort_by(|a, b| a.hav.total_cmp(&b.hav).then_with(|| a.profile.id.cmp(&b.profile.id)));
    neighbors
}

/// What an exact index answers to a ring.
fn answer(sorted: &[Neighbor], ring: &Search) -> Vec<Neighbor> {
    let Search::WithinRadius { circle, limit, after } = ring else { panic!("no ring: {ring:?}") };
    let is_after = |neighbor: &&Neighbor| {
        after.as_ref().is_none_or(|after| (neighbor.hav, &neighbor.profile.id) > (after.hav, &after.id))
    };
    let inside = sorted.iter().filter(|neighbor| neighbor.hav <= circle.hav_max());
    inside.filter(is_after).take(*limit as usize).cloned().collect()
}

/// A table over everybody, sorted.
fn truth(sorted: &[Neighbor], point: LatLng, times: &dyn TravelTimes) -> Vec<(Eta, String)> {
    let query = TravelTimeQuery {
        origins: sorted.iter().map(|neighbor| neighbor.position).collect(),
        destinations: vec![point],
        legs: (0..sorted.len() as u32).map(|origin| Leg { origin, destination: 0 }).collect(),
    };
    let table = times.table(&query);
    let mut all: Vec<_> =
        table.etas().zip(sorted).map(|(eta, neighbor)| (eta, neighbor.profile.id.to_string())).collect();
    // The table is by distance, and a stable sort keeps that among equal times.
    all.sort_by_key(|(eta, _)| eta.time_s);
    all
}

fn judge(seed: u64, snap_max_m: f64) {
    println!("seed {seed}");
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let roads = midtown(snap_max_m);
    // Faster than most ways on streets, so that drivers off the map are among the soonest.
    let times = RoadTimes::new(Arc::clone(&roads), Arc::new(StraightLine::new(50.0, 1.0)));
    let places: Vec<_> = (0..DRIVERS).map(|_| somewhere(&mut rng, &roads, DRIVERS_DEG)).collect();
    let (mut read, mut off_map, mut reordered) = (0, 0, 0);
    let queries = 25;
    for _ in 0..queries {
        let circle = Circle::new(somewhere(&mut rng, &roads, POINTS_DEG), rng.random_range(300.0..8_000.0))
            .expect("what the test has set up");
        let (point, k) = (circle.center(), rng.random_range(1..30));
        let sorted = in_order(&places, &circle);
        let mut soonest = NearestByEtaSearch::new(circle, k, 5_000);
        while let Some(ring) = soonest.ring() {
            let neighbors = answer(&sorted, ring);
            read += neighbors.len();
            let from = neighbors.iter().map(|neighbor| neighbor.position).collect();
            let etas = etas(from, point, &times);
            soonest.read(neighbors, &etas, &times);
        }
        let (best, exact) = soonest.finish();
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
    assert!(off_map > 0, "drivers off the map are among the answers");
    assert!(reordered > queries / 2, "streets make another order than straight lines: {reordered}");
    assert!(read / queries < DRIVERS, "not everybody is read");
}

#[test]
fn the_soonest_of_midtown_are_those_of_a_table_over_everybody() {
    judge(1, SNAP_MAX_M);
}

/// Long ways between positions and their streets, which take no time.
#[test]
fn the_soonest_are_right_where_streets_are_far_off() {
    judge(2, 1_000.0);
}
