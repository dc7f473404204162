//! The shards of a search include the shard of every driver that the search may find.

use kerb_geometry::{Area, Circle, LatLng};
use kerb_types::{Catalog, DriverId, Partitioning, Sharding};
use proptest::prelude::*;

fn anywhere() -> impl Strategy<Value = LatLng> {
    (-900_000_000..=900_000_000_i32, -1_800_000_000..1_800_000_000_i32)
        .prop_map(|(lat, lon)| LatLng::from_e7(lat, lon).unwrap())
}

/// A point near `center`: a step of at most `step_e7` in each direction, held within the poles.
fn near(center: LatLng, step_e7: (i32, i32)) -> LatLng {
    let lat = center.lat_e7().saturating_add(step_e7.0).clamp(-900_000_000, 900_000_000);
    let turn = 3_600_000_000_i64;
    let lon = (i64::from(center.lon_e7()) + i64::from(step_e7.1) + turn / 2).rem_euclid(turn) - turn / 2;
    LatLng::from_e7(lat, lon as i32).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_search_covers_the_shard_of_every_driver_inside(
        center in anywhere(),
        radius_m in prop_oneof![1.0..5_000.0, 5_000.0..500_000.0, 500_000.0..20_000_000.0],
        step in (-50_000_000..50_000_000_i32, -50_000_000..50_000_000_i32),
        shards in prop_oneof![Just(1_u16), Just(7), Just(1024)],
        by_id in any::<bool>(),
    ) {
        let partitioning = if by_id { Partitioning::Id } else { Partitioning::Tile };
        let sharding = Sharding::new(shards, partitioning).unwrap();
        let area = Area::Circle(Circle::new(center, radius_m).unwrap());
        let covered = sharding.shards_for(&area);
        prop_assert!(covered.is_sorted_by(|a, b| a < b));
        let driver = near(center, step);
        let shard = sharding.shard_of(&DriverId::new("d").unwrap(), driver);
        prop_assert!(shard.0 < shards);
        prop_assert!(!area.contains(driver) || covered.contains(&shard));
    }
}

#[test]
fn a_search_of_two_kilometers_covers_few_shards() {
    let sharding = Sharding::default();
    let center = LatLng::new(37.7749, -122.4194).unwrap();
    let covered = sharding.shards_for(&Area::Circle(Circle::new(center, 2_000.0).unwrap()));
    assert!((1..=4).contains(&covered.len()), "{covered:?}");
}

#[test]
fn the_number_of_shards_is_checked() {
    assert!(Sharding::new(0, Partitioning::Tile).is_err());
    assert!(Sharding::new(16_385, Partitioning::Tile).unwrap_err().to_string().contains("1 to 16384"));
}

#[test]
fn different_settings_have_different_fingerprints() {
    let catalog = Catalog::default();
    let other = Catalog::new(vec!["standard".into()], vec![]).unwrap();
    let sharding = Sharding::default();
    assert_eq!(sharding.fingerprint(&catalog), Sharding::default().fingerprint(&Catalog::default()));
    assert_ne!(sharding.fingerprint(&catalog), sharding.fingerprint(&other));
    let fewer = Sharding::new(512, Partitioning::Tile).unwrap();
    assert_ne!(sharding.fingerprint(&catalog), fewer.fingerprint(&catalog));
}
