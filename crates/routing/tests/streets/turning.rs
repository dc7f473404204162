//! U-turns and turn restrictions.

use kerb_routing::import::UTurns;

use crate::map::{at, names, roads};
use crate::support::osm::{Osm, Tags};

/// From the south a left turn at the crossing is forbidden. The way round leads over the north and the ring; a U-turn at
/// the north end of the crossing's street would be shorter.
///
/// ```text
/// 11 ─ ring ─ 1 ─ north ─ 12
///  │          │
///  │ far      │ up           ways lead from the center 100 outward
///  │          │
/// 14 ─ left ─100
///             │ from
///             3
/// ```
fn crossing(value: &'static str) -> Osm {
    let osm = Osm::default().node(100, 0, 0).node(1, 0, 3).node(3, 0, -3);
    let osm = osm.node(11, -9, 3).node(12, 9, 3).node(14, -9, 0);
    let way = |osm: Osm, id, nodes: &[i64], name| osm.way(id, nodes, &[("name", name)]);
    let osm = way(way(way(osm, 1, &[100, 1], "up"), 3, &[100, 3], "from"), 4, &[100, 14], "left");
    let osm = way(way(osm, 21, &[1, 11], "ring"), 22, &[1, 12], "north");
    way(osm, 28, &[11, 14], "far").restriction(900, value, 3, 100, 4)
}

const SOUTH: (f64, f64) = (0.0, -2.0);
const WEST: (f64, f64) = (-1.0, 0.0);

#[test]
fn restrictions_are_not_driven_round_by_a_u_turn() {
    assert_eq!(names(&roads(&crossing("no_left_turn")), SOUTH, WEST), "from up ring far left");
    let mut everywhere = crossing("no_left_turn");
    everywhere.options.u_turns = UTurns::Everywhere;
    assert_eq!(names(&roads(&everywhere), SOUTH, WEST), "from up left");
}

#[test]
fn a_u_turn_further_on_is_no_way_round_either() {
    // Another junction on the street to the north, so that the nearest junction is not the end.
    let osm = crossing("no_left_turn").node(50, 1, 3).way(60, &[1, 50], &[("name", "stub")]);
    // The stub is a dead end, where a car turns round.
    assert_eq!(names(&roads(&osm), SOUTH, WEST), "from up stub up left");
    let osm = crossing("no_left_turn").node(50, 1, 3).node(51, 1, 4);
    let osm = osm.way(60, &[1, 50], &[("name", "on")]).way(61, &[50, 51], &[("name", "loop")]);
    let osm = osm.way(62, &[51, 12], &[("name", "loop")]);
    assert_eq!(names(&roads(&osm), SOUTH, WEST), "from up ring far left");
}

#[test]
fn turning_circle_is_a_place_to_turn_round() {
    let osm = crossing("no_left_turn");
    let osm = Osm {
        objects: osm.objects.into_iter().filter(|object| !is_node(object, 1)).collect(),
        ..Osm::default()
    };
    let osm = osm.tagged_node(1, 0, 3, &[("highway", "turning_circle")]);
    assert_eq!(names(&roads(&osm), SOUTH, WEST), "from up left");
}

fn is_node(object: &crate::support::osm::Object, wanted: i64) -> bool {
    matches!(object, crate::support::osm::Object::Node { id, .. } if *id == wanted)
}

#[test]
fn restriction_on_red_closes_no_turn() {
    for value in ["no_left_turn_on_red", "no_right_turn_on_red", "no_turn_on_red"] {
        let osm = crossing(value);
        assert_eq!(names(&roads(&osm), SOUTH, WEST), "from left", "{value}");
        assert_eq!(osm.import().report.restrictions.at_red_lights, 1);
    }
}

#[test]
fn malformed_restrictions_are_ignored_and_counted() {
    let tags = |value| -> Tags { vec![("type", "restriction"), ("restriction", value)] };
    let free = || crossing("no_left_turn_on_red");
    let table: &[&[(i32, i64, &str)]] = &[
        &[(1, 3, "from"), (0, 100, "via"), (1, 4, "to"), (1, 1, "to")],
        &[(1, 3, "from"), (1, 1, "from"), (0, 100, "via"), (1, 4, "to")],
        &[(1, 3, "from"), (0, 100, "via"), (0, 1, "via"), (1, 4, "to")],
        &[(1, 3, "from"), (0, 100, "via")],
        &[(0, 100, "via"), (1, 4, "to")],
    ];
    for members in table {
        let osm = free().relation(901, members, &tags("no_left_turn"));
        assert_eq!(osm.import().report.restrictions.unclear, 1, "{members:?}");
        assert_eq!(names(&roads(&osm), SOUTH, WEST), "from left", "{members:?}");
    }
}

#[test]
fn oneway_that_passes_the_junction_decides_the_turn() {
    // The way 3 passes the center from the south to the north. As a oneway only its southern half arrives there.
    let osm = |oneway| {
        let osm = Osm::default().node(100, 0, 0).node(1, 0, 3).node(3, 0, -3).node(14, -9, 0).node(11, -9, 3);
        let osm = osm.way(3, &[3, 100, 1], &[("name", "up"), ("oneway", oneway)]);
        let osm = osm.way(4, &[100, 14], &[("name", "left")]).way(21, &[1, 11], &[("name", "ring")]);
        osm.way(28, &[11, 14], &[("name", "far")]).restriction(900, "no_left_turn", 3, 100, 4)
    };
    assert_eq!(osm("yes").import().report.restrictions.kept, 1);
    assert_eq!(names(&roads(&osm("yes")), SOUTH, WEST), "up ring far left");
    assert_eq!(osm("no").import().report.restrictions.unclear, 1);
}

#[test]
fn heading_decides_the_side_of_a_divided_road() {
    // Two oneways 11 m apart, and links between them far away at both ends.
    let osm = Osm::default().node(1, -20, 0).node(2, 20, 0).node(5, -30, 0).node(6, 30, 0);
    let mut osm = osm.way(10, &[1, 2], &[("oneway", "yes"), ("name", "eastbound")]);
    for (id, lon) in [(3, -200_000), (4, 200_000)] {
        osm.objects.push(crate::support::osm::Object::Node {
            id,
            lat_e7: 1_000,
            lon_e7: lon,
            tags: Vec::new(),
        });
    }
    let osm = osm.way(11, &[4, 3], &[("oneway", "yes"), ("name", "westbound")]);
    let osm = osm.way(12, &[2, 6, 4], &[("name", "east")]).way(13, &[3, 5, 1], &[("name", "west")]);
    let roads = roads(&osm);
    let (from, to) = (at(0.0, 0.05), at(-10.0, 0.1));
    let toward = |heading_deg| roads.route_toward(from, Some(heading_deg), to).unwrap();
    assert_eq!(toward(270.0).steps[0].name, "westbound");
    assert_eq!(toward(90.0).steps[0].name, "eastbound");
    assert!(toward(90.0).time_ms > toward(270.0).time_ms);
}
