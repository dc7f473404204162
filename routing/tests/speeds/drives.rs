//! Drives that were made up, found again, and what is learnt from them.

use std::num::NonZeroUsize;

use kerb_routing::matching::{Course, Drive, MatchOptions, Matcher, Ping};
use kerb_routing::speeds::{HourOfWeek, Speed, UtcOffset, listed};
use kerb_routing::{Arc, Network, Roads};
use kerb_spatial::LatLng;
use rand::RngExt;
use rand_pcg::Pcg64;

use crate::town::{seeded, town};

const NOISE_M: f64 = 8.0;
const METRE_DEG: f64 = 1.0 / 111_195.08;

/// A way of so many directions that never turns round, from a random one on.
fn random_way(random: &mut Pcg64, network: &Network, directions: usize) -> Vec<Arc> {
    let mut way = vec![random.random_range(0..network.head().len())];
    while way.len() < directions {
        let last = way[way.len() - 1];
        let (head, own) = (network.head()[last] as usize, network.arc_segment()[last] / 2);
        let row = network.first_out()[head] as usize..network.first_out()[head + 1] as usize;
        let onward: Vec<usize> = row.filter(|arc| network.arc_segment()[*arc] / 2 != own).collect();
        way.push(onward[random.random_range(0..onward.len())]);
    }
    way.into_iter().map(|arc| Arc::from_number(network.arc_segment()[arc])).collect()
}

/// A drive along a way, with a position every few seconds, each a little off.
fn driven(
    random: &mut Pcg64,
    network: &Network,
    way: &[Arc],
    start_s: i64,
    every_s: i64,
    kmh: impl Fn(Arc) -> f64,
) -> Drive {
    let mut pings = Vec::new();
    let (mut begin_s, mut next_s) = (0.0, 0.0);
    for arc in way {
        let shape = network.shape(arc.segment);
        let ends = [shape[0].lat_lng(), shape[shape.len() - 1].lat_lng()];
        let [from, to] = if arc.reverse { [ends[1], ends[0]] } else { ends };
        let time_s = f64::from(network.lengths_cm()[arc.segment.0 as usize]) * 0.036 / kmh(*arc);
        while next_s < begin_s + time_s {
            let share = (next_s - begin_s) / time_s;
            let mut off_deg = || random.random_range(-NOISE_M..NOISE_M) * METRE_DEG;
            let between = |from: f64, to: f64| from + (to - from) * share;
            let lat_deg = between(from.lat_deg(), to.lat_deg()) + off_deg();
            let lon_deg = between(from.lon_deg(), to.lon_deg()) + off_deg();
            let place = LatLng::new(lat_deg, lon_deg).unwrap();
            pings.push(Ping { at_s: start_s + next_s as i64, place });
            next_s += every_s as f64;
        }
        begin_s += time_s;
    }
    Drive { pings }
}

#[test]
fn a_noisy_drive_is_found_on_its_streets() {
    let mut random = seeded(11);
    let roads = Roads::new(town(10), 300.0).unwrap();
    let matcher = Matcher::new(&roads, MatchOptions { sigma_m: NOISE_M, ..MatchOptions::default() });
    let (mut right_m, mut all_m) = (0.0, 0.0);
    for _ in 0..40 {
        let way = random_way(&mut random, roads.network(), 30);
        let drive = driven(&mut random, roads.network(), &way, 0, 15, |_| 40.0);
        let matched = matcher.matched(&drive);
        for part in matched.legs.iter().flat_map(|leg| &leg.parts) {
            let length_m =
                part.share * f64::from(roads.network().lengths_cm()[part.arc.segment.0 as usize]) / 100.0;
            all_m += length_m;
            right_m += if way.contains(&part.arc) { length_m } else { 0.0 };
        }
    }
    println!("{right_m:.0} of {all_m:.0} m are right");
    assert!(all_m > 40.0 * 20.0 * 200.0, "most of the way is found: {all_m}");
    assert!(right_m >= 0.95 * all_m, "{right_m} of {all_m}");
}

#[test]
fn learnt_speeds_are_those_that_were_driven() {
    let mut random = seeded(12);
    let roads = Roads::new(town(5), 300.0).unwrap();
    let true_kmh = |arc: Arc| 15.0 + f64::from(arc.number() * 7 % 20);
    // Thursday from midnight on.
    let drives: Vec<Drive> = (0..600)
        .map(|_| {
            let way = random_way(&mut random, roads.network(), 20);
            driven(&mut random, roads.network(), &way, 0, 20, true_kmh)
        })
        .collect();
    let one = NonZeroUsize::MIN;
    let course = Course {
        drives: &drives,
        trips: &[],
        offset: UtcOffset::default(),
        options: MatchOptions { sigma_m: NOISE_M, ..MatchOptions::default() },
        rounds: one,
        threads: NonZeroUsize::new(2).unwrap(),
    };
    let (learned, rounds) = course.learn(&roads, &|_| ()).unwrap();
    println!("{rounds:?}");
    assert_eq!(learned.directions_seen, listed(roads.network()).count());
    let hour = HourOfWeek::new(72).unwrap();
    let mut off: Vec<f64> = listed(roads.network())
        .map(|row| (learned.speeds.at(row.arc, hour).map_or(0.0, Speed::kmh) / true_kmh(row.arc) - 1.0).abs())
        .collect();
    off.sort_by(f64::total_cmp);
    let (median, most) = (off[off.len() / 2], off[off.len() * 9 / 10]);
    println!("off by {median:.3} in the median, {most:.3} at the ninth tenth");
    assert!(median < 0.05 && most < 0.15, "{off:?}");
    // A weekend was never driven: the streets have what they have on other days.
    let sunday = HourOfWeek::new(166).unwrap();
    assert!(listed(roads.network()).all(|row| learned.speeds.at(row.arc, sunday).is_some()));
}
