use std::collections::HashMap;
use std::sync::Arc;

use kerb_aggregator::merge::Merge;
use kerb_geometry::{Circle, LatLng, Polygon};
use kerb_ports::{Cursor, DriverFilter, Neighbor, Search};
use kerb_types::{DriverId, ShardId};
use proptest::prelude::*;

use crate::fakes::{center, linear_scan, names, neighbor};

fn nearest(k: u32) -> Search {
    Search::Nearest { circle: Circle::new(center(), 50_000.0).unwrap(), k }
}

/// Shards with copies of drivers; a driver may have copies in several shards.
type World = HashMap<ShardId, Vec<Neighbor>>;

fn scan(world: &World, shards: &[ShardId], search: &Search) -> Vec<Neighbor> {
    linear_scan(shards.iter().filter_map(|shard| world.get(shard)).flatten(), search, &DriverFilter::ANY)
}

/// Adds the results of all groups and of every refetch, as the scatter executor does.
fn merge_all(
    world: &World,
    groups: &[Vec<ShardId>],
    search: &Search,
) -> (Vec<Neighbor>, Vec<ShardId>, usize) {
    let mut merge = Merge::new(search.clone());
    for shards in groups {
        merge.add(shards.clone(), search.limit(), scan(world, shards, search));
    }
    let mut queries = 0;
    loop {
        let refetches = merge.refetches();
        if refetches.is_empty() {
            break;
        }
        for refetch in refetches {
            queries += 1;
            let neighbors = scan(world, &refetch.shards, &refetch.search);
            merge.add(refetch.shards, refetch.search.limit(), neighbors);
        }
    }
    let (neighbors, missing) = merge.finish();
    (neighbors, missing, queries)
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

/// A shard holds at most one copy of a driver, and copies with one version are equal.
fn world_of(copies: &[Copy]) -> World {
    let mut world: HashMap<ShardId, HashMap<u8, Neighbor>> = HashMap::new();
    let mut places: HashMap<(u8, u64), u32> = HashMap::new();
    for copy in copies {
        let north = *places.entry((copy.driver, copy.sequence)).or_insert(copy.north);
        let neighbor = neighbor(&format!("d{:02}", copy.driver), north, copy.sequence);
        world.entry(ShardId(copy.shard)).or_default().insert(copy.driver, neighbor);
    }
    world.into_iter().map(|(shard, neighbors)| (shard, neighbors.into_values().collect())).collect()
}

fn polygon() -> Arc<Polygon> {
    let corner = |lat, lon| LatLng::new(lat, lon).unwrap();
    let ring = vec![corner(52.5, 13.3), corner(52.5, 13.5), corner(52.522, 13.5), corner(52.522, 13.3)];
    Arc::new(Polygon::new(ring).unwrap())
}

fn search() -> impl Strategy<Value = Search> {
    let circle = Circle::new(center(), 250.0).unwrap();
    let after = prop::option::of((0_u32..20, 0_u8..40).prop_map(|(north, driver)| {
        let neighbor = neighbor(&format!("d{driver:02}"), north, 0);
        Cursor { hav: neighbor.hav, id: neighbor.profile.id.clone() }
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
    /// The merge has no driver twice, keeps the newest visible copy, is in order, and misses no driver before its last one.
    /// Without stale copies it equals a linear scan over all copies.
    #[test]
    fn merges_as_a_linear_scan(copies in copies(), search in search(), cut in prop::collection::vec(0_usize..4, 8)) {
        let world = world_of(&copies);
        let mut groups = vec![Vec::new(); 4];
        (0..8).for_each(|shard| groups[cut[usize::from(shard)]].push(ShardId(shard)));
        groups.retain(|group| !group.is_empty());
        // A server that holds two copies keeps only the newer one.
        let world = newest_of_each_group(&world, &groups);
        let (neighbors, missing, _) = merge_all(&world, &groups, &search);
        prop_assert!(missing.is_empty(), "four rounds are enough for so few copies");

        let by_id = matches!(search, Search::WithinPolygon { .. });
        let key = |neighbor: &Neighbor| (if by_id { 0.0 } else { neighbor.hav }, neighbor.profile.id.clone());
        prop_assert!(neighbors.is_sorted_by(|a, b| key(a) < key(b)), "in order, each once");
        prop_assert!(neighbors.len() <= search.limit() as usize);

        let unlimited = unlimited(&search);
        let visible = scan(&world, &(0..8).map(ShardId).collect::<Vec<_>>(), &unlimited);
        let mut newest: HashMap<DriverId, Neighbor> = HashMap::new();
        for neighbor in visible {
            let best = newest.entry(neighbor.profile.id.clone()).or_insert_with(|| neighbor.clone());
            if neighbor.update_version > best.update_version {
                *best = neighbor;
            }
        }
        let full = neighbors.len() == search.limit() as usize;
        for (id, truth) in &newest {
            let before_the_end = !full || match &search {
                Search::Nearest { .. } => truth.hav < neighbors.last().unwrap().hav,
                _ => key(truth) <= key(neighbors.last().unwrap()),
            };
            if before_the_end {
                let found = neighbors.iter().find(|neighbor| neighbor.profile.id == *id);
                prop_assert_eq!(found.map(|neighbor| neighbor.update_version), Some(truth.update_version), "{}", id);
            }
        }
        prop_assert!(neighbors.iter().all(|neighbor| newest.contains_key(&neighbor.profile.id)));
    }
}

fn newest_of_each_group(world: &World, groups: &[Vec<ShardId>]) -> World {
    let mut kept = World::new();
    for group in groups {
        let mut best: HashMap<DriverId, (ShardId, Neighbor)> = HashMap::new();
        for shard in group {
            for neighbor in world.get(shard).into_iter().flatten() {
                let entry =
                    best.entry(neighbor.profile.id.clone()).or_insert_with(|| (*shard, neighbor.clone()));
                if neighbor.update_version > entry.1.update_version {
                    *entry = (*shard, neighbor.clone());
                }
            }
        }
        for (shard, neighbor) in best.into_values() {
            kept.entry(shard).or_default().push(neighbor);
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
        (ShardId(0), vec![neighbor("moving", 1, 1), neighbor("near", 2, 1)]),
        (ShardId(1), vec![neighbor("moving", 9, 2), neighbor("far", 10, 1)]),
    ]);
    let (neighbors, ..) = merge_all(&world, &[vec![ShardId(0)], vec![ShardId(1)]], &nearest(10));
    assert_eq!(names(&neighbors), ["near", "moving", "far"]);
    assert_eq!(neighbors[1].update_version.sequence, 2);
}

#[test]
fn a_full_list_that_lost_a_copy_is_refetched_after_its_end() {
    // Shard 0's list of two is full with a copy that shard 1 knows better: its third is needed.
    let world = World::from([
        (ShardId(0), vec![neighbor("moving", 1, 1), neighbor("a", 2, 1), neighbor("b", 3, 1)]),
        (ShardId(1), vec![neighbor("moving", 20, 2), neighbor("far", 21, 1)]),
    ]);
    let (neighbors, missing, queries) = merge_all(&world, &[vec![ShardId(0)], vec![ShardId(1)]], &nearest(2));
    assert_eq!(names(&neighbors), ["a", "b"]);
    assert_eq!((missing, queries), (vec![], 1));
}

#[test]
fn nothing_is_refetched_when_the_end_lies_before_every_horizon() {
    let world = World::from([
        (ShardId(0), vec![neighbor("a", 1, 1), neighbor("b", 2, 1), neighbor("c", 3, 1)]),
        (ShardId(1), vec![neighbor("d", 1, 1), neighbor("e", 2, 1), neighbor("f", 3, 1)]),
    ]);
    let (neighbors, _, queries) = merge_all(&world, &[vec![ShardId(0)], vec![ShardId(1)]], &nearest(3));
    assert_eq!((neighbors.len(), queries), (3, 0));
}

#[test]
fn many_at_one_distance_do_not_stop_it() {
    // 2,000 drivers on one point, 900 of which have a newer copy elsewhere, farther off.
    let here: Vec<_> = (0..2_000).map(|i| neighbor(&format!("d{i:04}"), 0, 1)).collect();
    let moved: Vec<_> = (0..900).map(|i| neighbor(&format!("d{i:04}"), 5, 2)).collect();
    let world = World::from([(ShardId(0), here), (ShardId(1), moved)]);
    let (neighbors, missing, _) = merge_all(&world, &[vec![ShardId(0)], vec![ShardId(1)]], &nearest(1_000));
    assert_eq!((neighbors.len(), missing), (1_000, vec![]));
    assert!(neighbors.iter().all(|neighbor| neighbor.hav == 0.0 && neighbor.update_version.sequence == 1));
}

#[test]
fn a_list_that_stays_too_short_is_missing() {
    let mut merge = Merge::new(nearest(1));
    merge.add(vec![ShardId(0)], 1, vec![neighbor("moving", 1, 1)]);
    merge.add(vec![ShardId(1)], 1, vec![neighbor("moving", 5, 2)]);
    let (_, missing) = merge.finish();
    assert_eq!(missing, [ShardId(0)]);
}
