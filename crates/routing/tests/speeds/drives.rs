//! Matches generated drives, and learns speeds from them.

use std::io::Cursor;
use std::num::NonZeroUsize;

use kerb_geometry::{LatLng, distance_m};
use kerb_routing::import::import_pbf;
use kerb_routing::map_matching::{Drive, LearningRun, MapMatcher, MapMatchingOptions, Ping};
use kerb_routing::speeds::{HourOfWeek, Speed, UtcOffset, list_directions};
use kerb_routing::{DirectedSegment, Network, Roads};
use rand::RngExt;
use rand_pcg::Pcg64;

use crate::town::{seeded, town};

const MIDTOWN: &[u8] = include_bytes!("../../../../data/midtown_roads.osm.pbf");
const MONACO: &[u8] = include_bytes!("../../../../data/monaco.osm.pbf");
const NOISE_M: f64 = 8.0;
const METER_DEG: f64 = 1.0 / 111_195.08;

/// A random route over `count` directions without U-turns.
fn random_way(random: &mut Pcg64, network: &Network, directions: usize) -> Vec<DirectedSegment> {
    let mut way = vec![random.random_range(0..network.head().len())];
    while way.len() < directions {
        let last = way[way.len() - 1];
        let (head, own) = (network.head()[last] as usize, network.directed_segments()[last] / 2);
        let row = network.first_out()[head] as usize..network.first_out()[head + 1] as usize;
        let onward: Vec<usize> = row.filter(|arc| network.directed_segments()[*arc] / 2 != own).collect();
        if onward.is_empty() {
            break;
        }
        way.push(onward[random.random_range(0..onward.len())]);
    }
    way.into_iter().map(|arc| DirectedSegment::from_number(network.directed_segments()[arc])).collect()
}

/// A drive along a route, with a noisy position every few seconds.
fn driven(
    random: &mut Pcg64,
    network: &Network,
    way: &[DirectedSegment],
    start_s: i64,
    every_s: i64,
    kmh: impl Fn(DirectedSegment) -> f64,
) -> Drive {
    let mut pings = Vec::new();
    let (mut begin_s, mut next_s) = (0.0, 0.0);
    for arc in way {
        let line = network.line(*arc);
        let time_s = f64::from(network.lengths_cm()[arc.segment.0 as usize]) * 0.036 / kmh(*arc);
        while next_s < begin_s + time_s {
            let at = along(&line, (next_s - begin_s) / time_s);
            let mut off_deg = || random.random_range(-NOISE_M..NOISE_M) * METER_DEG;
            let place = LatLng::new(at.lat_deg() + off_deg(), at.lon_deg() + off_deg()).unwrap();
            pings.push(Ping { at_s: start_s + next_s as i64, place });
            next_s += every_s as f64;
        }
        begin_s += time_s;
    }
    Drive { pings }
}

/// The point at a share of a line's length.
fn along(line: &[LatLng], share: f64) -> LatLng {
    let meters: Vec<f64> = line.windows(2).map(|pair| distance_m(pair[0], pair[1])).collect();
    let mut left_m = share * meters.iter().sum::<f64>();
    for (pair, meters) in line.windows(2).zip(meters) {
        if left_m <= meters {
            let between = |from: f64, to: f64| from + (to - from) * left_m / meters.max(1e-9);
            let lat_deg = between(pair[0].lat_deg(), pair[1].lat_deg());
            return LatLng::new(lat_deg, between(pair[0].lon_deg(), pair[1].lon_deg())).unwrap();
        }
        left_m -= meters;
    }
    line[line.len() - 1]
}

#[test]
fn noisy_drive_is_matched_to_its_streets() {
    found_again(11, town(10), 30, 0.95);
}

/// Real cities have one-way streets, forbidden turns, parallel streets and curves.
#[test]
fn noisy_drive_is_matched_in_real_cities() {
    for (seed, extract, right) in [(13, MIDTOWN, 0.95), (14, MONACO, 0.9)] {
        found_again(seed, import_pbf(Cursor::new(extract), &mut |_| {}).unwrap().network, 60, right);
    }
}

/// Matches random drives over `count` directions each; at least a share `right` of the matched length was driven.
fn found_again(seed: u64, network: Network, directions: usize, right: f64) {
    let mut random = seeded(seed);
    let roads = Roads::new(network, 300.0).unwrap();
    let matcher =
        MapMatcher::new(&roads, MapMatchingOptions { sigma_m: NOISE_M, ..MapMatchingOptions::default() });
    let (mut right_m, mut all_m, mut driven_m) = (0.0, 0.0, 0.0);
    let length_m =
        |arc: DirectedSegment| f64::from(roads.network().lengths_cm()[arc.segment.0 as usize]) / 100.0;
    for _ in 0..40 {
        let way = random_way(&mut random, roads.network(), directions);
        driven_m += way.iter().map(|arc| length_m(*arc)).sum::<f64>();
        let drive = driven(&mut random, roads.network(), &way, 0, 15, |_| 40.0);
        let matched = matcher.matched(&drive);
        for part in matched.legs.iter().flat_map(|leg| &leg.parts) {
            let part_m = part.share * length_m(part.arc);
            all_m += part_m;
            right_m += if way.contains(&part.arc) { part_m } else { 0.0 };
        }
    }
    println!("{right_m:.0} of {all_m:.0} m are right, {driven_m:.0} m were driven");
    assert!(all_m > 0.66 * driven_m, "most of the way is found: {all_m} of {driven_m}");
    assert!(right_m >= right * all_m, "{right_m} of {all_m}");
}

#[test]
fn learned_speeds_equal_driven_speeds() {
    let mut random = seeded(12);
    let roads = Roads::new(town(5), 300.0).unwrap();
    let true_kmh = |arc: DirectedSegment| 15.0 + f64::from(arc.number() * 7 % 20);
    // Starts on Thursday at midnight.
    let drives: Vec<Drive> = (0..600)
        .map(|_| {
            let way = random_way(&mut random, roads.network(), 20);
            driven(&mut random, roads.network(), &way, 0, 20, true_kmh)
        })
        .collect();
    let one = NonZeroUsize::MIN;
    let course = LearningRun {
        drives: &drives,
        trips: &[],
        offset: UtcOffset::default(),
        options: MapMatchingOptions { sigma_m: NOISE_M, ..MapMatchingOptions::default() },
        rounds: one,
        threads: NonZeroUsize::new(2).unwrap(),
    };
    let (learned, rounds) = course.learn(&roads, &|_| ()).unwrap();
    println!("{rounds:?}");
    assert_eq!(learned.directions_seen, list_directions(roads.network()).count());
    let hour = HourOfWeek::new(72).unwrap();
    let mut off: Vec<f64> = list_directions(roads.network())
        .map(|row| (learned.speeds.at(row.arc, hour).map_or(0.0, Speed::kmh) / true_kmh(row.arc) - 1.0).abs())
        .collect();
    off.sort_by(f64::total_cmp);
    let (median, most) = (off[off.len() / 2], off[off.len() * 9 / 10]);
    println!("off by {median:.3} in the median, {most:.3} at the ninth tenth");
    assert!(median < 0.05 && most < 0.15, "{off:?}");
    // No drive was on a weekend, so weekends have the speeds of other days.
    let sunday = HourOfWeek::new(166).unwrap();
    assert!(list_directions(roads.network()).all(|row| learned.speeds.at(row.arc, sunday).is_some()));
}
