//! Encodes and decodes the values of records and snapshots; the crate's documentation describes them.

use kerb_ports::TripJournalError;
use kerb_trips::{Record, Version};
use kerb_types::FieldError;
use xxhash_rust::xxh3::Xxh3;

/// Maximum bytes of one record as JSON. A window of 20,000 requests fits.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Maximum bytes of one snapshot.
pub const SNAPSHOT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The format that this program writes and reads.
const FORMAT: u8 = 1;
/// Length of the header: the format and the checksum.
const HEADER_BYTES: usize = 1 + 8;

/// Encodes a record under this key. [`TripJournalError::Invalid`]: the record is too large, or JSON cannot represent it.
pub fn encode_record(key: &[u8], record: &Record) -> Result<Vec<u8>, TripJournalError> {
    let mut bytes = vec![0; HEADER_BYTES];
    serde_json::to_writer(&mut bytes, record).map_err(|e| FieldError::new("record", e.to_string()))?;
    check_size("record", bytes.len() - HEADER_BYTES, RECORD_BYTES_MAX)?;
    Ok(with_header(key, bytes))
}

/// Decodes a record that `encode_record` encoded under the same key. The error describes the damage.
pub fn decode_record(key: &[u8], bytes: &[u8]) -> Result<Record, String> {
    serde_json::from_slice(without_header(key, bytes)?).map_err(|e| format!("not a record: {e}"))
}

/// Encodes a snapshot under this key. [`TripJournalError::Invalid`]: the snapshot is too large.
pub(super) fn encode_snapshot(
    key: &[u8],
    version: Version,
    snapshot: &[u8],
) -> Result<Vec<u8>, TripJournalError> {
    check_snapshot(snapshot)?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + 8 + snapshot.len());
    bytes.resize(HEADER_BYTES, 0);
    bytes.extend(version.get().to_le_bytes());
    bytes.extend(snapshot);
    Ok(with_header(key, bytes))
}

/// Decodes a version and a snapshot that `encode_snapshot` encoded under the same key. The error describes the damage.
pub fn decode_snapshot<'a>(key: &[u8], bytes: &'a [u8]) -> Result<(Version, &'a [u8]), String> {
    let content = without_header(key, bytes)?;
    let (version, snapshot) = content.split_first_chunk().ok_or("no version")?;
    Ok((Version::new(u64::from_le_bytes(*version)), snapshot))
}

/// Rejects a snapshot that is too large.
pub(super) fn check_snapshot(snapshot: &[u8]) -> Result<(), FieldError> {
    check_size("snapshot", snapshot.len(), SNAPSHOT_BYTES_MAX)
}

/// The error of a snapshot whose version is newer than its market's records.
pub(super) fn no_such_version(version: Version) -> FieldError {
    FieldError::new("snapshot.version", format!("{version}, must be a version that was appended"))
}

fn check_size(field: &'static str, bytes: usize, bytes_max: usize) -> Result<(), FieldError> {
    if bytes > bytes_max {
        return Err(FieldError::new(field, format!("{bytes} bytes, must be at most {bytes_max}")));
    }
    Ok(())
}

/// Fills the header of these bytes, whose first [`HEADER_BYTES`] are free.
fn with_header(key: &[u8], mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = checksum(key, FORMAT, &bytes[HEADER_BYTES..]);
    bytes[0] = FORMAT;
    bytes[1..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Verifies the header and returns the content after it.
fn without_header<'a>(key: &[u8], bytes: &'a [u8]) -> Result<&'a [u8], String> {
    let header = bytes.split_first().and_then(|(format, rest)| Some((*format, rest.split_first_chunk()?)));
    let (format, (written, content)) =
        header.ok_or_else(|| format!("{} bytes are not a record", bytes.len()))?;
    // The checksum comes first: a damaged format number is damage, not another format.
    if u64::from_le_bytes(*written) != checksum(key, format, content) {
        return Err("its checksum does not match".to_owned());
    }
    if format != FORMAT {
        return Err(format!("its format is {format}, this program reads {FORMAT}"));
    }
    Ok(content)
}

fn checksum(key: &[u8], format: u8, content: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(key);
    hash.update(&[format]);
    hash.update(content);
    hash.digest()
}

#[cfg(test)]
mod tests {
    use kerb_trips::{Change, MarketId};

    use kerb_types::Timestamp;

    use super::*;
    use crate::key::record_key;

    fn record() -> Record {
        let changes = vec![Change::MarketPaused { paused: true }];
        Record { at_ms: Timestamp::from_millis(7), matcher: "matcher-a".into(), changes }
    }

    #[test]
    fn a_record_decodes_whole_or_not_at_all() {
        let key = record_key(&MarketId::new("world").unwrap(), Version::new(3));
        let bytes = encode_record(&key, &record()).unwrap();
        assert_eq!(decode_record(&key, &bytes), Ok(record()));
        for cut in 0..bytes.len() {
            assert!(decode_record(&key, &bytes[..cut]).is_err());
        }
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_record(&key, &bytes), Err("its checksum does not match".into()));
        }
        let other = record_key(&MarketId::new("world").unwrap(), Version::new(4));
        assert!(decode_record(&other, &bytes).is_err());
    }

    #[test]
    fn a_newer_format_is_named() {
        let mut bytes = encode_record(b"key", &record()).unwrap();
        let checksum = checksum(b"key", 2, &bytes[HEADER_BYTES..]);
        bytes[0] = 2;
        bytes[1..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
        let error = decode_record(b"key", &bytes).unwrap_err();
        assert_eq!(error, "its format is 2, this program reads 1");
    }

    #[test]
    fn records_and_snapshots_that_are_too_large_are_rejected() {
        let large = Record { matcher: "m".repeat(RECORD_BYTES_MAX), ..record() };
        let error = encode_record(b"key", &large).unwrap_err();
        assert!(error.to_string().ends_with("must be at most 16777216"), "{error}");
        assert!(encode_snapshot(b"key", Version::new(1), &vec![0; SNAPSHOT_BYTES_MAX + 1]).is_err());
        let bytes = encode_snapshot(b"key", Version::new(9), b"all").unwrap();
        assert_eq!(decode_snapshot(b"key", &bytes), Ok((Version::new(9), &b"all"[..])));
    }
}
