use kerb_aggregator::eta::{NearestByEtaSearch, etas};
use kerb_geometry::Circle;
use kerb_ports::conformance::travel_times::TwoBanks;
use kerb_ports::{DriverFilter, Neighbor, Search, TravelTimes};
use proptest::prelude::*;

use crate::fakes::{center, linear_scan, names, neighbor};

/// Answers rings by a linear scan until the search has ended; gives the answer, whether it is exact, and the rings.
fn run(
    drivers: &[Neighbor],
    circle: Circle,
    k: u32,
    max: u32,
    times: TwoBanks,
) -> (Vec<(u32, String)>, bool, Vec<Search>) {
    let mut eta_search = NearestByEtaSearch::new(circle, k, max);
    let mut rings = Vec::new();
    while let Some(ring) = eta_search.ring().cloned() {
        let neighbors = linear_scan(drivers.iter(), &ring, &DriverFilter::ANY);
        let etas = etas(neighbors.iter().collect(), center(), &times);
        eta_search.read(neighbors, &etas, &times);
        rings.push(ring);
    }
    let (best, exact) = eta_search.finish();
    let best = best.into_iter().map(|timed| (timed.eta.time_s, timed.neighbor.profile.id.to_string()));
    (best.collect(), exact, rings)
}

/// All drivers in order of time, distance and id.
fn truth(drivers: &[Neighbor], circle: Circle, k: u32, times: TwoBanks) -> Vec<(u32, String)> {
    let inside = drivers.iter().filter(|neighbor| circle.contains(neighbor.position));
    let key = |neighbor: &Neighbor| {
        (times.drive(neighbor.position, center()).eta.time_s, neighbor.hav, neighbor.profile.id.to_string())
    };
    let mut all: Vec<_> = inside.map(key).collect();
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    all.into_iter().take(k as usize).map(|(time_s, _, id)| (time_s, id)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn is_what_a_sort_of_all_drivers_gives(
        steps in prop::collection::vec(0..400_u32, 0..300),
        k in 1..60_u32,
        bridge_s in prop_oneof![Just(0), 0..600_u32],
        radius_m in 1.0..6_000.0_f64,
    ) {
        let drivers: Vec<Neighbor> =
            steps.iter().enumerate().map(|(i, north)| neighbor(&format!("d{i:03}"), *north, 1)).collect();
        let circle = Circle::new(center(), radius_m).unwrap();
        let times = TwoBanks { bridge_s };
        let (best, exact, rings) = run(&drivers, circle, k, 5_000, times);
        prop_assert!(exact);
        prop_assert_eq!(best, truth(&drivers, circle, k, times));
        let drivers_read: u32 = rings.iter().map(Search::limit).sum();
        prop_assert!(drivers_read <= 5_000);
    }

    /// A bounded search returns the best of the nearest drivers, and reports whether the result is exact.
    #[test]
    fn a_bounded_search_reports_whether_it_is_exact(
        steps in prop::collection::vec(0..400_u32, 0..300), k in 1..20_u32, max in 1..200_u32,
    ) {
        let drivers: Vec<Neighbor> =
            steps.iter().enumerate().map(|(i, north)| neighbor(&format!("d{i:03}"), *north, 1)).collect();
        let circle = Circle::new(center(), 50_000.0).unwrap();
        let times = TwoBanks { bridge_s: 60 };
        let (best, exact, rings) = run(&drivers, circle, k, max, times);
        prop_assert!(rings.iter().map(Search::limit).sum::<u32>() <= max);
        let looked_at = linear_scan(
            drivers.iter(),
            &Search::WithinRadius { circle, limit: max, after: None },
            &DriverFilter::ANY,
        );
        if exact {
            prop_assert_eq!(best, truth(&drivers, circle, k, times));
        } else {
            prop_assert_eq!(looked_at.len() as u32, max);
            prop_assert_eq!(best, truth(&looked_at, circle, k, times));
        }
    }
}

#[test]
fn rings_grow_until_no_farther_driver_has_a_shorter_eta() {
    // Two hundred over the bridge, then one who is not: 222 m farther, with an ETA 580 s shorter.
    let mut drivers: Vec<Neighbor> =
        (0..200).map(|i| neighbor(&format!("far-bank-{i:03}"), 2 * i + 1, 1)).collect();
    drivers.push(neighbor("near-bank", 400, 1));
    drivers.extend((0..1_000).map(|i| neighbor(&format!("away-{i:04}"), 10_000 + i, 1)));
    let circle = Circle::new(center(), 200_000.0).unwrap();
    let (best, exact, rings) = run(&drivers, circle, 1, 5_000, TwoBanks { bridge_s: 600 });
    assert_eq!((best, exact), (vec![(445, "near-bank".to_owned())], true));
    let limits: Vec<_> = rings.iter().map(Search::limit).collect();
    assert_eq!(limits, [32, 32, 64, 128], "twice as many in all each time");
    let Search::WithinRadius { circle: last, .. } = &rings[3] else { panic!("{rings:?}") };
    assert!(last.radius_m() < 6_100.0, "the 602 s of the first ring's best reach 6 km: {last:?}");
}

#[test]
fn a_driver_met_in_two_rings_counts_once() {
    let circle = Circle::new(center(), 5_000.0).unwrap();
    let times = TwoBanks { bridge_s: 600 };
    let mut eta_search = NearestByEtaSearch::new(circle, 40, 5_000);
    let limit = eta_search.ring().unwrap().limit();
    let first: Vec<Neighbor> = (0..limit).map(|i| neighbor(&format!("d{i:03}"), 2 * i + 1, 1)).collect();
    let time = |neighbors: &[Neighbor]| etas(neighbors.iter().collect(), center(), &times);
    eta_search.read(first.clone(), &time(&first), &times);
    assert!(eta_search.ring().is_some());
    // Has moved away meanwhile, and over the bridge.
    let second = vec![neighbor("d007", 400, 2)];
    eta_search.read(second.clone(), &time(&second), &times);
    let (best, exact) = eta_search.finish();
    let neighbors: Vec<Neighbor> = best.into_iter().map(|timed| timed.neighbor).collect();
    assert_eq!((names(&neighbors).iter().filter(|name| **name == "d007").count(), exact), (1, true));
}
