//! Opens a road file of release 0.1.0 and compares a route with the one of that release. See
//! `tests/fixtures/README.md`.

use std::path::Path;

use kerb_geometry::LatLng;
use kerb_routing::Roads;

/// The street and the milliseconds of each step, as release 0.1.0 printed them (rounded to 100 ms).
const STEPS: [(&str, u32); 10] = [
    ("Boulevard Albert 1er", 171),
    ("Avenue d'Ostende", 225),
    ("Avenue Princesse Alice", 177),
    ("Boulevard des Moulins", 64),
    ("Rue des Iris", 35),
    ("Rue des Iris", 33),
    ("Boulevard Princesse Charlotte", 385),
    ("", 11),
    ("Boulevard d'Alsace", 156),
    ("", 100),
];

#[test]
fn file_of_the_first_release_gives_the_same_route() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/monaco.roads");
    let roads = Roads::open(&path, 300.0).unwrap();
    assert_eq!(format!("{:016x}", roads.network().fingerprint()), "3a3e50a0a5656e5e");
    let summary = roads.network().summary();
    assert_eq!((summary.nodes, summary.segments, summary.arcs, summary.points), (520, 669, 998, 3581));
    let at = |lat, lon| LatLng::new(lat, lon).unwrap();
    let route = roads.route(at(43.7347, 7.4213), at(43.7386, 7.4190)).unwrap();
    assert_eq!(route.time_ms, 135_819);
    assert!((route.length_m - 1_924.963_7).abs() < 0.001, "{} m", route.length_m);
    assert_eq!(route.line.len(), 124);
    let tenths = |time_ms: u32| (time_ms + 50) / 100;
    let steps: Vec<_> = route.steps.iter().map(|step| (step.name.as_str(), tenths(step.time_ms))).collect();
    assert_eq!(steps, STEPS);
}
