//! Compares snapping with an exhaustive search over all pieces.

use kerb_geometry::{LatLng, distance_m};
use kerb_routing::{DirectedSegment, Network, SegmentId, SnapError, SnapQuery, Snapper};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::extracts::{MONACO, import};
use crate::support::osm::{GRID_E7, Osm};

/// The exhaustive search: the nearest segment, the distance in meters, and the open directions.
fn scan(network: &Network, query: &SnapQuery) -> Option<(SegmentId, f64, [bool; 2])> {
    let at = query.at;
    let scale = at.lat_deg().to_radians().cos();
    let meter = 6_371_008.8_f64.to_radians();
    let plane = |place: &kerb_routing::LatticePoint| {
        let turned = (f64::from(place.lon_e7) / 1e7 - at.lon_deg() + 540.0).rem_euclid(360.0) - 180.0;
        (turned * scale * meter, (f64::from(place.lat_e7) / 1e7 - at.lat_deg()) * meter)
    };
    let mut best: Option<(SegmentId, f64, [bool; 2])> = None;
    for segment in (0..network.segments() as u32).map(SegmentId) {
        for pair in network.shape(segment).windows(2) {
            let ((ax, ay), (bx, by)) = (plane(&pair[0]), plane(&pair[1]));
            let (dx, dy) = (bx - ax, by - ay);
            let length = dx.hypot(dy);
            let share =
                if length > 0.0 { ((-ax * dx - ay * dy) / length.powi(2)).clamp(0.0, 1.0) } else { 0.0 };
            let meters = (ax + share * dx).hypot(ay + share * dy);
            let bearing = dx.atan2(dy).to_degrees();
            let leads = |reverse: bool| {
                let bearing = if reverse { bearing + 180.0 } else { bearing };
                query.heading_deg.is_none_or(|heading| {
                    let off = (heading - bearing + 540.0).rem_euclid(360.0) - 180.0;
                    length == 0.0 || off.abs() <= 60.0
                })
            };
            let open = [false, true].map(|reverse| {
                let direction = DirectedSegment { segment, reverse };
                let is_end = network.trip_ends(direction) == (true, true);
                is_end && !network.arcs_of(direction).is_empty() && leads(reverse)
            });
            if open != [false; 2] && best.is_none_or(|(_, nearest, _)| meters < nearest) {
                best = Some((segment, meters, open));
            }
        }
    }
    best
}

fn random_query(network: &Network, random: &mut Pcg64Mcg) -> SnapQuery {
    let (south_west, north_east) = network.summary().bounds;
    let between = |low: f64, high: f64, random: &mut Pcg64Mcg| random.random_range(low - 0.01..high + 0.01);
    let lat = between(south_west.lat_deg(), north_east.lat_deg(), random);
    let lon = between(south_west.lon_deg(), north_east.lon_deg(), random);
    let heading_deg = random.random_bool(0.5).then(|| random.random_range(-360.0..720.0));
    SnapQuery { at: LatLng::new(lat, lon).unwrap(), heading_deg, max_m: 1e6 }
}

#[test]
fn snap_equals_exhaustive_search() {
    let network = import(MONACO).network;
    let snapper = Snapper::new(&network);
    for seed in 0..100 {
        let query = random_query(&network, &mut Pcg64Mcg::seed_from_u64(seed));
        let snap = snapper.snap(query).unwrap();
        let (segment, meters, open) = scan(&network, &query).unwrap();
        assert!((snap.distance_m - meters).abs() < 1e-6, "seed {seed}: {snap:?}, truly {meters} m");
        // Rounding decides between equally near pieces, for example at a junction.
        if snap.segment == segment {
            assert_eq!([snap.forward, snap.reverse], open, "seed {seed}: {snap:?}");
        }
        let on_globe = distance_m(query.at, snap.place);
        assert!((on_globe - meters).abs() < 0.05 + meters * 1e-4, "seed {seed}: {on_globe} m, {meters} m");
    }
}

#[test]
fn share_is_proportional_to_length() {
    let network = import(MONACO).network;
    let snapper = Snapper::new(&network);
    let mut random = Pcg64Mcg::seed_from_u64(3);
    for _ in 0..500 {
        let segment = SegmentId(random.random_range(0..network.segments() as u32));
        let ends = [false, true].map(|reverse| network.trip_ends(DirectedSegment { segment, reverse }));
        if !ends.contains(&(true, true)) {
            continue;
        }
        let shape: Vec<LatLng> = network.shape(segment).iter().map(|place| place.lat_lng()).collect();
        let inner = random.random_range(0..shape.len());
        let at = shape[inner];
        let snap = snapper.snap(SnapQuery { at, heading_deg: None, max_m: 1.0 }).unwrap();
        assert!(snap.distance_m < 0.001, "{snap:?}");
        if snap.segment == segment && inner > 0 && inner + 1 < shape.len() {
            let length = |points: &[LatLng]| points.windows(2).map(|p| distance_m(p[0], p[1])).sum::<f64>();
            let share = length(&shape[..=inner]) / length(&shape);
            assert!((snap.share - share).abs() < 1e-4, "{snap:?}, truly {share}");
        }
    }
}

/// A one-way street to the east, and a two-way street parallel to it, thirty meters to the north.
fn two_streets() -> Network {
    let osm = Osm::default().node(1, 0, 0).node(2, 10, 0).node(3, 10, 1).node(4, 0, 1);
    let osm = osm.way(10, &[1, 2], &[("oneway", "yes")]).way(11, &[2, 3], &[]).way(12, &[4, 3], &[]);
    osm.way(13, &[4, 1], &[]).network()
}

