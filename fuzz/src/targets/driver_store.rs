//! The records of the driver store on disk: rows of the table, and profiles. The first byte chooses.

use kerb_geometry::LatLng;
use kerb_location_ingest::DriverState;
use kerb_location_ingest::record::{decode_profile, decode_rows, encode_profile, encode_rows};
use kerb_ports::Slot;
use kerb_types::{
    Capabilities, DriverId, DriverProfile, DriverStatus, Motion, ShardId, Timestamp, UpdateVersion,
    VehicleClass,
};
use xxhash_rust::xxh3::xxh3_64;

const CHECKSUM_BYTES: usize = 8;

/// Decodes the input as a stored record, and as the content of a record whose checksum is right.
pub fn target(data: &[u8]) -> bool {
    let Some((kind, data)) = data.split_first() else { return false };
    let sealed = [data, &xxh3_64(data).to_le_bytes()].concat();
    let is_accepted = if kind % 2 == 0 { is_rows } else { is_profile };
    let accepted = is_accepted(&sealed);
    is_accepted(data) || accepted
}

fn is_rows(bytes: &[u8]) -> bool {
    let Some((commit, rows)) = decode_rows(bytes) else { return false };
    assert_eq!(decode_rows(&encode_rows(commit, &rows)), Some((commit, rows)));
    true
}

fn is_profile(bytes: &[u8]) -> bool {
    let Some(profile) = decode_profile(bytes) else { return false };
    assert_eq!(decode_profile(&encode_profile(&profile)), Some(profile));
    true
}

/// Two rows and a profile, each with its checksum and without.
pub fn seeds() -> Vec<Vec<u8>> {
    let state = DriverState {
        position: LatLng::new(-33.9, 151.2).expect("a position"),
        update_version: UpdateVersion { sequence: 7, time: Timestamp::from_millis(1_700_000_000_000) },
        motion: Motion { heading_cdeg: 35_999, speed_cmps: 1_325 },
        accuracy_dm: 50,
        status: DriverStatus::OnTrip,
        shard: ShardId(1_023),
        indexed: true,
    };
    let profile = DriverProfile {
        id: DriverId::new("cab-7").expect("a legal id"),
        vehicle_class: VehicleClass(1),
        capabilities: Capabilities(5),
    };
    let records = [
        (0, encode_rows(9, &[(Slot::new(3), Some(state)), (Slot::new(4), None)])),
        (1, encode_profile(&profile)),
    ];
    let with_and_without = |(kind, record): (u8, Vec<u8>)| {
        let content = &record[..record.len() - CHECKSUM_BYTES];
        [[&[kind], content].concat(), [&[kind], &record[..]].concat()]
    };
    records.into_iter().flat_map(with_and_without).collect()
}
