//! The records of the store and their bytes: a version, the content in little-endian order, and a checksum of both.

use kerb_geometry::LatLng;
use kerb_ports::Slot;
use kerb_types::limits::SHARDS_MAX;
use kerb_types::{
    Capabilities, DriverId, DriverProfile, DriverStatus, Motion, ShardId, Timestamp, UpdateVersion,
    VehicleClass,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::table::entry::DriverState;

/// Maximum rows of a log record or a page: some 40 KB.
pub(super) const RECORD_ROWS: usize = 1_024;
const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 8;
/// Slot 4 bytes, position 8, sequence 8, time 8, heading 2, speed 2, accuracy 2, shard 2, status 1, indexed 1.
pub(super) const ROW_BYTES: usize = 38;
/// Stands for "no position yet".
const NO_POSITION: u64 = u64::MAX;

/// A slot's state at one moment; `None` if the slot is free or its driver has not reported.
pub type Row = (Slot, Option<DriverState>);

/// Encodes the rows of one commit.
pub fn encode_rows(commit: u64, rows: &[Row]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + 8 + rows.len() * ROW_BYTES + CHECKSUM_BYTES);
    bytes.push(VERSION);
    bytes.extend(commit.to_le_bytes());
    for (slot, state) in rows {
        bytes.extend(encode_row(*slot, state.as_ref()));
    }
    append_checksum(bytes)
}

/// Decodes a record to its commit and its rows; `None` if the record is damaged.
pub fn decode_rows(bytes: &[u8]) -> Option<(u64, Vec<Row>)> {
    let body = verify_checksum(bytes)?;
    let (commit, rows) = body.split_first_chunk()?;
    let (rows, rest) = rows.as_chunks::<ROW_BYTES>();
    if !rest.is_empty() || rows.len() > RECORD_ROWS {
        return None;
    }
    let rows = rows.iter().map(decode_row).collect::<Option<_>>()?;
    Some((u64::from_le_bytes(*commit), rows))
}

/// Encodes a driver's profile.
pub fn encode_profile(profile: &DriverProfile) -> Vec<u8> {
    let mut bytes = vec![VERSION, profile.vehicle_class.0];
    bytes.extend(profile.capabilities.0.to_le_bytes());
    bytes.extend(profile.id.as_str().as_bytes());
    append_checksum(bytes)
}

/// Decodes a profile; `None` if the record is damaged.
pub fn decode_profile(bytes: &[u8]) -> Option<DriverProfile> {
    let body = verify_checksum(bytes)?;
    let ([class, low, high], id) = body.split_first_chunk()?;
    Some(DriverProfile {
        id: DriverId::new(std::str::from_utf8(id).ok()?).ok()?,
        vehicle_class: VehicleClass(*class),
        capabilities: Capabilities(u16::from_le_bytes([*low, *high])),
    })
}

fn append_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend(xxh3_64(&bytes).to_le_bytes());
    bytes
}

/// Returns the content between version and checksum; `None` if either is wrong.
fn verify_checksum(bytes: &[u8]) -> Option<&[u8]> {
    let (body, checksum) = bytes.split_last_chunk()?;
    let (version, content) = body.split_first()?;
    (u64::from_le_bytes(*checksum) == xxh3_64(body) && *version == VERSION).then_some(content)
}

fn encode_row(slot: Slot, state: Option<&DriverState>) -> [u8; ROW_BYTES] {
    let mut row = [0; ROW_BYTES];
    row[..4].copy_from_slice(&slot.get().to_le_bytes());
    row[4..12].copy_from_slice(&state.map_or(NO_POSITION, |s| s.position.to_bits()).to_le_bytes());
    let Some(state) = state else { return row };
    row[12..20].copy_from_slice(&state.update_version.sequence.to_le_bytes());
    row[20..28].copy_from_slice(&state.update_version.time.as_millis().to_le_bytes());
    row[28..30].copy_from_slice(&state.motion.heading_cdeg.to_le_bytes());
    row[30..32].copy_from_slice(&state.motion.speed_cmps.to_le_bytes());
    row[32..34].copy_from_slice(&state.accuracy_dm.to_le_bytes());
    row[34..36].copy_from_slice(&state.shard.0.to_le_bytes());
    row[36] = state.status as u8;
    row[37] = u8::from(state.indexed);
    row
}

