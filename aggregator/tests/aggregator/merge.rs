use std::collections::HashMap;
use std::sync::Arc;

use kerb_aggregator::merge::Merge;
use kerb_geometry::{Circle, LatLng, Polygon};
use kerb_ports::{Cursor, DriverFilter, Neighbor, Search};
use kerb_types::{DriverId, ShardId};
use proptest::prelude::*;

use crate::fakes::{center, hit, linear_scan, names};

fn nearest(k: u32) -> Search {
    Search::Nearest { circle: Circle::new(center(), 50_000.0).unwrap(), k }
}

/// Shards with copies of drivers; a driver may have copies in several shards.
type World = HashMap<ShardId, Vec<Neighbor>>;

fn scan(world: &World, shards: &[ShardId], search: &Search) -> Vec<Neighbor> {
    linear_scan(shards.iter().filter_map(|shard| world.get(shard)).flatten(), search, &DriverFilter::ANY)
}

/// Asks as the scatter does, until nothing more is needed.
fn ask(world: &World, groups: &[Vec<ShardId>], search: &Search) -> (Vec<Neighbor>, Vec<ShardId>, usize) {
    let mut gather = Merge::new(search.clone());
    for shards in groups {
        gather.add(shards.clone(), search.limit(), scan(world, shards, search));
    }
    let mut questions = 0;
    loop {
        let more = gather.refetches();
        if more.is_empty() {
            break;
        }
        for more in more {
            questions += 1;
            let hits = scan(world, &more.shards, &more.search);
            gather.add(more.shards, more.search.limit(), hits);
        }
    }
    let (hits, missing) = gather.finish();
    (hits, missing, questions)
}

#[derive(Clone, Debug)]
struct Copy {
    driver: u8,
    shard: u16,
    north: u32,
    sequence: u64,
}

fn copies() -> impl Strategy<Value = Vec<Copy>> {
    let copy = (0_u8..40, 0_u16..8, 0_u32..30, 0_u64..4).prop_map(|(driver, shard, north, sequence)| Copy {
        driver,
        shard,
        north,
        sequence,
    });
    prop::collection::vec(copy, 0..160)
}

/// At most one copy of a driver in a shard, and a stamp says where: copies of one stamp are the same.
fn world_of(copies: &[Copy]) -> World {
    let mut world: HashMap<ShardId, HashMap<u8, Neighbor>> = HashMap::new();
    let mut places: HashMap<(u8, u64), u32> = HashMap::new();
    for copy in copies {
        let north = *places.entry((copy.driver, copy.sequence)).or_insert(copy.north);
        let hit = hit(&format!("d{:02}", copy.driver), north, copy.sequence);
        world.entry(ShardId(copy.shard)).or_default().insert(copy.driver, hit);
    }
    world.into_iter().map(|(shard, hits)| (shard, hits.into_values().collect())).collect()
}

fn polygon() -> Arc<Polygon> {
    let corner = |lat, lon| LatLng::new(lat, lon).unwrap();
    let ring = vec![corner(52.5, 13.3), corner(52.5, 13.5), corner(52.522, 13.5), corner(52.522, 13.3)];
    Arc::new(Polygon::new(ring).unwrap())
}

fn search() -> impl Strategy<Value = Search> {
    let circle = Circle::new(center(), 250.0).unwrap();
    let after = prop::option::of((0_u32..20, 0_u8..40).prop_map(|(north, driver)| {
        let hit = hit(&format!("d{driver:02}"), north, 0);
        Cursor { hav: hit.hav, id: hit.card.id.clone() }
    }));
    let by_id = |after: Option<Cursor>| after.map(|cursor| Cursor { hav: 0.0, ..cursor });
    prop_oneof![
        (1_u32..30).prop_map(nearest),
        (1_u32..30, after.clone()).prop_map(move |(limit, after)| Search::WithinRadius {
            circle,
            limit,
            after
        }),
        (1_u32..30, after).prop_map(move |(limit, after)| {
            Search::WithinPolygon { polygon: polygon(), limit, after: by_id(after) }
        }),
    ]
}

