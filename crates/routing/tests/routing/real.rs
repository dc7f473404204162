//! Compares all results of the engine on real streets, with and without turn restrictions, with the reference of
//! `support/turn_reference.rs`. Prints its seeds.
//!
//! `KERB_TEST_DATA` names a folder with larger extracts; the tests also use those listed below.

use std::io::Cursor;
use std::path::PathBuf;

use kerb_geometry::{LatLng, distance_m};
use kerb_routing::engine::{
    Candidate, Engine, PhantomNode, Router, Streets, TravelDirection, UNREACHABLE_MS,
};
use kerb_routing::import::{ImportOptions, UTurns, import_pbf_with};
use kerb_routing::{DirectedSegment, Network, Roads, SegmentId};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::extracts::{ANDORRA, MIDTOWN, MONACO};
use crate::support::pbf::{self, BlockCompression};
use crate::support::turn_reference::{Point, TurnReference};

const PLACES: usize = 24;
const LARGER: [&str; 3] =
    ["nyc/manhattan_roads.osm.pbf", "nyc/midtown_full.osm.pbf", "sf/roads_straight.osm.pbf"];

/// A road network, random places on it, and the reference.
struct City {
    roads: Roads,
    reference: TurnReference,
    places: Vec<Vec<Point>>,
    /// The reference times from each place to each other.
    right_ms: Vec<Vec<u32>>,
}

impl City {
    fn new(name: &str, bytes: &[u8], seed: u64) -> City {
        let options = ImportOptions { u_turns: UTurns::Everywhere, ..ImportOptions::default() };
        let imported = import_pbf_with(Cursor::new(bytes), &options, &mut |_| {}).unwrap();
        let roads = Roads::new(imported.network, 300.0).unwrap();
        let reference = TurnReference::new(bytes, roads.network());
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let directions = reference.directions();
        let places: Vec<Vec<Point>> = (0..PLACES)
            .map(|_| {
                let direction = directions[random.random_range(0..directions.len())];
                let share = [0.0, 1.0, random.random_range(0.0..1.0)][random.random_range(0..3)];
                let back = directions.binary_search(&(direction ^ 1)).is_ok();
                let both = back && random.random_bool(0.7);
                let other = both.then_some((direction ^ 1, 1.0 - share));
                std::iter::once((direction, share)).chain(other).collect()
            })
            .collect();
        let row = |from: &Vec<Point>| {
            let begun = reference.begun_ms(from);
            places.iter().map(|to| reference.time_ms(&begun, from, to) as u32).collect()
        };
        let right_ms = places.iter().map(row).collect();
        println!(
            "{name}, seed {seed}: {} directions, {} rules, {} states more for what came before",
            directions.len(),
            reference.rules,
            reference.distinguished()
        );
        City { roads, reference, places, right_ms }
    }

    fn network(&self) -> &Network {
        self.roads.network()
    }

    fn ends(&self, place: &[Point]) -> Vec<PhantomNode> {
        let ends = |(direction, fraction): &Point| {
            let arcs = self.network().arcs_of(DirectedSegment::from_number(*direction)).iter();
            arcs.map(|arc| PhantomNode { arc: *arc, fraction: *fraction }).collect::<Vec<_>>()
        };
        place.iter().flat_map(ends).collect()
    }

    fn all_ends(&self) -> Vec<Vec<PhantomNode>> {
        self.places.iter().map(|place| self.ends(place)).collect()
    }

    fn router(&self) -> std::sync::Arc<Router> {
        self.roads.engine().router()
    }

    fn direction(&self, arc: u32) -> u32 {
        self.network().directed_segments()[arc as usize]
    }

    /// The position of a point on its segment.
    fn position(&self, (direction, share): Point) -> LatLng {
        let shape = self.network().shape(SegmentId(direction / 2)).iter();
        let mut shape: Vec<LatLng> = shape.map(|place| place.lat_lng()).collect();
        if direction % 2 == 1 {
            shape.reverse();
        }
        let whole_m: f64 = shape.windows(2).map(|pair| distance_m(pair[0], pair[1])).sum();
        let mut left_m = whole_m * share;
        for pair in shape.windows(2) {
            let piece_m = distance_m(pair[0], pair[1]);
            if left_m <= piece_m && piece_m > 0.0 {
                let between = |from: f64, to: f64| from + (to - from) * left_m / piece_m;
                return LatLng::new(
                    between(pair[0].lat_deg(), pair[1].lat_deg()),
                    between(pair[0].lon_deg(), pair[1].lon_deg()),
                )
                .unwrap();
            }
            left_m -= piece_m;
        }
        shape[shape.len() - 1]
    }
}