/// Decodes a row; `None` for values that no row has. The checksum detects accidents, but not the bytes of another program.
fn decode_row(row: &[u8; ROW_BYTES]) -> Option<Row> {
    let (slot, row) = row.split_first_chunk()?;
    let (position, row) = row.split_first_chunk()?;
    let slot = Slot::new(u32::from_le_bytes(*slot));
    let bits = u64::from_le_bytes(*position);
    if bits == NO_POSITION {
        return Some((slot, None));
    }
    let (sequence, row) = row.split_first_chunk()?;
    let (time_ms, row) = row.split_first_chunk()?;
    let ([heading, speed, accuracy, shard], [status, indexed]) = split_tail(row)?;
    if shard >= SHARDS_MAX || indexed > 1 {
        return None;
    }
    let state = DriverState {
        // The high half is the latitude, the low half the longitude.
        position: LatLng::from_e7(((bits >> 32) as u32).cast_signed(), (bits as u32).cast_signed()).ok()?,
        update_version: UpdateVersion {
            sequence: u64::from_le_bytes(*sequence),
            time: Timestamp::from_millis(i64::from_le_bytes(*time_ms)),
        },
        motion: Motion { heading_cdeg: heading, speed_cmps: speed },
        accuracy_dm: accuracy,
        status: DriverStatus::from_number(status)?,
        shard: ShardId(shard),
        indexed: indexed == 1,
    };
    Some((slot, Some(state)))
}

/// Splits the end of a row into four numbers of two bytes and two of one.
fn split_tail(row: &[u8]) -> Option<([u16; 4], [u8; 2])> {
    let (words, bytes) = row.split_at_checked(8)?;
    let (words, _) = words.as_chunks::<2>();
    let words: [[u8; 2]; 4] = words.try_into().ok()?;
    Some((words.map(u16::from_le_bytes), bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let state = DriverState {
            position: LatLng::new(-33.9, 151.2).unwrap(),
            update_version: UpdateVersion { sequence: u64::MAX, time: Timestamp::MIN },
            motion: Motion { heading_cdeg: 35_999, speed_cmps: Motion::NOT_KNOWN },
            accuracy_dm: 7,
            status: DriverStatus::OnTrip,
            shard: ShardId(16_383),
            indexed: true,
        };
        vec![
            (Slot::new(0), Some(state)),
            (Slot::new(u32::MAX), None),
            (Slot::new(5), Some(DriverState { indexed: false, ..state })),
        ]
    }

    #[test]
    fn damaged_records_are_not_decoded() {
        let profile = DriverProfile {
            id: DriverId::new("cab-7").unwrap(),
            vehicle_class: VehicleClass(63),
            capabilities: Capabilities(0xfffe),
        };
        let (rows_bytes, profile_bytes) = (encode_rows(9, &rows()), encode_profile(&profile));
        assert_eq!(decode_rows(&rows_bytes), Some((9, rows())));
        assert_eq!(decode_profile(&profile_bytes), Some(profile));
        // The rows are complete, but exceed the limit of a record.
        assert_eq!(
            decode_rows(&encode_rows(9, &vec![(Slot::new(5), None); RECORD_ROWS])).unwrap().1.len(),
            RECORD_ROWS
        );
        assert_eq!(decode_rows(&encode_rows(9, &vec![(Slot::new(5), None); RECORD_ROWS + 1])), None);
        for cut in 0..rows_bytes.len() {
            assert_eq!(decode_rows(&rows_bytes[..cut]), None);
        }
        for bit in 0..rows_bytes.len() * 8 {
            let mut bytes = rows_bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_rows(&bytes), None);
        }
        for bit in 0..profile_bytes.len() * 8 {
            let mut bytes = profile_bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_profile(&bytes), None);
        }
    }
}
