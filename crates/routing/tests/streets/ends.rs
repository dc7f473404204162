//! Streets that a trip may only start or end on.

use crate::map::{at, names, ring, roads};
use crate::support::osm::Osm;

/// From the west side to the east side, each half a step above the short cut.
const THROUGH: ((f64, f64), (f64, f64)) = ((0.0, 3.5), (10.0, 3.5));

#[test]
fn restricted_streets_are_passed_at_the_ends_of_a_trip_only() {
    let open = roads(&ring(&[]));
    assert_eq!(names(&open, THROUGH.0, THROUGH.1), "west short east");
    for value in ["destination", "customers", "delivery", "residents", "private", "permit"] {
        let roads = roads(&ring(&[("access", value)]));
        assert_eq!(names(&roads, THROUGH.0, THROUGH.1), "west north east", "{value}");
        assert_eq!(names(&roads, THROUGH.0, (7.0, 3.0)), "west short", "{value}");
        assert_eq!(names(&roads, (7.0, 3.0), THROUGH.0), "short west", "{value}");
        assert_eq!(names(&roads, (2.0, 3.0), (8.0, 3.0)), "short", "{value}");
        // At the speed of the street: 30 km/h over 4 steps of 111 m.
        let time_ms = roads.route(at(2.0, 3.0), at(6.0, 3.0)).unwrap().time_ms;
        assert!((time_ms.cast_signed() - 53_374).abs() < 50, "{time_ms} ms, {value}");
    }
}

#[test]
fn closed_values_close_the_street() {
    for value in ["forestry;agricultural", "bus;taxi", "official", "emergency_vehicle", "foot", "new_value"] {
        let roads = roads(&ring(&[("motor_vehicle", value)]));
        assert_eq!(names(&roads, THROUGH.0, THROUGH.1), "west north east", "{value}");
    }
    let listed = roads(&ring(&[("access", "private;agricultural")]));
    assert_eq!(names(&listed, THROUGH.0, (5.0, 3.0)), "west short");
}

fn barrier(tags: &[(&'static str, &'static str)]) -> Osm {
    let osm = Osm::default().node(1, 0, 0).node(2, 10, 0).node(3, 10, 6).node(4, 0, 6);
    let osm = osm.tagged_node(5, 5, 0, tags);
    let osm = osm.way(10, &[1, 5, 2], &[("name", "south")]).way(11, &[4, 3], &[("name", "north")]);
    osm.way(12, &[1, 4], &[("name", "west")]).way(13, &[2, 3], &[("name", "east")])
}

#[test]
fn barriers_and_gates() {
    let around = "south west north east south";
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[], "south"),
        (&[("barrier", "planter")], around),
        (&[("barrier", "bus_trap")], around),
        (&[("barrier", "wall")], around),
        (&[("barrier", "gate"), ("locked", "yes")], around),
        (&[("barrier", "bollard")], around),
        (&[("barrier", "bollard"), ("bollard", "rising")], "south"),
        (&[("barrier", "toll_booth")], "south"),
        // A gate is no way through, although both ends of the trip are on the street with the gate.
        (&[("barrier", "gate")], around),
        (&[("barrier", "gate"), ("access", "yes")], "south"),
    ];
    for (tags, expected) in table {
        let roads = roads(&barrier(tags));
        assert_eq!(names(&roads, (3.0, 0.0), (7.0, 0.0)), *expected, "{tags:?}");
    }
}

#[test]
fn streets_behind_a_gate_are_reached_through_it() {
    let gate = ring(&[]).tagged_node(30, 5, -1, &[("barrier", "gate")]).node(31, 5, -3).node(32, 5, 0);
    // A yard of public streets whose only entry is the gate.
    let osm = gate.way(30, &[2, 30, 31], &[("name", "yard")]);
    let roads = roads(&osm);
    assert_eq!(names(&roads, (0.0, 1.0), (5.0, -2.5)), "west south yard");
    assert_eq!(names(&roads, (5.0, -2.5), (0.0, 1.0)), "yard south west");
}

#[test]
fn position_next_to_a_junction_of_oneways_is_on_all_of_them() {
    // Two oneways leave the junction 2. The position is a little past it on the first one.
    let osm = Osm::default().node(1, 0, 0).node(2, 4, 0).node(3, 8, 0).node(4, 4, 4).node(5, 8, 4);
    let oneway = |name| [("oneway", "yes"), ("name", name)];
    let osm = osm.way(10, &[1, 2], &oneway("in")).way(11, &[2, 3], &oneway("ahead"));
    let osm = osm.way(12, &[2, 4], &oneway("left")).way(13, &[3, 5], &oneway("far"));
    let roads = roads(&osm.way(14, &[5, 4], &oneway("back")).way(15, &[4, 1], &oneway("home")));
    assert_eq!(names(&roads, (4.03, 0.0), (4.0, 2.0)), "left");
    assert_eq!(names(&roads, (4.03, 0.0), (6.0, 0.0)), "ahead");
    // 22 m past the junction there is no doubt.
    assert_eq!(names(&roads, (4.2, 0.0), (4.0, 2.0)), "ahead far back home in left");
}
