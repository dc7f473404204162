//! Ferries as slow links.

use kerb_routing::import::Vehicle;

use crate::map::{names, ring, roads};
use crate::support::osm::Osm;

/// Two towns, and a ferry of 20 minutes between them.
fn strait() -> Osm {
    let osm = ring(&[]).node(50, 0, -50).node(51, 4, -50);
    let osm = osm.way(30, &[50, 51], &[("name", "pier")]);
    let ferry = [("highway", ""), ("route", "ferry"), ("name", "boat"), ("duration", "00:20")];
    osm.way(40, &[1, 50], &ferry)
}

#[test]
fn ferries_are_links_if_the_import_keeps_them() {
    let without = strait();
    assert_eq!(without.import().report.excluded.ferries, 1);
    assert_eq!(names(&roads(&without), (1.0, 0.0), (3.0, -50.0)), "");
    let mut with = strait();
    with.options.ferries = true;
    let roads = roads(&with);
    assert_eq!(names(&roads, (1.0, 0.0), (3.0, -50.0)), "south boat pier");
    let (from, to) = (crate::map::at(1.0, 0.0), crate::map::at(3.0, -50.0));
    assert!(roads.route(from, to).unwrap().time_ms > 1_200_000);
    // No trip starts on the water: the nearest street is the pier.
    assert_eq!(names(&roads, (0.0, -49.0), (3.0, -50.0)), "pier");
}

#[test]
fn streets_must_fit_the_vehicle() {
    let low = |vehicle| {
        let mut osm = ring(&[("maxheight", "2.2")]);
        osm.options.vehicle = vehicle;
        (osm.import().report.too_small, names(&roads(&osm), (0.0, 3.5), (10.0, 3.5)))
    };
    assert_eq!(low(Vehicle::CAR), (0, "west short east".to_owned()));
    assert_eq!(low(Vehicle::VAN), (1, "west north east".to_owned()));
}

#[test]
fn rough_streets_are_slow() {
    let time_ms = |tags: &[(&'static str, &'static str)]| {
        let roads = roads(&ring(tags));
        roads.route(crate::map::at(1.0, 3.0), crate::map::at(9.0, 3.0)).unwrap().time_ms
    };
    let smooth = time_ms(&[]);
    for tags in [("surface", "mud"), ("smoothness", "horrible"), ("tracktype", "grade5")] {
        assert!(time_ms(&[tags]) > smooth * 3 / 2, "{tags:?}");
    }
    assert_eq!(
        names(&roads(&ring(&[("smoothness", "impassable")])), (0.0, 3.5), (10.0, 3.5)),
        "west north east"
    );
}
