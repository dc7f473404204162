//! The made-up city.

use kerb_geometry::{LatLng, distance_m};
use kerb_loadgen::city::{City, SIDE_M, shifted};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

fn places(seed: u64) -> Vec<LatLng> {
    let city = City::new(LatLng::new(37.77, -122.44).unwrap(), seed);
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    (0..20_000).map(|_| city.place(&mut rng)).collect()
}

#[test]
fn the_same_seed_gives_the_same_city_and_another_seed_another_one() {
    assert_eq!(places(7), places(7));
    assert_ne!(places(7), places(8));
}

#[test]
fn most_drivers_are_crowded_and_nobody_is_far_out() {
    let center = LatLng::new(37.77, -122.44).unwrap();
    let places = places(3);
    // The corner of the square is 0.71 sides away; a busy place can spill over by some spreads.
    assert!(places.iter().all(|p| distance_m(center, *p) < 1.2 * SIDE_M));
    // Squares of about 1 km: even, the fullest tenth of the 400 would hold a tenth of all drivers.
    let mut squares = std::collections::HashMap::new();
    for place in &places {
        *squares.entry((place.lat_e7() / 90_000, place.lon_e7() / 114_000)).or_insert(0) += 1;
    }
    let mut counts: Vec<i32> = squares.into_values().collect();
    counts.sort_unstable_by_key(|n| -n);
    let fullest: i32 = counts.iter().take(40).sum();
    assert!(fullest > 20_000 / 4, "{fullest} of 20,000 in the fullest 40 squares");
}

#[test]
fn a_shift_is_as_long_as_it_says() {
    for (lat, lon) in [(0.0, 0.0), (37.7, -122.4), (-60.0, 179.999)] {
        let from = LatLng::new(lat, lon).unwrap();
        let meters = distance_m(from, shifted(from, 300.0, 400.0));
        assert!((meters - 500.0).abs() < 0.5, "{meters} at {from}");
    }
}