proptest! {
    /// Against a linear scan over everything: no driver twice, the newest visible copy stands, in order, and whoever
    /// truly stands before the last one is there. Without stale copies the answer is the scan's.
    #[test]
    fn merges_as_a_linear_scan(copies in copies(), search in search(), cut in prop::collection::vec(0_usize..4, 8)) {
        let world = world_of(&copies);
        let mut groups = vec![Vec::new(); 4];
        (0..8).for_each(|shard| groups[cut[usize::from(shard)]].push(ShardId(shard)));
        groups.retain(|group| !group.is_empty());
        // A server that holds two copies knows the newer one only.
        let world = newest_of_each_group(&world, &groups);
        let (hits, missing, _) = ask(&world, &groups, &search);
        prop_assert!(missing.is_empty(), "four rounds are enough for so few copies");

        let by_id = matches!(search, Search::WithinPolygon { .. });
        let key = |hit: &Neighbor| (if by_id { 0.0 } else { hit.hav }, hit.card.id.clone());
        prop_assert!(hits.is_sorted_by(|a, b| key(a) < key(b)), "in order, each once");
        prop_assert!(hits.len() <= search.limit() as usize);

        let unlimited = unlimited(&search);
        let visible = scan(&world, &(0..8).map(ShardId).collect::<Vec<_>>(), &unlimited);
        let mut newest: HashMap<DriverId, Neighbor> = HashMap::new();
        for hit in visible {
            let best = newest.entry(hit.card.id.clone()).or_insert_with(|| hit.clone());
            if hit.stamp > best.stamp {
                *best = hit;
            }
        }
        let full = hits.len() == search.limit() as usize;
        for (id, truth) in &newest {
            let before_the_end = !full || match &search {
                Search::Nearest { .. } => truth.hav < hits.last().unwrap().hav,
                _ => key(truth) <= key(hits.last().unwrap()),
            };
            if before_the_end {
                let found = hits.iter().find(|hit| hit.card.id == *id);
                prop_assert_eq!(found.map(|hit| hit.stamp), Some(truth.stamp), "{}", id);
            }
        }
        prop_assert!(hits.iter().all(|hit| newest.contains_key(&hit.card.id)));
    }
}

fn newest_of_each_group(world: &World, groups: &[Vec<ShardId>]) -> World {
    let mut kept = World::new();
    for group in groups {
        let mut best: HashMap<DriverId, (ShardId, Neighbor)> = HashMap::new();
        for shard in group {
            for hit in world.get(shard).into_iter().flatten() {
                let entry = best.entry(hit.card.id.clone()).or_insert_with(|| (*shard, hit.clone()));
                if hit.stamp > entry.1.stamp {
                    *entry = (*shard, hit.clone());
                }
            }
        }
        for (shard, hit) in best.into_values() {
            kept.entry(shard).or_default().push(hit);
        }
    }
    kept
}

fn unlimited(search: &Search) -> Search {
    let mut search = search.clone();
    match &mut search {
        Search::Nearest { k: limit, .. }
        | Search::WithinRadius { limit, .. }
        | Search::WithinPolygon { limit, .. } => *limit = 100_000,
    }
    search
}

#[test]
fn a_stale_copy_does_not_stand_in_the_place_of_the_newest() {
    let world = World::from([
        (ShardId(0), vec![hit("moving", 1, 1), hit("near", 2, 1)]),
        (ShardId(1), vec![hit("moving", 9, 2), hit("far", 10, 1)]),
    ]);
    let (hits, ..) = ask(&world, &[vec![ShardId(0)], vec![ShardId(1)]], &nearest(10));
    assert_eq!(names(&hits), ["near", "moving", "far"]);
    assert_eq!(hits[1].stamp.sequence, 2);
}

#[test]
fn a_full_list_that_lost_a_copy_is_asked_for_what_comes_after() {
    // Shard 0's list of two is full with a copy that shard 1 knows better: its third is needed.
    let world = World::from([
        (ShardId(0), vec![hit("moving", 1, 1), hit("a", 2, 1), hit("b", 3, 1)]),
        (ShardId(1), vec![hit("moving", 20, 2), hit("far", 21, 1)]),
    ]);
    let (hits, missing, questions) = ask(&world, &[vec![ShardId(0)], vec![ShardId(1)]], &nearest(2));
    assert_eq!(names(&hits), ["a", "b"]);
    assert_eq!((missing, questions), (vec![], 1));
}

#[test]
fn nothing_more_is_asked_when_the_end_lies_before_every_horizon() {
    let world = World::from([
        (ShardId(0), vec![hit("a", 1, 1), hit("b", 2, 1), hit("c", 3, 1)]),
        (ShardId(1), vec![hit("d", 1, 1), hit("e", 2, 1), hit("f", 3, 1)]),
    ]);
    let (hits, _, questions) = ask(&world, &[vec![ShardId(0)], vec![ShardId(1)]], &nearest(3));
    assert_eq!((hits.len(), questions), (3, 0));
}

#[test]
fn many_at_one_distance_do_not_stop_it() {
    // 2,000 drivers on one point, 900 of which have a newer copy elsewhere, farther off.
    let here: Vec<_> = (0..2_000).map(|i| hit(&format!("d{i:04}"), 0, 1)).collect();
    let moved: Vec<_> = (0..900).map(|i| hit(&format!("d{i:04}"), 5, 2)).collect();
    let world = World::from([(ShardId(0), here), (ShardId(1), moved)]);
    let (hits, missing, _) = ask(&world, &[vec![ShardId(0)], vec![ShardId(1)]], &nearest(1_000));
    assert_eq!((hits.len(), missing), (1_000, vec![]));
    assert!(hits.iter().all(|hit| hit.hav == 0.0 && hit.stamp.sequence == 1));
}

#[test]
fn a_list_that_stays_too_short_is_missing() {
    let mut gather = Merge::new(nearest(1));
    gather.add(vec![ShardId(0)], 1, vec![hit("moving", 1, 1)]);
    gather.add(vec![ShardId(1)], 1, vec![hit("moving", 5, 2)]);
    let (_, missing) = gather.finish();
    assert_eq!(missing, [ShardId(0)]);
}
