//! The store: what a flush of changes costs, and how long the table takes to come back.
//!
//! `cargo bench -p kerb-location-ingest --bench store [-- --drivers 1_000_000 --flushes 10]`

mod common;

use common::{argument, median, position, profile, rng, timed};
use kerb_location_ingest::{DriverTable, Fanout, Metrics, RateLimit, Store};
use kerb_proto::convert::Report;
use kerb_types::{Motion, Sharding, Timestamp, UpdateVersion};

fn main() {
    let drivers = argument("--drivers", 1_000_000);
    let flushes = argument("--flushes", 10);
    let folder = tempfile::tempdir().expect("a folder");
    let sharding = Sharding::default();
    let table = DriverTable::new(sharding, drivers);
    let fanout = Fanout::new(sharding.shards());
    let metrics = Metrics::default();
    let (mut store, _) = Store::open(folder.path()).expect("an empty store");
    let registered: Vec<_> =
        (0..drivers).map(|i| table.register(&profile(i), |_| ()).expect("room")).collect();

    let mut rng = rng();
    let mut flush = |sequence: usize, count: usize| {
        for i in 0..count {
            let driver = &registered[(sequence * count + i) % drivers];
            let update_version =
                UpdateVersion { sequence: sequence as u64 + 1, time: Timestamp::from_millis(1) };
            let (motion, accuracy_dm, status) = (Motion::NONE, 0, None);
            let report = Report { position: position(&mut rng), update_version, motion, accuracy_dm, status };
            table
                .apply(driver, &report, Timestamp::from_millis(1), RateLimit::NONE)
                .expect("registered just now");
        }
        fanout.tick(&table, &metrics, true, Timestamp::from_millis(0));
        timed(|| store.flush(&table).expect("a flush"))
    };
    let (first_s, first) = flush(0, drivers);
    println!("first flush, {} profiles and {} rows: {first_s:.2} s", first.profiles, first.rows);
    // As many as come in half a second when each driver reports every three.
    let count = drivers / 6;
    let seconds: Vec<f64> = (1..=flushes).map(|n| flush(n, count).0).collect();
    let turn_s = median(seconds);
    println!(
        "a flush of {count} changed drivers with its fsync: {:.0} ms, {:.0} ns a driver (median of {flushes})",
        turn_s * 1e3,
        turn_s / count as f64 * 1e9
    );
    drop(store);
    let (load_s, (store, contents)) = timed(|| Store::open(folder.path()).expect("the same store"));
    assert_eq!(contents.drivers.len(), drivers);
    let reopened = DriverTable::new(sharding, drivers);
    let (restore_s, ()) = timed(|| reopened.restore(contents.drivers).expect("room"));
    println!("{drivers} drivers read in {load_s:.2} s, in the table after {restore_s:.2} s more");
    drop(store);
}
