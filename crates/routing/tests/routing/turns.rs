//! Every kind of turn restriction at one crossing, checked by the remaining paths.

use kerb_routing::import::RestrictionCounts;

use crate::support::dijkstra::{direction, tail, time_between, times_from};
use crate::support::osm::{Osm, Tags};

/// A crossing of four streets in a ring of eight, so that every forbidden turn has a detour.
///
/// ```text
/// 11 ── 1 ── 12
///  │    N    │      ways 1 to 4 lead north, east, south, west: from the center 100 outward
///  4 W─100─E 2
///  │    S    │
/// 14 ── 3 ── 13
/// ```
fn crossing() -> Osm {
    let osm = Osm::default()
        .with_u_turns()
        .node(100, 0, 0)
        .node(1, 0, 3)
        .node(2, 3, 0)
        .node(3, 0, -3)
        .node(4, -3, 0);
    let osm = osm.node(11, -3, 3).node(12, 3, 3).node(13, 3, -3).node(14, -3, -3);
    let osm = osm.way(1, &[100, 1], &[]).way(2, &[100, 2], &[]).way(3, &[100, 3], &[]).way(4, &[100, 4], &[]);
    let ring = [
        (21, 11, 1),
        (22, 1, 12),
        (23, 12, 2),
        (24, 2, 13),
        (25, 13, 3),
        (26, 3, 14),
        (27, 14, 4),
        (28, 4, 11),
    ];
    ring.into_iter().fold(osm, |osm, (id, from, to)| osm.way(id, &[from, to], &[]))
}

/// The impossible turns at the center: pairs of the arriving and the leaving way.
fn forbidden(osm: &Osm) -> Vec<(i64, i64)> {
    let network = osm.network();
    let mut forbidden = Vec::new();
    for from in 1..=4 {
        for to in 1..=4 {
            let inward = direction(&network, from, true).expect("all of the crossing is kept");
            let outward = direction(&network, to, false).expect("all of the crossing is kept");
            let direct = u64::from(network.time_ms()[network.arcs_of(outward)[0] as usize]);
            let time = time_between(&network, inward, outward).expect("there is a way round");
            assert!(time >= direct);
            if time > direct {
                forbidden.push((from, to));
            }
        }
    }
    forbidden
}

const NORTH: i64 = 1;
const EAST: i64 = 2;
const SOUTH: i64 = 3;
const WEST: i64 = 4;

#[test]
fn all_turns_are_allowed_without_restrictions() {
    assert_eq!(forbidden(&crossing()), []);
    assert_eq!(crossing().import().network.summary().node_copies, 0);
}

#[test]
fn each_restriction_value_forbids_its_turns() {
    let others = |from: i64, only: i64| -> Vec<(i64, i64)> {
        (1..=4).filter(|to| *to != only).map(|to| (from, to)).collect()
    };
    let table = [
        ("no_left_turn", SOUTH, WEST, vec![(SOUTH, WEST)]),
        ("no_right_turn", SOUTH, EAST, vec![(SOUTH, EAST)]),
        ("no_straight_on", SOUTH, NORTH, vec![(SOUTH, NORTH)]),
        ("no_u_turn", SOUTH, SOUTH, vec![(SOUTH, SOUTH)]),
        ("no_entry", EAST, NORTH, vec![(EAST, NORTH)]),
        ("no_exit", EAST, NORTH, vec![(EAST, NORTH)]),
        ("only_left_turn", SOUTH, WEST, others(SOUTH, WEST)),
        ("only_right_turn", SOUTH, EAST, others(SOUTH, EAST)),
        ("only_straight_on", SOUTH, NORTH, others(SOUTH, NORTH)),
        ("only_u_turn", SOUTH, SOUTH, others(SOUTH, SOUTH)),
    ];
    for (value, from, to, expected) in table {
        let osm = crossing().restriction(900, value, from, 100, to);
        assert_eq!(forbidden(&osm), expected, "{value}");
        let report = osm.import().report.restrictions;
        assert_eq!(report, RestrictionCounts { kept: 1, ..RestrictionCounts::default() }, "{value}");
        assert_eq!(osm.network().summary().turn_restrictions, 1, "{value}");
    }
}

