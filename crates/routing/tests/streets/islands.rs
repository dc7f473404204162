//! Islands: no way, and not on the map, are two answers.

use std::sync::Arc;

use kerb_ports::{Eta, Leg, TravelTimeQuery, TravelTimes};
use kerb_routing::{RoadTimes, Roads, StraightLine};
use kerb_types::TravelSource;

use crate::map::{at, names, ring, roads};
use crate::support::osm::Osm;

/// A mainland, and an island of two streets 5 km to the south.
fn water() -> Osm {
    let osm = ring(&[]).node(50, 0, -50).node(51, 4, -50).node(52, 4, -52);
    osm.way(30, &[50, 51], &[("name", "pier")]).way(31, &[51, 52], &[("name", "beach")])
}

fn times(roads: Roads) -> RoadTimes {
    RoadTimes::new(Arc::new(roads), Arc::new(StraightLine::new(36.0, 1.4)))
}

#[test]
fn positions_stay_on_their_island() {
    let roads = roads(&water());
    assert_eq!(names(&roads, (1.0, -50.0), (4.0, -51.5)), "pier beach");
    assert_eq!(names(&roads, (1.0, -50.0), (1.0, 0.0)), "");
    assert_eq!(names(&roads, (1.0, 0.0), (1.0, -50.0)), "");
}

#[test]
fn no_way_is_unreachable_and_off_the_map_is_a_straight_line() {
    let times = times(roads(&water()));
    let origins = vec![at(1.0, -50.0), at(1.0, 0.0), at(0.0, 200.0)];
    let destinations = vec![at(1.0, 0.0)];
    let legs = (0..3).map(|origin| Leg { origin, destination: 0 }).collect();
    let table = times.table(&TravelTimeQuery { origins: origins.clone(), destinations, legs });
    let etas: Vec<Eta> = table.etas().collect();
    assert_eq!(etas[0], Eta::UNREACHABLE);
    assert!(!etas[0].is_reachable() && etas[1].is_reachable() && etas[2].is_reachable());
    assert_eq!([etas[1].source, etas[2].source], [TravelSource::Roads, TravelSource::StraightLine]);
    assert_eq!(times.drive(origins[0], at(1.0, 0.0)).eta, Eta::UNREACHABLE);
    assert!(times.drive(origins[0], at(1.0, 0.0)).length_m.is_finite());
}

#[test]
fn table_uses_the_headings_of_its_origins() {
    // A oneway ring: a car that heads east must drive all around to a place behind it.
    let osm = Osm::default().node(1, 0, 0).node(2, 10, 0).node(3, 10, 1).node(4, 0, 1);
    let osm = osm.way(10, &[1, 2], &[]).way(11, &[2, 3], &[]).way(12, &[3, 4], &[]).way(13, &[4, 1], &[]);
    let times = times(roads(&osm));
    let query = TravelTimeQuery {
        origins: vec![at(5.0, 0.0)],
        destinations: vec![at(4.0, 0.0)],
        legs: vec![Leg { origin: 0, destination: 0 }],
    };
    let [east, west] = [90.0, 270.0].map(|heading| times.table_toward(&query, &[Some(heading)]).seconds[0]);
    assert_eq!(times.table(&query).seconds[0], west);
    assert!(east > 2 * west, "{east} s and {west} s");
}

/// A large town: 40 km of streets in a grid.
fn town() -> Osm {
    let side = 21;
    let id = |east: i32, north: i32| i64::from(north * side + east + 1);
    let nodes = (0..side).flat_map(|north| (0..side).map(move |east| (east, north)));
    let osm = nodes.fold(Osm::default(), |osm, (east, north)| osm.node(id(east, north), east, north));
    (0..side).fold(osm, |osm, line| {
        let row: Vec<i64> = (0..side).map(|east| id(east, line)).collect();
        let column: Vec<i64> = (0..side).map(|north| id(line, north)).collect();
        let osm = osm.way(1_000 + i64::from(line), &row, &[("name", "row")]);
        osm.way(2_000 + i64::from(line), &column, &[("name", "column")])
    })
}

#[test]
fn fragment_behind_a_barrier_belongs_to_the_streets_around_it() {
    let osm = town().tagged_node(900, -1, 5, &[("barrier", "bollard")]).node(901, -2, 5);
    // The node 106 is the west end of row 5.
    let osm = osm.way(3_000, &[106, 900, 901], &[("name", "yard")]);
    let imported = osm.import();
    assert_eq!(imported.report.islands.components, 1);
    let roads = Roads::new(imported.network, 300.0).unwrap();
    assert!(names(&roads, (-1.9, 5.0), (3.0, 3.0)).contains("row"));
}

#[test]
fn street_out_of_the_map_is_no_start() {
    // A oneway leads out of the map at the north end of the first column.
    let osm = town().node(900, 0, 25).way(3_000, &[421, 900], &[("name", "out"), ("oneway", "yes")]);
    let roads = roads(&osm);
    assert!(names(&roads, (10.0, 10.0), (0.0, 22.0)).ends_with("out"));
    // Next to it a trip starts on the column, which leads somewhere.
    assert!(names(&roads, (0.0, 22.0), (10.0, 10.0)).contains("row"));
}
