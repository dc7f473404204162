//! Routes between positions in a real city, and the travel-time port.

use std::sync::Arc;

use kerb_geometry::{LatLng, distance_m};
use kerb_ports::conformance::travel_times;
use kerb_ports::{Drive, Eta, Leg, TravelTimeQuery, TravelTimeTable, TravelTimes};
use kerb_routing::{DrivingRoute, RoadTimes, Roads, RouteError, SegmentId, SnapError, Turn};
use kerb_types::TravelSource;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::extracts::{MONACO, import};

const SNAP_MAX_M: f64 = 300.0;
const PARIS: (f64, f64) = (48.8566, 2.3522);

fn monaco() -> Roads {
    Roads::new(import(MONACO).network, SNAP_MAX_M).unwrap()
}

/// A position within 200 m of a junction.
fn somewhere(rng: &mut Pcg64Mcg, roads: &Roads) -> LatLng {
    let nodes = roads.network().nodes();
    let near = nodes[rng.random_range(0..nodes.len())].lat_lng();
    let mut off = || rng.random_range(-0.001..0.001);
    LatLng::new(near.lat_deg() + off(), near.lon_deg() + off()).unwrap()
}

#[test]
fn route_is_one_connected_line() {
    let seed = 3;
    println!("seed {seed}");
    let (mut rng, roads) = (Pcg64Mcg::seed_from_u64(seed), monaco());
    for _ in 0..200 {
        let (from, to) = (somewhere(&mut rng, &roads), somewhere(&mut rng, &roads));
        let way = roads.route(from, to).unwrap();
        let (steps_ms, steps_m) =
            way.steps.iter().fold((0, 0.0), |(ms, m), step| (ms + step.time_ms, m + step.length_m));
        assert_eq!(steps_ms, way.time_ms);
        assert!((steps_m - way.length_m).abs() < 1e-6);
        check_steps(&way);
        let line_m: f64 = way.line.windows(2).map(|pair| distance_m(pair[0], pair[1])).sum();
        // Seams are points of the lattice, 1.1 cm wide.
        assert!((line_m - way.length_m).abs() < 0.03 * way.line.len() as f64, "{line_m} {}", way.length_m);
        let fastest_m_s = roads.engine().router().speed_max_m_s();
        assert!(way.length_m <= fastest_m_s * f64::from(way.time_ms + 2) / 1_000.0 + 1.0);
        if let [first, .., last] = way.line[..] {
            assert!(distance_m(from, first) <= SNAP_MAX_M && distance_m(to, last) <= SNAP_MAX_M);
        }
    }
}

/// Checks that steps follow each other along the line, and that each starts with another name or a turn.
fn check_steps(way: &DrivingRoute) {
    let starts: Vec<usize> = way.steps.iter().map(|step| step.first_point).collect();
    assert!(starts.first().is_none_or(|first| *first == 0) && starts.is_sorted_by(|a, b| a <= b));
    for (index, step) in way.steps.iter().enumerate() {
        let end = starts.get(index + 1).map_or(way.line.len(), |next| next + 1);
        let line_m: f64 =
            way.line[step.first_point..end].windows(2).map(|pair| distance_m(pair[0], pair[1])).sum();
        assert!((line_m - step.length_m).abs() < 0.03 * way.line.len() as f64, "{line_m} {step:?}");
        assert_eq!(step.turn == Turn::Start, index == 0);
    }
    let slight = [Turn::Straight, Turn::SlightLeft, Turn::SlightRight];
    assert!(way.steps.windows(2).all(|pair| pair[0].name != pair[1].name || !slight.contains(&pair[1].turn)));
}

/// The course of a line's first piece, in degrees clockwise from north.
fn course_deg(line: &[LatLng]) -> f64 {
    let (from, to) = (line[0], line[1]);
    let east = (to.lon_deg() - from.lon_deg()) * from.lat_deg().to_radians().cos();
    east.atan2(to.lat_deg() - from.lat_deg()).to_degrees().rem_euclid(360.0)
}

