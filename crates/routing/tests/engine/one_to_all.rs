//! The nodes and parts of arcs within a time.

use kerb_routing::engine::{ArcSegment, PhantomNode, UNREACHABLE_MS};

use crate::town::{Kind, Town, seeded};
use crate::truth::Cut;

#[test]
fn one_to_all_equals_dijkstra() {
    let mut partly = 0;
    for seed in 600..640 {
        let mut rng = seeded(seed);
        let kind = if seed % 2 == 0 { Kind::Plain } else { Kind::Strange };
        let town = Town::grid(&mut rng, 11, kind);
        let place = vec![town.place(&mut rng)];
        let times_ms = Cut::new(&town, &town.time_ms, &place).to_nodes(0);
        let router = town.engine().router();
        for within_ms in [0, 5_000, 60_000, UNREACHABLE_MS, u32::MAX] {
            let reach = router.one_to_all(&place[0], within_ms);
            let mut nodes: Vec<(u32, u32)> =
                reach.nodes.iter().map(|reached| (reached.node, reached.time_ms)).collect();
            nodes.sort_unstable();
            let right = (0..).zip(times_ms.iter().copied());
            let right: Vec<(u32, u32)> =
                right.filter(|(_, ms)| *ms <= within_ms && *ms < UNREACHABLE_MS).collect();
            assert_eq!(nodes, right, "within {within_ms} ms");
            partly += check_stretches(&town, &times_ms, &place[0], within_ms, &reach.arc_segments);
        }
    }
    assert!(partly > 100, "{partly} arcs were reached in part");
}

/// The reached length of every arc: from its tail as far as the remaining time allows, and from the start on its own
/// arcs.
fn check_stretches(
    town: &Town,
    times_ms: &[u32],
    place: &[PhantomNode],
    within_ms: u32,
    arc_segments: &[ArcSegment],
) -> usize {
    let within_ms = within_ms.min(UNREACHABLE_MS - 1);
    let mut right: Vec<(u32, f64, f64)> = Vec::new();
    let mut add = |arc: u32, from: f64, left_ms: u32| {
        let arc_ms = f64::from(town.time_ms[arc as usize]);
        let to = if arc_ms == 0.0 { 1.0 } else { (from + f64::from(left_ms) / arc_ms).min(1.0) };
        if arc_ms < f64::from(UNREACHABLE_MS) && from < to {
            right.push((arc, from, to));
        }
    };
    for end in place {
        add(end.arc, end.fraction, within_ms);
    }
    for (arc, tail) in (0..).zip(town.tails()) {
        if let Some(left_ms) = within_ms.checked_sub(times_ms[tail as usize]) {
            add(arc, 0.0, left_ms);
        }
    }
    let mut got: Vec<(u32, f64, f64)> =
        arc_segments.iter().map(|arc_part| (arc_part.arc, arc_part.from, arc_part.to)).collect();
    let order = |a: &(u32, f64, f64), b: &(u32, f64, f64)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1));
    right.sort_by(order);
    got.sort_by(order);
    // The engine rounds a start down to a whole millisecond of its arc, so the end of the time moves by as much. Parts
    // that are shorter may be missing.
    let slack = |arc: u32| 1.0 / f64::from(town.time_ms[arc as usize].max(1)) + 1e-9;
    let long = |arc_part: &&(u32, f64, f64)| arc_part.2 - arc_part.1 > slack(arc_part.0);
    let (got_long, right_long): (Vec<_>, Vec<_>) =
        (got.iter().filter(long).collect(), right.iter().filter(long).collect());
    assert_eq!(got_long.len(), right_long.len(), "within {within_ms} ms: {got:?} and {right:?}");
    for (got, right) in got_long.iter().zip(&right_long) {
        assert_eq!((got.0, got.1), (right.0, right.1));
        assert!((got.2 - right.2).abs() <= slack(got.0), "{got:?} and {right:?}");
    }
    got.iter().filter(|arc_part| arc_part.2 < 1.0).count()
}
