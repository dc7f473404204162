//! The import of ways: directions, curves, exclusions, cuts, and independence of the order of objects.

use kerb_routing::import::{ExcludedCounts, ImportError};
use kerb_routing::{DirectedSegment, Network, RoadClass, SegmentId};

use crate::support::dijkstra::direction;
use crate::support::osm::{GRID_E7, Osm, saved};

type TagSlice = &'static [(&'static str, &'static str)];

/// A square of four two-way streets, and unused nodes next to it.
fn square() -> Osm {
    let osm = Osm::default().node(1, 0, 0).node(2, 4, 0).node(3, 4, 4).node(4, 0, 4);
    osm.way(10, &[1, 2], &[]).way(11, &[2, 3], &[]).way(12, &[3, 4], &[]).way(13, &[4, 1], &[])
}

fn open(network: &Network, way: i64) -> [bool; 2] {
    [false, true].map(|reverse| direction(network, way, reverse).is_some())
}

fn time_ms(network: &Network, way: i64, reverse: bool) -> u32 {
    network.time_ms()[network.arcs_of(direction(network, way, reverse).unwrap())[0] as usize]
}

#[test]
fn directions_follow_the_tags() {
    let table: &[(TagSlice, [bool; 2])] = &[
        (&[], [true, true]),
        (&[("oneway", "yes")], [true, false]),
        (&[("oneway", "-1")], [false, true]),
        (&[("junction", "roundabout")], [true, false]),
        (&[("highway", "motorway")], [true, false]),
        (&[("highway", "motorway"), ("oneway", "no")], [true, true]),
        (&[("motor_vehicle:backward", "no")], [true, false]),
        (&[("access", "private")], [true, true]),
        (&[("access", "official")], [false, false]),
        (&[("access", "no"), ("motorcar", "yes")], [true, true]),
        (&[("route", "ferry")], [false, false]),
    ];
    for (tags, expected) in table {
        let network = square().way(20, &[1, 3], tags).network();
        assert_eq!(open(&network, 20), *expected, "{tags:?}");
    }
}

#[test]
fn times_are_lengths_over_limits() {
    let tags =
        [("maxspeed", "36"), ("maxspeed:backward", "72"), ("name", "Diagonal"), ("highway", "primary")];
    let network = square().way(20, &[1, 2], &tags).network();
    let arc = direction(&network, 20, false).unwrap();
    // Four thousandths of a degree on the equator, with an Earth of 6,371,008.8 m.
    let length_cm = network.lengths_cm()[arc.segment.0 as usize];
    assert_eq!(length_cm, 44_478);
    assert_eq!(time_ms(&network, 20, false), 44_478);
    assert_eq!(time_ms(&network, 20, true), 22_239);
    assert_eq!((network.name(arc.segment), network.class(arc.segment)), ("Diagonal", RoadClass::Primary));
    let summary = network.summary();
    assert_eq!((summary.named_segments, summary.names, summary.segments), (1, 1, 5));
    assert!((summary.speed_max_m_s - 20.0).abs() < 1e-9);
}

#[test]
fn a_true_length_replaces_the_straight_one() {
    let length = |text| {
        let network = square().node(5, 2, 9).way(20, &[1, 5, 2], &[("length_m", text)]).network();
        network.lengths_cm()[direction(&network, 20, false).unwrap().segment.0 as usize]
    };
    let straight = length("no number");
    assert_eq!(length("9000"), 900_000);
    assert_eq!(length("10"), straight);
    assert_eq!(length("inf"), straight);
}

#[test]
fn curve_points_are_not_graph_nodes() {
    let osm = square().node(30, 1, 1).node(31, 2, 3).node(32, 3, 2);
    let network = osm.way(20, &[1, 30, 31, 31, 32, 3], &[]).network();
    assert_eq!(network.nodes().len(), 4);
    let segment = direction(&network, 20, false).unwrap().segment;
    let places = network.shape(segment).iter().map(|place| (place.lon_e7 / GRID_E7, place.lat_e7 / GRID_E7));
    assert_eq!(places.collect::<Vec<_>>(), [(0, 0), (1, 1), (2, 3), (3, 2), (4, 4)]);
}

#[test]
fn streets_are_cut_where_others_meet_them() {
    let network = square().node(30, 2, 2).way(20, &[1, 30, 3], &[]).way(21, &[2, 30], &[]).network();
    let of_way = |way| network.way_ids().iter().filter(|id| **id == way).count();
    assert_eq!((of_way(20), of_way(21)), (2, 1));
    assert_eq!(network.nodes().len(), 5);
}

#[test]
fn a_loop_is_cut_in_its_middle() {
    let osm = square().node(30, 6, 1).node(31, 7, 2).node(32, 6, 3);
    for nodes in [&[2, 30, 31, 32, 2][..], &[2, 30, 2]] {
        let network = osm.clone().way(20, nodes, &[("junction", "roundabout")]).network();
        assert_eq!(network.way_ids().iter().filter(|id| **id == 20).count(), 2);
        for node in 0..network.nodes().len() {
            let out = network.first_out()[node] as usize..network.first_out()[node + 1] as usize;
            assert!(network.head()[out].iter().all(|head| *head as usize != node), "an arc to itself");
        }
    }
    let report = osm.way(20, &[2, 2], &[]).import().report;
    assert_eq!(report.excluded, ExcludedCounts { empty: 1, ..ExcludedCounts::default() });
}

