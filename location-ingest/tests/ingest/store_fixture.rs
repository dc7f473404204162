//! Reads a store that an older binary has written. The format on disk must stay readable, so the files of the fixture are never
//! written again: a new format gets a fixture of its own.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use kerb_geometry::LatLng;
use kerb_location_ingest::{DriverState, DriverTable, Fanout, Metrics, RateLimit, Store};
use kerb_ports::Slot;
use kerb_proto::convert::Report;
use kerb_types::{
    Capabilities, DriverProfile, DriverStatus, Millis, Motion, Timestamp, UpdateVersion, VehicleClass,
};

use crate::fixture::{NOW_MS, id, sharding};
use crate::store::{copy, journals};

const DRIVERS: u16 = 40;
/// Length of a journal as the engine allocates it. The fixture has it without the zeros at its end.
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/drivers-v1")
}

fn profile(number: u16) -> DriverProfile {
    let name = if number.is_multiple_of(5) {
        format!("a-rather-long-name-{number}")
    } else {
        format!("cab-{number}")
    };
    DriverProfile {
        id: id(&name),
        vehicle_class: VehicleClass((number % 8) as u8),
        capabilities: Capabilities(number),
    }
}

/// Every seventh driver has not reported.
fn report(number: u16) -> Option<Report> {
    let e7 = i32::from(number) * 12_345_678 - 200_000_000;
    let motion = if number.is_multiple_of(3) {
        Motion::NONE
    } else {
        Motion { heading_cdeg: number * 800, speed_cmps: number * 30 }
    };
    (!number.is_multiple_of(7)).then(|| Report {
        position: LatLng::from_e7(e7, -e7).unwrap(),
        update_version: UpdateVersion {
            sequence: u64::from(number) << 40,
            time: NOW_MS + Millis::new(i64::from(number)),
        },
        motion,
        accuracy_dm: number * 1_000,
        status: Some(DriverStatus::ALL[usize::from(number % 4)]),
    })
}

/// The driver of a slot, as the fixture has it.
fn stored(number: u16) -> (Slot, DriverProfile, Option<DriverState>) {
    let profile = profile(number);
    let state = report(number).map(|report| DriverState {
        position: report.position,
        update_version: report.update_version,
        motion: report.motion,
        accuracy_dm: report.accuracy_dm,
        status: report.status.unwrap(),
        shard: sharding().shard_of(&profile.id, report.position),
        indexed: report.status != Some(DriverStatus::Offline) && !number.is_multiple_of(11),
    });
    (Slot::new(u32::from(number)), profile, state)
}

/// All drivers of the fixture, by id.
fn stored_drivers() -> Vec<(Slot, DriverProfile, Option<DriverState>)> {
    let mut drivers: Vec<_> = (0..DRIVERS).map(stored).collect();
    drivers.sort_by(|(_, a, _), (_, b, _)| a.id.cmp(&b.id));
    drivers
}

#[test]
fn a_store_of_the_first_format_is_read() {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixture(), folder.path());
    for journal in journals(folder.path()) {
        OpenOptions::new().write(true).open(journal).unwrap().set_len(JOURNAL_BYTES).unwrap();
    }
    let (_store, contents) = Store::open(folder.path()).unwrap();
    assert_eq!((contents.corrupt, contents.drivers), (0, stored_drivers()));
}

/// The fixture is a copy of this test's store after the last flush, its journal without the zeros at the end.
#[test]
fn a_store_of_this_version_has_the_same_drivers() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(folder.path()).unwrap();
    let table = DriverTable::new(sharding(), 1_000);
    let (fanout, metrics) = (Fanout::new(sharding().shards()), Metrics::default());
    let mut flush = || {
        fanout.tick(&table, &metrics, true, Timestamp::from_millis(0));
        store.flush(&table).unwrap();
    };
    // One driver more, which leaves the table, and older states before the newest ones: in pages and in the log.
    for number in 0..=DRIVERS {
        let driver = table.register(&profile(number), |_| ()).unwrap();
        if let Some(mut report) = report(number) {
            report.update_version.sequence -= 1;
            table.apply(&driver, &report, NOW_MS, RateLimit::NONE).unwrap();
        }
    }
    flush();
    for number in 0..DRIVERS {
        let driver = table.register(&profile(number), |_| ()).unwrap();
        if let Some(report) = report(number) {
            table.apply(&driver, &report, NOW_MS, RateLimit::NONE).unwrap();
        }
        table.deindex_if(driver.slot, |_| number.is_multiple_of(11));
        if number == DRIVERS / 2 {
            flush();
        }
    }
    assert!(table.retire(Slot::new(u32::from(DRIVERS)), |_| true));
    flush();
    drop(store);
    let (_store, contents) = Store::open(folder.path()).unwrap();
    assert_eq!((contents.corrupt, contents.drivers), (0, stored_drivers()));
}
