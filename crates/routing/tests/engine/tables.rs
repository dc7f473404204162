//! Many-to-many, one-to-many and many-to-one travel times.

use kerb_routing::engine::{PhantomNode, TravelDirection, UNREACHABLE_MS};

use crate::town::{Kind, Town, seeded};
use crate::truth::Cut;

#[test]
fn matrices_of_all_shapes_equal_dijkstra() {
    // Shapes around the sixteen rows of a sweep: wide and tall.
    let shapes =
        [(0, 0), (0, 3), (3, 0), (1, 1), (1, 40), (40, 1), (15, 15), (16, 16), (17, 40), (40, 17), (33, 33)];
    for (seed, (rows, columns)) in (100..).zip(shapes) {
        for kind in [Kind::Plain, Kind::Strange] {
            let mut rng = seeded(seed);
            let town = Town::grid(&mut rng, 12, kind);
            let places = town.places(&mut rng, rows + columns);
            let (sources, targets) = places.split_at(rows);
            let router = town.engine().router();
            let cut = Cut::new(&town, &town.time_ms, &places);
            let table = router.matrix(sources, targets);
            for (source, place) in sources.iter().enumerate() {
                let right_ms = &cut.to_places(source)[rows..];
                assert_eq!(table.row(source), right_ms, "row {source} of {rows} by {columns}");
                assert_eq!(router.one_to_many(TravelDirection::OneToMany, place, targets), right_ms);
                for (target, &right_ms) in right_ms.iter().enumerate() {
                    assert_eq!(table.time_ms(source, target).unwrap_or(UNREACHABLE_MS), right_ms);
                }
            }
            for (target, place) in targets.iter().enumerate() {
                let column: Vec<u32> = (0..rows).map(|source| table.row(source)[target]).collect();
                assert_eq!(router.one_to_many(TravelDirection::ManyToOne, place, sources), column);
            }
        }
    }
}

#[test]
fn matrices_satisfy_the_triangle_inequality() {
    for seed in 200..206 {
        let mut rng = seeded(seed);
        let town = Town::grid(&mut rng, 14, Kind::Strange);
        // A place on a two-way street has two arcs, so a route over it could make a U-turn there that no direct route
        // can make. The triangle inequality only holds for places with one arc.
        let places: Vec<PhantomNode> = town.places(&mut rng, 50).iter().map(|place| place[0]).collect();
        let table = town.engine().router().matrix(&places, &places);
        for a in 0..50 {
            assert_eq!(table.time_ms(a, a).unwrap_or(0), 0, "a place is where it is, or on closed streets");
            for b in 0..50 {
                for c in 0..50 {
                    let over_ms = table.row(a)[b] + table.row(b)[c];
                    assert!(table.row(a)[c] <= over_ms, "{a} {b} {c}");
                }
            }
        }
    }
}

#[test]
fn scratch_memory_is_clean_after_every_query() {
    let mut rng = seeded(300);
    let town = Town::grid(&mut rng, 12, Kind::Strange);
    let router = town.engine().router();
    let places = town.places(&mut rng, 40);
    let cut = Cut::new(&town, &town.time_ms, &places);
    let truth = cut.table();
    for round in 0..10 {
        let (some, rest) = places.split_at(1 + 3 * round);
        let table = router.matrix(some, rest);
        for (source, row) in truth.iter().enumerate().take(some.len()) {
            assert_eq!(table.row(source), &row[some.len()..], "round {round}");
        }
        let (from, to) = (round, 39 - round);
        assert_eq!(
            router.travel_time_ms(&places[from], &places[to]).unwrap_or(UNREACHABLE_MS),
            truth[from][to]
        );
        assert_eq!(router.one_to_many(TravelDirection::OneToMany, &places[from], &places), truth[from]);
    }
}

#[test]
fn place_without_an_open_arc_is_unreachable() {
    let mut rng = seeded(301);
    let mut town = Town::grid(&mut rng, 6, Kind::Plain);
    town.time_ms[0] = u32::MAX;
    let router = town.engine().router();
    let closed = vec![PhantomNode { arc: 0, fraction: 0.5 }];
    let places = [closed.clone(), Vec::new(), vec![PhantomNode { arc: 5, fraction: 0.5 }]];
    let table = router.matrix(&places, &places);
    for place in 0..2 {
        for other in 0..3 {
            assert_eq!((table.time_ms(place, other), table.time_ms(other, place)), (None, None));
        }
    }
    assert_eq!(table.time_ms(2, 2), Some(0));
    assert_eq!(router.route(&closed, &closed), None);
    assert!(router.one_to_all(&closed, 1_000_000).nodes.is_empty());
}