/// The same extract without turn restrictions: their relations get another type.
fn without_restrictions(bytes: &[u8]) -> Vec<u8> {
    let (old, new) = (b"restriction", b"no-relation");
    let unrestricted = |(kind, mut content): (String, Vec<u8>)| {
        while let Some(at) = content.windows(old.len()).position(|part| part == old) {
            content[at..at + old.len()].copy_from_slice(new);
        }
        pbf::block(&kind, &content, BlockCompression::Zlib)
    };
    pbf::blocks(bytes).into_iter().flat_map(unrestricted).collect()
}

/// The same extract with all private streets and gates open: the reference only models turns.
fn without_private_streets(bytes: &[u8]) -> Vec<u8> {
    let private = ["private", "destination", "customers", "delivery", "permit", "residents"];
    let gates = ["gate", "lift_gate", "swing_gate", "sliding_gate", "bump_gate", "hampshire_gate"];
    let open: Vec<_> = private.iter().map(|value| (*value, "yes")).collect();
    let open = open.into_iter().chain(gates.iter().map(|gate| (*gate, "toll_booth")));
    pbf::replace_strings(bytes, &open.collect::<Vec<_>>())
}

fn pairs_and_routes(city: &City) {
    let (router, ends) = (city.router(), city.all_ends());
    for (from, row) in city.right_ms.iter().enumerate() {
        for (to, right_ms) in row.iter().enumerate() {
            assert_eq!(router.travel_time_ms(&ends[from], &ends[to]), Some(*right_ms), "{from} to {to}");
            let route = router.route(&ends[from], &ends[to]).unwrap();
            assert_eq!(route.time_ms, *right_ms, "{from} to {to}");
            assert_eq!(route.arc_segments.iter().map(|arc_part| arc_part.time_ms).sum::<u32>(), *right_ms);
            let driven: Vec<u32> =
                route.arc_segments.iter().map(|arc_part| city.direction(arc_part.arc)).collect();
            assert!(
                city.reference.may_drive(&driven),
                "{from} to {to} makes a turn that it may not: {driven:?}"
            );
        }
    }
}

fn tables_and_rows(city: &City) {
    let (router, ends) = (city.router(), city.all_ends());
    let table = router.matrix(&ends, &ends);
    for (place, row) in city.right_ms.iter().enumerate() {
        assert_eq!(table.row(place), row, "row {place}");
        assert_eq!(&router.one_to_many(TravelDirection::OneToMany, &ends[place], &ends), row, "from {place}");
        let column: Vec<u32> = city.right_ms.iter().map(|row| row[place]).collect();
        assert_eq!(router.one_to_many(TravelDirection::ManyToOne, &ends[place], &ends), column, "to {place}");
    }
}

fn nearest(city: &City) {
    let (router, ends) = (city.router(), city.all_ends());
    let at: Vec<LatLng> = city.places.iter().map(|place| city.position(place[0])).collect();
    for place in 0..PLACES {
        let candidate =
            |id: usize| Candidate { id, phantom_nodes: &ends[id], straight_m: distance_m(at[place], at[id]) };
        let mut candidates: Vec<_> = (0..PLACES).map(candidate).collect();
        candidates.sort_by(|a, b| a.straight_m.total_cmp(&b.straight_m));
        let column: Vec<u32> = city.right_ms.iter().map(|row| row[place]).collect();
        for (travel, all_ms) in
            [(TravelDirection::OneToMany, &city.right_ms[place]), (TravelDirection::ManyToOne, &column)]
        {
            for (k, within_ms) in [(1, UNREACHABLE_MS), (5, UNREACHABLE_MS), (9, 240_000)] {
                let near = router.nearest(travel, &ends[place], k, within_ms, candidates.iter().copied());
                let found: Vec<u32> = near.nearest.iter().map(|near| near.time_ms).collect();
                let mut right = all_ms.clone();
                right.retain(|ms| *ms <= within_ms);
                right.sort_unstable();
                right.truncate(k);
                assert_eq!(found, right, "{k} nearest of {place} within {within_ms} ms, {travel:?}");
                assert!(near.nearest.iter().all(|near| near.time_ms == all_ms[near.id]));
            }
        }
    }
}

/// Compares the reached length of every direction.
fn reach(city: &City) {
    let router = city.router();
    for (place, within_ms) in city.places.iter().zip([1_000, 45_000, 240_000, 900_000].into_iter().cycle()) {
        let begun = city.reference.begun_ms(place);
        let reach = router.one_to_all(&city.ends(place), within_ms);
        let mut got = vec![0.0_f64; city.network().segments() * 2];
        for arc_part in reach.arc_segments.iter().filter(|arc_part| arc_part.from == 0.0) {
            let share = &mut got[city.direction(arc_part.arc) as usize];
            *share = share.max(arc_part.to);
        }
        for direction in city.reference.directions() {
            let whole_ms = city.reference.whole_ms(direction) as f64;
            let begun = begun.get(&direction).and_then(|begun| u64::from(within_ms).checked_sub(*begun));
            let from_start = begun.map_or(0.0, |left| (left as f64 / whole_ms).min(1.0));
            // A point at the start of a direction also reaches this direction directly.
            let here = place.iter().filter(|point| point.0 == direction && point.1 == 0.0);
            let from_here = here.map(|_| (f64::from(within_ms) / whole_ms).min(1.0));
            let right = from_here.fold(from_start, f64::max);
            assert!((got[direction as usize] - right).abs() < 1e-9, "{direction} of {place:?}");
        }
    }
}