#[test]
fn several_restrictions_add_up() {
    let osm = crossing()
        .restriction(900, "no_left_turn", SOUTH, 100, WEST)
        .restriction(901, "no_u_turn", SOUTH, 100, SOUTH)
        .restriction(902, "no_left_turn", NORTH, 100, EAST);
    assert_eq!(forbidden(&osm), [(NORTH, EAST), (SOUTH, SOUTH), (SOUTH, WEST)]);

    let two_only = crossing().restriction(900, "only_straight_on", SOUTH, 100, NORTH).restriction(
        901,
        "only_right_turn",
        SOUTH,
        100,
        EAST,
    );
    assert_eq!(forbidden(&two_only), [(SOUTH, SOUTH), (SOUTH, WEST)]);

    let only_and_no = crossing().restriction(900, "only_straight_on", SOUTH, 100, NORTH).restriction(
        901,
        "no_straight_on",
        WEST,
        100,
        EAST,
    );
    assert_eq!(forbidden(&only_and_no), [(SOUTH, EAST), (SOUTH, SOUTH), (SOUTH, WEST), (WEST, EAST)]);
}

#[test]
fn no_entry_and_no_exit_have_several_ways() {
    let tags = |value| vec![("type", "restriction"), ("restriction", value)];
    let entry = [(1, NORTH, "from"), (1, EAST, "from"), (0, 100, "via"), (1, SOUTH, "to")];
    assert_eq!(
        forbidden(&crossing().relation(900, &entry, &tags("no_entry"))),
        [(NORTH, SOUTH), (EAST, SOUTH)]
    );
    let exit = [(1, NORTH, "from"), (0, 100, "via"), (1, SOUTH, "to"), (1, WEST, "to")];
    assert_eq!(
        forbidden(&crossing().relation(900, &exit, &tags("no_exit"))),
        [(NORTH, SOUTH), (NORTH, WEST)]
    );
}

#[test]
fn arcs_with_the_same_ban_share_a_copy() {
    let osm = crossing()
        .restriction(900, "no_left_turn", SOUTH, 100, WEST)
        .restriction(901, "no_straight_on", EAST, 100, WEST)
        .restriction(902, "no_right_turn", NORTH, 100, WEST);
    assert_eq!(osm.network().summary().node_copies, 1);
}

#[test]
fn ignored_restrictions_are_counted_and_have_no_effect() {
    let from_to = [(1, SOUTH, "from"), (0, 100, "via"), (1, WEST, "to")];
    let apart = [(1, SOUTH, "from"), (1, 22, "via"), (1, 24, "to")];
    let two_goals = [(1, SOUTH, "from"), (0, 100, "via"), (1, WEST, "to"), (1, EAST, "to")];
    let no_via = [(1, SOUTH, "from"), (1, WEST, "to")];
    let distant = [(1, 21, "from"), (0, 100, "via"), (1, WEST, "to")];
    let unknown = [(1, 999, "from"), (0, 100, "via"), (1, WEST, "to")];
    let no = |tags: &[(&'static str, &'static str)]| -> Tags { [&[("type", "restriction")], tags].concat() };
    let none = RestrictionCounts::default();
    let table = [
        (
            &from_to[..],
            no(&[("restriction:hgv", "no_left_turn")]),
            RestrictionCounts { other_vehicles: 1, ..none },
        ),
        (
            &from_to,
            no(&[("restriction", "no_left_turn"), ("except", "motorcar")]),
            RestrictionCounts { other_vehicles: 1, ..none },
        ),
        (
            &from_to,
            no(&[("restriction:conditional", "no_left_turn @ (weight>3.5)")]),
            RestrictionCounts { conditional: 1, ..none },
        ),
        (
            &from_to,
            no(&[("restriction", "no_left_turn_on_red")]),
            RestrictionCounts { at_red_lights: 1, ..none },
        ),
        (&apart, no(&[("restriction", "no_u_turn")]), RestrictionCounts { unclear: 1, ..none }),
        (&two_goals, no(&[("restriction", "no_left_turn")]), RestrictionCounts { unclear: 1, ..none }),
        (&no_via, no(&[("restriction", "no_left_turn")]), RestrictionCounts { unclear: 1, ..none }),
        (&distant, no(&[("restriction", "no_left_turn")]), RestrictionCounts { without_effect: 1, ..none }),
        (&unknown, no(&[("restriction", "only_left_turn")]), RestrictionCounts { without_effect: 1, ..none }),
        (&from_to, vec![("type", "route"), ("restriction", "no_left_turn")], none),
    ];
    for (members, tags, expected) in table {
        let osm = crossing().relation(900, members, &tags);
        assert_eq!(osm.import().report.restrictions, expected, "{tags:?} {members:?}");
        assert_eq!(forbidden(&osm), [], "{tags:?} {members:?}");
    }
}