#[test]
fn way_that_meets_itself_is_cut_there() {
    let network =
        square().node(30, 6, 0).node(31, 7, 1).node(32, 7, -1).way(20, &[2, 30, 31, 32, 30], &[]).network();
    // The stick, and the head in two halves.
    assert_eq!(network.way_ids().iter().filter(|id| **id == 20).count(), 3);
}

#[test]
fn barriers_end_streets() {
    let osm = |tags: &[(&'static str, &'static str)]| {
        square().tagged_node(30, 2, 2, tags).way(20, &[1, 30, 3], &[]).import()
    };
    let free = osm(&[("highway", "crossing")]);
    assert_eq!(free.network.nodes().len(), 4);
    let blocked = osm(&[("barrier", "bollard")]);
    // Both halves are dead ends at the same position that do not connect.
    assert_eq!(blocked.network.nodes().len(), 6);
    assert_eq!(blocked.report.closed_barriers, 1);
    let opened = osm(&[("barrier", "bollard"), ("access", "yes")]);
    assert_eq!(opened.network.nodes().len(), 4);
}

#[test]
fn streets_end_before_nodes_that_are_missing() {
    let imported = square().node(30, 1, 1).node(31, 3, 3).way(20, &[1, 30, 777, 31, 3], &[]).import();
    assert_eq!(imported.report.missing_nodes, 1);
    assert_eq!(imported.network.way_ids().iter().filter(|id| **id == 20).count(), 2);
}

#[test]
fn islands_are_kept_and_known() {
    let island = square().node(50, 50, 0).node(51, 51, 0).way(30, &[50, 51], &[]).import();
    let counts = island.report.islands;
    assert_eq!((counts.components, counts.nodes, counts.segments), (1, 2, 1));
    assert!((counts.length_m - 111.2).abs() < 0.1);
    let of_way = |way| direction(&island.network, way, false).unwrap().segment.0 as usize;
    let islands = island.network.islands();
    assert_eq!((islands[of_way(10)], islands[of_way(30)]), (0, 1));

    let one_way_in = square().node(50, -5, 0).way(30, &[50, 1], &[("oneway", "yes")]).import();
    assert_eq!(open(&one_way_in.network, 30), [true, false]);
    assert_eq!(one_way_in.report.islands.components, 0);
}

#[test]
fn excluded_roads_are_counted_by_reason() {
    let osm = square()
        .way(20, &[1, 3], &[("access", "agricultural;forestry")])
        .way(21, &[1, 3], &[("route", "ferry"), ("highway", "primary")])
        .way(22, &[1, 3, 4, 1], &[("area", "yes")])
        .way(23, &[1, 3], &[("oneway", "reversible")])
        .way(24, &[1, 3], &[("highway", "footway")])
        .way(25, &[1, 3], &[("construction", "yes")])
        .way(26, &[1, 3], &[("maxheight", "1.5")]);
    let report = osm.import().report;
    assert_eq!((report.impassable, report.too_small), (1, 1));
    let expected = ExcludedCounts { no_access: 1, ferries: 1, areas: 1, reversible: 1, empty: 0 };
    assert_eq!((report.excluded, report.streets, report.ways_read), (expected, 4, 11));
}

#[test]
fn order_of_objects_does_not_matter() {
    let osm = square()
        .node(30, 2, 2)
        .way(20, &[1, 30, 3], &[("name", "A")])
        .way(21, &[2, 30, 4], &[("name", "B")])
        .restriction(900, "no_left_turn", 10, 2, 11)
        .restriction(901, "only_straight_on", 12, 4, 13);
    let expected = saved(&osm.network());
    for seed in 0..20 {
        assert_eq!(saved(&osm.shuffled(seed).network()), expected, "seed {seed}");
    }
    let mut twice = osm.clone();
    twice.objects.extend(osm.shuffled(7).objects);
    assert_eq!(saved(&twice.network()), expected, "every object is there twice");
}

#[test]
fn arcs_and_segments_name_each_other() {
    let network = square().restriction(900, "no_left_turn", 10, 2, 11).network();
    for (arc, number) in network.directed_segments().iter().enumerate() {
        let direction = DirectedSegment::from_number(*number);
        assert_eq!(direction.number(), *number);
        assert!(network.arcs_of(direction).contains(&(arc as u32)));
    }
    let listed: usize = (0..network.segments() as u32)
        .flat_map(|segment| {
            [false, true].map(|reverse| DirectedSegment { segment: SegmentId(segment), reverse })
        })
        .map(|arc| network.arcs_of(arc).len())
        .sum();
    assert_eq!(listed, network.head().len());
}

#[test]
fn no_streets_is_an_error() {
    let error = Osm::default().node(1, 0, 0).node(2, 1, 0).way(10, &[1, 2], &[("highway", "path")]);
    let error = error.try_import().unwrap_err();
    assert!(matches!(error, ImportError::NoStreets { ways: 1, drivable: 0 }), "{error}");
    // A single one-way street is an island of its own.
    let lone = Osm::default().node(1, 0, 0).node(2, 1, 0).way(10, &[1, 2], &[("oneway", "yes")]);
    assert_eq!(lone.network().head().len(), 1);
}

#[test]
fn node_off_the_globe_is_counted() {
    let far_south = square().node(60, 0, 91_000);
    let imported = far_south.clone().import();
    assert_eq!((imported.report.nodes_off_globe, imported.report.missing_nodes), (1, 0));
    let used = far_south.way(20, &[1, 60], &[]).import().report;
    assert_eq!((used.nodes_off_globe, used.missing_nodes), (1, 1));
}