fn at(east_e7: i32, north_e7: i32) -> LatLng {
    LatLng::from_e7(north_e7, east_e7).unwrap()
}

#[test]
fn a_heading_chooses_street_and_direction() {
    let network = two_streets();
    let snapper = Snapper::new(&network);
    // A fifth of a block north of the one-way street.
    let near = at(5 * GRID_E7, GRID_E7 / 5);
    let snap = |heading_deg| {
        let snap = snapper.snap(SnapQuery { at: near, heading_deg, max_m: 1000.0 }).unwrap();
        (network.way_ids()[snap.segment.0 as usize], snap.forward, snap.reverse)
    };
    assert_eq!(snap(None), (10, true, false));
    assert_eq!(snap(Some(90.0)), (10, true, false));
    assert_eq!(snap(Some(45.0)), (10, true, false));
    // The one-way street is closed to the west, so the other street is matched, against its points.
    assert_eq!(snap(Some(270.0)), (12, false, true));
    assert_eq!(snap(Some(-90.0)), (12, false, true));
    // To the north only the streets at the ends of the block fit, half a block away.
    assert!([11, 13].contains(&snap(Some(0.0)).0));
}

#[test]
fn two_way_street_has_both_directions() {
    let network = two_streets();
    let snap = Snapper::new(&network)
        .snap(SnapQuery { at: at(5 * GRID_E7, GRID_E7), heading_deg: None, max_m: 10.0 })
        .unwrap();
    assert_eq!((snap.forward, snap.reverse), (true, true));
    assert!((snap.share - 0.5).abs() < 1e-6 && snap.distance_m < 0.01, "{snap:?}");
}

#[test]
fn a_point_is_on_the_arcs_of_its_open_directions() {
    // A left turn at node 2 is forbidden, so its other arcs also leave from a copy of it.
    let osm = Osm::default().node(1, 0, 0).node(2, 10, 0).node(3, 20, 0).node(4, 10, 9);
    let osm = osm.way(10, &[1, 2], &[]).way(11, &[2, 3], &[]).way(12, &[2, 4], &[]).way(13, &[4, 1], &[]);
    let network = osm.restriction(900, "no_left_turn", 10, 2, 12).network();
    let query = SnapQuery { at: at(12 * GRID_E7, 0), heading_deg: None, max_m: 10.0 };
    let both = Snapper::new(&network).snap(query).unwrap();
    let on = |snap: kerb_routing::Snap| -> Vec<(bool, i32)> {
        let arcs = snap.arcs(&network);
        let arcs = arcs.map(|(arc, share)| {
            let direction = DirectedSegment::from_number(network.directed_segments()[arc as usize]);
            assert_eq!(direction.segment, snap.segment);
            (direction.reverse, (share * 100.0).round() as i32)
        });
        arcs.collect()
    };
    assert_eq!(on(both), [(false, 20), (false, 20), (true, 80)]);
    let west = Snapper::new(&network).snap(SnapQuery { heading_deg: Some(270.0), ..query }).unwrap();
    assert_eq!(on(west), [(true, 80)]);
}

#[test]
fn error_contains_the_distance_to_the_nearest_street() {
    let snapper = Snapper::new(&two_streets());
    let query = SnapQuery { at: at(0, -100 * GRID_E7), heading_deg: None, max_m: 500.0 };
    let error = snapper.snap(query).unwrap_err();
    assert_eq!(
        error.to_string(),
        "-0.1000000,0.0000000 is 11120 m from the nearest street, at most 500 m would do"
    );
    assert!(snapper.snap(SnapQuery { max_m: 12_000.0, ..query }).is_ok());
    // The other side of the world.
    let antipode = SnapQuery { at: at(1_799_000_000, 0), heading_deg: None, max_m: 500.0 };
    assert!(matches!(snapper.snap(antipode), Err(SnapError::TooFar { nearest_m, .. }) if nearest_m > 1.9e7));
    let pole = SnapQuery { at: at(0, 900_000_000), heading_deg: None, max_m: 500.0 };
    assert!(matches!(snapper.snap(pole), Err(SnapError::TooFar { nearest_m, .. }) if nearest_m > 9e6));
}

#[test]
fn nan_heading_matches_no_street() {
    let snapper = Snapper::new(&two_streets());
    let query = SnapQuery { at: at(0, 0), heading_deg: Some(f64::NAN), max_m: 500.0 };
    assert!(matches!(snapper.snap(query), Err(SnapError::NoHeading { .. })));
}

#[test]
fn the_180th_meridian_is_no_border() {
    // Taveuni is on the 180th meridian: a street ends just west of it, and the rider is just east.
    let mut osm = Osm::default();
    for (id, east) in [(1, 179_990), (2, 179_999), (3, 179_995)] {
        osm = osm.node(id, east, if id == 3 { -17_001 } else { -17_000 });
    }
    let network = osm.way(10, &[1, 2], &[]).way(11, &[2, 3], &[]).way(12, &[3, 1], &[]).network();
    let snapper = Snapper::new(&network);
    for lon_e7 in [1_799_999_000, -1_799_999_000] {
        let query = SnapQuery { at: at(lon_e7, -170_000_000), heading_deg: None, max_m: 500.0 };
        let snap = snapper.snap(query).unwrap();
        let truth = distance_m(query.at, at(1_799_990_000, -170_000_000));
        assert!((snap.distance_m - truth).abs() < 0.01, "{snap:?}, truly {truth}");
    }
}