/// Times over places with one arc satisfy the triangle inequality: a route over such a place is a route.
fn triangles(city: &City) {
    let arcs: Vec<PhantomNode> = city.all_ends().iter().map(|ends| ends[0]).collect();
    let table = city.router().matrix(&arcs, &arcs);
    for (a, b, c) in
        (0..PLACES).flat_map(|a| (0..PLACES).flat_map(move |b| (0..PLACES).map(move |c| (a, b, c))))
    {
        assert!(table.row(a)[c] <= table.row(a)[b] + table.row(b)[c], "{a} {b} {c}");
    }
}

/// The same streets with all directions open and all turns allowed.
fn both_ways(city: &City) {
    let network = city.network();
    let mut numbers = std::collections::BTreeMap::new();
    let mut nodes = Vec::new();
    let mut arcs = Vec::new();
    for segment in (0..network.segments() as u32).map(SegmentId) {
        let shape = network.shape(segment);
        let [first, last] = [shape[0], shape[shape.len() - 1]].map(|place| {
            *numbers.entry((place.lat_e7, place.lon_e7)).or_insert_with(|| {
                nodes.push(place.lat_lng());
                nodes.len() as u32 - 1
            })
        });
        let cm = network.lengths_cm()[segment.0 as usize];
        arcs.extend([(first, last, cm), (last, first, cm)]);
    }
    arcs.sort_unstable();
    let first_out: Vec<u32> =
        (0..=nodes.len() as u32).map(|node| arcs.partition_point(|arc| arc.0 < node) as u32).collect();
    let (head, time_ms): (Vec<u32>, Vec<u32>) = arcs.iter().map(|arc| (arc.1, arc.2)).unzip();
    let length_m: Vec<f32> = arcs.iter().map(|arc| arc.2 as f32 / 100.0).collect();
    let streets =
        Streets { nodes: &nodes, first_out: &first_out, head: &head, length_m: &length_m, time_ms: &time_ms };
    let router = Engine::new(&streets).unwrap().router();
    let step = (arcs.len() / PLACES).max(1);
    let places: Vec<u32> = (0..arcs.len()).step_by(step).map(|arc| arcs[arc].0).collect();
    let leave = |node: &u32| PhantomNode {
        arc: arcs.iter().position(|arc| arc.1 == *node).unwrap() as u32,
        fraction: 1.0,
    };
    let arrive = |node: &u32| PhantomNode { arc: first_out[*node as usize], fraction: 0.0 };
    let from: Vec<PhantomNode> = places.iter().map(leave).collect();
    let to: Vec<PhantomNode> = places.iter().map(arrive).collect();
    let table = router.matrix(&from, &to);
    for (a, b) in (0..places.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
        assert_eq!(table.row(a)[b], table.row(b)[a], "{a} and {b}");
        assert_ne!(table.row(a)[b], UNREACHABLE_MS);
    }
}

fn check(city: &City) {
    pairs_and_routes(city);
    tables_and_rows(city);
    nearest(city);
    reach(city);
    triangles(city);
    both_ways(city);
}

/// Runs all comparisons with the restrictions of an extract and, if it has any, without them.
fn check_both(name: &str, bytes: &[u8], seed: u64) -> City {
    let bytes = &without_private_streets(bytes)[..];
    let with = City::new(name, bytes, seed);
    check(&with);
    if with.reference.rules > 0 {
        let without = City::new(&format!("{name} without restrictions"), &without_restrictions(bytes), seed);
        assert_eq!((without.reference.rules, without.network().summary().node_copies), (0, 0));
        assert_ne!(without.network().fingerprint(), with.network().fingerprint());
        check(&without);
    }
    with
}

#[test]
fn monaco_equals_the_reference() {
    check_both("Monaco", MONACO, 1);
}

#[test]
fn andorra_equals_the_reference() {
    check_both("Andorra", ANDORRA, 2);
}

#[test]
fn midtown_equals_the_reference() {
    for seed in 3..6 {
        let with = check_both("Midtown", MIDTOWN, seed);
        assert!(with.reference.rules > 100 && with.reference.distinguished() > 5);
    }
}

#[test]
fn larger_extracts_equal_the_reference() {
    let Some(folder) = std::env::var_os("KERB_TEST_DATA").map(PathBuf::from) else {
        println!("NOT RUN: KERB_TEST_DATA names no folder with {LARGER:?}");
        return;
    };
    for (name, seed) in LARGER.into_iter().zip(10..) {
        let bytes = std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        check_both(name, &bytes, seed);
    }
}
