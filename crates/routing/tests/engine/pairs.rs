//! One-to-one travel times and routes.

use kerb_routing::engine::{Engine, PhantomNode, Route, Router, UNREACHABLE_MS};

use crate::town::{Kind, Town, seeded};
use crate::truth::Cut;

#[test]
fn times_equal_dijkstra() {
    let (mut reached, mut unreached) = (0, 0);
    for seed in 0..60 {
        let mut rng = seeded(seed);
        let kind = if seed % 2 == 0 { Kind::Plain } else { Kind::Strange };
        let town = Town::grid(&mut rng, 4 + (seed % 9) as u32, kind);
        let places = town.places(&mut rng, 14);
        let (engine, truth) = (town.engine(), Cut::new(&town, &town.time_ms, &places).table());
        let router = engine.router();
        for (from, row) in places.iter().zip(&truth) {
            for (to, &right_ms) in places.iter().zip(row) {
                let time_ms = router.travel_time_ms(from, to);
                assert_eq!(time_ms.unwrap_or(UNREACHABLE_MS), right_ms, "{from:?} to {to:?}");
                let route = router.route(from, to);
                assert_eq!(route.as_ref().map(|route| route.time_ms), time_ms, "{from:?} to {to:?}");
                match route {
                    Some(route) => {
                        reached += 1;
                        check(&town, &router, from, to, &route);
                    }
                    None => unreached += 1,
                }
            }
        }
    }
    assert!(reached > 1_000 && unreached > 1_000, "{reached} reached, {unreached} not");
}

/// Checks that a route connects both places without gaps, and that its times are right.
fn check(town: &Town, router: &Router, from: &[PhantomNode], to: &[PhantomNode], route: &Route) {
    let sum_ms: u32 = route.arc_segments.iter().map(|arc_part| arc_part.time_ms).sum();
    assert_eq!(sum_ms, route.time_ms, "{route:?}");
    let tails = town.tails();
    let Some((first, last)) = route.arc_segments.first().zip(route.arc_segments.last()) else {
        return check_empty(town, &tails, from, to);
    };
    let starts_at = |end: &PhantomNode| {
        (end.arc == first.arc && same(end.fraction, first.from))
            || (same(end.fraction, 1.0)
                && same(first.from, 0.0)
                && town.head[end.arc as usize] == tails[first.arc as usize])
    };
    let ends_at = |end: &PhantomNode| {
        (end.arc == last.arc && (same(end.fraction, last.to) || same(last.from, last.to)))
            || (same(end.fraction, 0.0)
                && same(last.to, 1.0)
                && tails[end.arc as usize] == town.head[last.arc as usize])
    };
    assert!(from.iter().any(starts_at), "{route:?} does not start at {from:?}");
    assert!(to.iter().any(ends_at), "{route:?} does not end at {to:?}");
    for pair in route.arc_segments.windows(2) {
        assert_eq!((pair[0].to, pair[1].from), (1.0, 0.0), "{route:?} is cut inside");
        assert_eq!(town.head[pair[0].arc as usize], tails[pair[1].arc as usize], "{route:?} jumps");
    }
    for arc_part in &route.arc_segments {
        let whole_ms = f64::from(router.time_ms()[arc_part.arc as usize]);
        let right_ms = whole_ms * (arc_part.to - arc_part.from);
        assert!((right_ms - f64::from(arc_part.time_ms)).abs() <= 1.0, "{arc_part:?} of {whole_ms} ms");
    }
}

/// A route between two places at one node, or at one point, has no arcs.
fn check_empty(town: &Town, tails: &[u32], from: &[PhantomNode], to: &[PhantomNode]) {
    let here = |from: &PhantomNode, to: &PhantomNode| {
        let point = from.arc == to.arc && same(from.fraction, to.fraction);
        let head = town.head[from.arc as usize];
        point || (same(from.fraction, 1.0) && same(to.fraction, 0.0) && head == tails[to.arc as usize])
    };
    let whole = |from: &PhantomNode, to: &PhantomNode| from.arc == to.arc && from.fraction >= to.fraction;
    assert!(
        from.iter().any(|from| to.iter().any(|to| here(from, to) || whole(from, to))),
        "{from:?} to {to:?}"
    );
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

#[test]
fn earlier_point_on_the_same_arc_needs_a_detour() {
    let mut rng = seeded(7);
    let town = Town::grid(&mut rng, 8, Kind::Plain);
    let router = town.engine().router();
    let mut longer = 0;
    for arc in 0..town.head.len() as u32 {
        let (early, late) = ([PhantomNode { arc, fraction: 0.2 }], [PhantomNode { arc, fraction: 0.8 }]);
        let ahead_ms = router.travel_time_ms(&early, &late).expect("along the arc");
        assert!(ahead_ms <= town.time_ms[arc as usize] * 6 / 10 + 1);
        if let Some(route) = router.route(&late, &early) {
            longer += 1;
            assert!(route.arc_segments.len() > 2, "{route:?} must leave the arc and come back");
            assert_eq!(
                (route.arc_segments[0].arc, route.arc_segments.last().map(|last| last.arc)),
                (arc, Some(arc))
            );
        }
    }
    assert!(longer > 50, "{longer} arcs lie on a circle");
}

#[test]
fn stored_order_gives_the_same_engine() {
    let mut rng = seeded(3);
    let town = Town::grid(&mut rng, 9, Kind::Strange);
    let (engine, places) = (town.engine(), town.places(&mut rng, 20));
    let again = Engine::with_order(&town.streets(), engine.order()).expect("its own order");
    let reversed: Vec<u32> = engine.order().iter().rev().copied().collect();
    let slow = Engine::with_order(&town.streets(), &reversed).expect("an order");
    let table = engine.router().matrix(&places, &places);
    assert_eq!(again.router().matrix(&places, &places), table);
    assert_eq!(slow.router().matrix(&places, &places), table, "any order is right");
}