#[test]
fn route_starts_in_the_direction_of_travel() {
    let seed = 5;
    println!("seed {seed}");
    let (mut rng, roads) = (Pcg64Mcg::seed_from_u64(seed), monaco());
    let segments = 0..roads.network().segments() as u32;
    let bends: Vec<LatLng> = segments
        .flat_map(|segment| roads.network().shape(SegmentId(segment)))
        .map(|at| at.lat_lng())
        .collect();
    let (mut headed, mut none) = (0, 0);
    for _ in 0..200 {
        let (from, to) = (somewhere(&mut rng, &roads), somewhere(&mut rng, &roads));
        let heading_deg = rng.random_range(0.0..360.0);
        match roads.route_toward(from, Some(heading_deg), to) {
            // A route that starts at a bend continues in the next piece, with another course.
            Ok(way) if way.line.len() > 1 && !bends.contains(&way.line[0]) => {
                let off_deg = (course_deg(&way.line) - heading_deg + 540.0).rem_euclid(360.0) - 180.0;
                assert!(off_deg.abs() < 61.0, "{from} to {to} toward {heading_deg}: {off_deg} degrees off");
                headed += 1;
            }
            Ok(_) => {}
            Err(RouteError::From(SnapError::TooFar { nearest_m, .. })) => {
                assert!(nearest_m > SNAP_MAX_M);
                none += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(headed > 100 && none < 20, "{headed} ways, {none} have no street");
}

#[test]
fn error_names_the_end_off_the_map() {
    let roads = monaco();
    let paris = LatLng::new(PARIS.0, PARIS.1).unwrap();
    let here = roads.network().nodes()[0].lat_lng();
    assert!(matches!(roads.route(paris, here), Err(RouteError::From(_))));
    let error = roads.route(here, paris).unwrap_err();
    assert!(error.to_string().starts_with("to: 48.8566"), "{error}");
}

/// A fallback whose times cannot be confused with those of streets.
struct Always(u32);

impl TravelTimes for Always {
    fn pinned(self: Arc<Self>) -> Arc<dyn TravelTimes> {
        self
    }

    fn table(&self, query: &TravelTimeQuery) -> TravelTimeTable {
        let legs = query.legs.len();
        TravelTimeTable { seconds: vec![self.0; legs], sources: vec![TravelSource::StraightLine; legs] }
    }

    fn drive(&self, from: LatLng, to: LatLng) -> Drive {
        let eta = Eta { time_s: self.0, source: TravelSource::StraightLine };
        Drive { eta, length_m: distance_m(from, to) }
    }

    fn reach_m(&self, _to: LatLng, within_s: u32) -> f64 {
        if within_s > self.0 { f64::INFINITY } else { 0.0 }
    }
}

#[test]
fn road_times_port_conformance() {
    let seed = 5;
    println!("seed {seed}");
    let (mut rng, roads) = (Pcg64Mcg::seed_from_u64(seed), monaco());
    let mut places: Vec<_> = (0..16).map(|_| somewhere(&mut rng, &roads)).collect();
    places.push(LatLng::new(PARIS.0, PARIS.1).unwrap());
    let mut off = || rng.random_range(-0.05..0.05);
    places.extend((0..6).map(|_| LatLng::new(43.74 + off(), 7.42 + off()).unwrap()));
    let times = RoadTimes::new(Arc::new(roads), Arc::new(Always(300)));
    travel_times::all(&times, &places);
}

#[test]
fn table_equals_routes_and_the_fallback_off_the_map() {
    let seed = 4;
    println!("seed {seed}");
    let (mut rng, roads) = (Pcg64Mcg::seed_from_u64(seed), Arc::new(monaco()));
    // The side with fewer positions is searched one position at a time.
    for (origins, destinations) in [(30, 10), (10, 30)] {
        has_the_times_of_its_ways(&mut rng, &roads, origins, destinations);
    }
}

fn has_the_times_of_its_ways(rng: &mut Pcg64Mcg, roads: &Arc<Roads>, origins: u32, destinations: u32) {
    let legs = (0..150).map(|_| Leg {
        origin: rng.random_range(0..origins),
        destination: rng.random_range(0..destinations),
    });
    let legs: Vec<_> = legs.collect();
    let paris = LatLng::new(PARIS.0, PARIS.1).unwrap();
    let mut origins: Vec<_> = (0..origins).map(|_| somewhere(rng, roads)).collect();
    let mut destinations: Vec<_> = (0..destinations).map(|_| somewhere(rng, roads)).collect();
    let times = RoadTimes::new(Arc::clone(roads), Arc::new(Always(9_999)));
    let way_s = |query: &TravelTimeQuery, leg: &Leg| {
        let (from, to) = (leg.origin as usize, leg.destination as usize);
        roads
            .route(query.origins[from], query.destinations[to])
            .map_or(9_999, |way| way.time_ms.div_ceil(1_000))
    };
    let query =
        TravelTimeQuery { origins: origins.clone(), destinations: destinations.clone(), legs: legs.clone() };
    let table = times.table(&query);
    assert!(table.sources.iter().all(|source| *source == TravelSource::Roads));
    assert_eq!(table.seconds, legs.iter().map(|leg| way_s(&query, leg)).collect::<Vec<_>>());

    (origins[7], destinations[3]) = (paris, paris);
    let query = TravelTimeQuery { origins, destinations, legs };
    let table = times.table(&query);
    let is_off = |leg: &Leg| leg.origin == 7 || leg.destination == 3;
    let expected = query
        .legs
        .iter()
        .map(is_off)
        .map(|off| if off { TravelSource::StraightLine } else { TravelSource::Roads });
    assert_eq!(table.sources, expected.collect::<Vec<_>>());
    assert!(table.seconds.contains(&9_999));
    assert_eq!(table.seconds, query.legs.iter().map(|leg| way_s(&query, leg)).collect::<Vec<_>>());
    let legs = vec![Leg { origin: 7, destination: 0 }];
    let table = times.table(&TravelTimeQuery { legs, ..query });
    assert_eq!((table.seconds[0], table.sources[0]), (9_999, TravelSource::StraightLine));
}

#[test]
fn pinned_times_stay_when_speeds_are_replaced() {
    let roads = Arc::new(monaco());
    let mut rng = Pcg64Mcg::seed_from_u64(6);
    let places: Vec<_> = (0..20).map(|_| somewhere(&mut rng, &roads)).collect();
    let legs = (0..10).map(|number| Leg { origin: number, destination: number }).collect();
    let query = TravelTimeQuery { origins: places[..10].to_vec(), destinations: places[10..].to_vec(), legs };
    let times: Arc<dyn TravelTimes> = Arc::new(RoadTimes::new(Arc::clone(&roads), Arc::new(Always(9_999))));
    let seen = |times: &dyn TravelTimes| {
        (times.table(&query), times.drive(places[0], places[10]), times.reach_m(places[0], 60))
    };
    let before = seen(&*times);
    let pinned = Arc::clone(&times).pinned();
    let slower: Vec<u32> = roads.network().time_ms().iter().map(|ms| 2 * ms).collect();
    roads.engine().replace(&slower).unwrap();
    assert_eq!(seen(&*pinned), before);
    let (table, drive, reach_m) = seen(&*times);
    assert!(table.seconds.iter().sum::<u32>() > before.0.seconds.iter().sum(), "{table:?}");
    assert!(drive.eta.time_s > before.1.eta.time_s && reach_m < before.2);
    assert_eq!(seen(&*pinned.pinned()), before);
}