/// A restriction from the west over the center and the east to the south. It only applies to routes from the west.
#[test]
fn restriction_over_a_way_applies_to_its_from_way_only() {
    let time_ms = |osm: &Osm, from: (i64, bool), to: (i64, bool)| {
        let network = osm.network();
        let [from, to] = [from, to].map(|(way, reverse)| direction(&network, way, reverse).unwrap());
        let starts = network.arcs_of(from).iter().map(|arc| network.head()[*arc as usize]);
        let times: Vec<_> = starts.map(|start| times_from(&network, start)).collect();
        let tails = network.arcs_of(to).iter().map(|arc| tail(&network, *arc));
        tails.flat_map(|tail| times.iter().filter_map(move |times| times[tail as usize])).min().unwrap()
    };
    let (west, north, east, to_south, to_north) =
        ((WEST, true), (NORTH, true), (EAST, false), (24, false), (23, true));
    let over = |value: &'static str, via: &[i64]| {
        let via = via.iter().map(|way| (1, *way, "via"));
        let members: Vec<_> = [(1, WEST, "from"), (1, 24, "to")].into_iter().chain(via).collect();
        crossing().relation(900, &members, &vec![("type", "restriction"), ("restriction", value)])
    };
    let (free, no, only) = (crossing(), over("no_right_turn", &[EAST]), over("only_right_turn", &[EAST]));
    for osm in [&no, &only] {
        let expected = RestrictionCounts { kept: 1, kept_over_ways: 1, ..RestrictionCounts::default() };
        assert_eq!(osm.import().report.restrictions, expected);
        // Routes from other ways, and routes that start on the via way, are free.
        for (from, to) in [(north, to_south), (north, to_north), (east, to_south), (east, to_north)] {
            assert_eq!(time_ms(osm, from, to), time_ms(&free, from, to), "{from:?} to {to:?}");
        }
    }
    assert!(time_ms(&no, west, to_south) > time_ms(&free, west, to_south));
    assert_eq!(time_ms(&no, west, to_north), time_ms(&free, west, to_north));
    // With `only_`, a car on the via way may not leave it before its end.
    assert_eq!(time_ms(&only, west, to_south), time_ms(&free, west, to_south));
    assert!(time_ms(&only, west, to_north) > time_ms(&free, west, to_north));
    assert!(time_ms(&only, west, (NORTH, false)) > time_ms(&free, west, (NORTH, false)));
    assert_eq!(
        over("no_u_turn", &[22]).import().report.restrictions.unclear,
        1,
        "it does not touch the west"
    );
    assert_eq!(over("no_u_turn", &[999]).import().report.restrictions.without_effect, 1);
}

#[test]
fn counts_are_reported_by_value() {
    let osm = crossing()
        .restriction(900, "no_left_turn", SOUTH, 100, WEST)
        .restriction(901, "no_left_turn", SOUTH, 21, WEST)
        .restriction(902, "no_nothing", SOUTH, 100, EAST);
    let report = osm.import().report;
    let count =
        |kept, without_effect| RestrictionCounts { kept, without_effect, ..RestrictionCounts::default() };
    let values: Vec<_> = report.restriction_values.into_iter().collect();
    assert_eq!(values, [("no_left_turn", count(1, 1)), ("other", count(1, 0))]);
}

#[test]
fn way_that_passes_the_via_node_is_ambiguous() {
    // One way passes the center from west to east, so either half may be meant.
    let osm = Osm::default().node(1, -1, 0).node(2, 0, 0).node(3, 1, 0).node(4, 0, 1);
    let osm = osm.way(10, &[1, 2, 3], &[]).way(11, &[2, 4], &[]);
    let report = osm.restriction(900, "no_left_turn", 10, 2, 11).import().report;
    assert_eq!(report.restrictions, RestrictionCounts { unclear: 1, ..RestrictionCounts::default() });
}

#[test]
fn restriction_makes_its_via_node_a_junction() {
    // A no-U-turn restriction at a node where a street only changes its name.
    let osm = crossing().node(200, 6, 3).way(30, &[12, 200], &[]).way(31, &[200, 13], &[]);
    let network = osm.restriction(900, "no_u_turn", 30, 200, 30).network();
    let forward = direction(&network, 30, false).unwrap();
    let back = direction(&network, 30, true).unwrap();
    let direct = u64::from(network.time_ms()[network.arcs_of(back)[0] as usize]);
    assert!(time_between(&network, forward, back).unwrap() > direct);
}
