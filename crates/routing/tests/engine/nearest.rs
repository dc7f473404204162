//! The nearest candidates by travel time.

use kerb_geometry::distance_m;
use kerb_routing::engine::{Candidate, PhantomNode, TravelDirection, UNREACHABLE_MS};

use crate::town::{Kind, Town, seeded};
use crate::truth::Cut;

/// All places except the first as candidates, sorted by straight-line distance from the first.
fn in_order(town: &Town, places: &[Vec<PhantomNode>]) -> Vec<Candidate<usize, Vec<PhantomNode>>> {
    let tails = town.tails();
    let at = |ends: &[PhantomNode]| town.position(&tails, ends[0]);
    let place = at(&places[0]);
    let mut candidates: Vec<Candidate<usize, Vec<PhantomNode>>> = places
        .iter()
        .enumerate()
        .skip(1)
        .map(|(id, ends)| Candidate {
            id,
            phantom_nodes: ends.clone(),
            straight_m: distance_m(place, at(ends)),
        })
        .collect();
    candidates.sort_by(|a, b| a.straight_m.total_cmp(&b.straight_m));
    candidates
}

#[test]
fn nearest_equals_full_search() {
    let (mut read, mut all) = (0, 0);
    for seed in 400..420 {
        let mut rng = seeded(seed);
        let kind = if seed % 3 == 0 { Kind::Strange } else { Kind::Plain };
        let town = Town::grid(&mut rng, 16, kind);
        let places = town.places(&mut rng, 121);
        let router = town.engine().router();
        let cut = Cut::new(&town, &town.time_ms, &places);
        let from_ms = cut.to_places(0);
        let to_ms: Vec<u32> = cut.table().iter().map(|row| row[0]).collect();
        for (travel, times_ms) in
            [(TravelDirection::OneToMany, &from_ms), (TravelDirection::ManyToOne, &to_ms)]
        {
            for (k, within_ms) in
                [(0, UNREACHABLE_MS), (1, UNREACHABLE_MS), (7, u32::MAX), (7, 40_000), (500, 90_000)]
            {
                let nearest = router.nearest(travel, &places[0], k, within_ms, in_order(&town, &places));
                let mut right_ms = times_ms[1..].to_vec();
                right_ms.retain(|ms| *ms < UNREACHABLE_MS && *ms <= within_ms);
                right_ms.sort_unstable();
                right_ms.truncate(k);
                let found_ms: Vec<u32> = nearest.nearest.iter().map(|near| near.time_ms).collect();
                assert_eq!(found_ms, right_ms, "{k} within {within_ms} ms, {travel:?}");
                for near in &nearest.nearest {
                    assert_eq!(near.time_ms, times_ms[near.id], "of {}", near.id);
                }
                if kind == Kind::Plain && k == 7 {
                    (read, all) = (read + nearest.read, all + 120);
                }
            }
        }
    }
    assert!(read * 2 < all, "{read} of {all} candidates were read");
}

#[test]
fn highest_speed_bounds_all_travel_times() {
    for seed in 500..510 {
        let mut rng = seeded(seed);
        let town = Town::grid(&mut rng, 10, Kind::Plain);
        let (places, tails) = (town.places(&mut rng, 60), town.tails());
        let router = town.engine().router();
        let table = router.matrix(&places, &places);
        for (a, from) in places.iter().enumerate() {
            for (b, to) in places.iter().enumerate() {
                let straight_m = distance_m(town.position(&tails, from[0]), town.position(&tails, to[0]));
                let reach_m = router.speed_max_m_s() * (f64::from(table.row(a)[b]) + 2.0) / 1e3;
                assert!(straight_m <= reach_m * 1.000_001, "{straight_m} m in the time for {reach_m}");
            }
        }
    }
}
