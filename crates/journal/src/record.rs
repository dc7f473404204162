//! The bytes of records and snapshots: a format's number, a check over all the rest and the key, the content.
//!
//! Records are JSON: they say themselves what their fields are, so they are read for years by programs that have
//! learned more fields, and by people when there is no program.

use kerb_ports::TripJournalError;
use kerb_trips::{Record, Version};
use kerb_types::FieldError;
use xxhash_rust::xxh3::Xxh3;

/// Bytes of one record as text, at most: a window of 20,000 requests.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of one snapshot, at most.
pub const SNAPSHOT_BYTES_MAX: usize = 64 * 1024 * 1024;

const FORMAT: u8 = 1;
const HEAD_BYTES: usize = 1 + 8;

/// The bytes of a record under this key. [`TripJournalError::Invalid`]: too large, or not to be written as text.
pub fn encode_record(key: &[u8], record: &Record) -> Result<Vec<u8>, TripJournalError> {
    let mut bytes = vec![0; HEAD_BYTES];
    serde_json::to_writer(&mut bytes, record).map_err(|e| FieldError::new("record", e.to_string()))?;
    check_size("record", bytes.len() - HEAD_BYTES, RECORD_BYTES_MAX)?;
    Ok(seal(key, bytes))
}

/// The record that [`encode_record`] wrote under this key; otherwise what is wrong.
pub fn decode_record(key: &[u8], bytes: &[u8]) -> Result<Record, String> {
    serde_json::from_slice(unseal(key, bytes)?).map_err(|e| format!("not a record: {e}"))
}

/// The bytes of a snapshot under this key. [`TripJournalError::Invalid`]: too large.
pub(super) fn encode_snapshot(
    key: &[u8],
    version: Version,
    snapshot: &[u8],
) -> Result<Vec<u8>, TripJournalError> {
    check_snapshot(snapshot)?;
    let mut bytes = Vec::with_capacity(HEAD_BYTES + 8 + snapshot.len());
    bytes.resize(HEAD_BYTES, 0);
    bytes.extend(version.to_le_bytes());
    bytes.extend(snapshot);
    Ok(seal(key, bytes))
}

/// The version and the snapshot that [`encode_snapshot`] wrote under this key; otherwise what is wrong.
pub fn decode_snapshot<'a>(key: &[u8], bytes: &'a [u8]) -> Result<(Version, &'a [u8]), String> {
    let content = unseal(key, bytes)?;
    let (version, snapshot) = content.split_first_chunk().ok_or("no version")?;
    Ok((Version::from_le_bytes(*version), snapshot))
}

/// Refuses a snapshot that is too large.
pub(super) fn check_snapshot(snapshot: &[u8]) -> Result<(), FieldError> {
    check_size("snapshot", snapshot.len(), SNAPSHOT_BYTES_MAX)
}

fn check_size(field: &'static str, bytes: usize, bytes_max: usize) -> Result<(), FieldError> {
    if bytes > bytes_max {
        return Err(FieldError::new(field, format!("{bytes} bytes, must be at most {bytes_max}")));
    }
    Ok(())
}

/// Fills the head of these bytes.
fn seal(key: &[u8], mut bytes: Vec<u8>) -> Vec<u8> {
    let check = check_of(key, FORMAT, &bytes[HEAD_BYTES..]);
    bytes[0] = FORMAT;
    bytes[1..HEAD_BYTES].copy_from_slice(&check.to_le_bytes());
    bytes
}

fn unseal<'a>(key: &[u8], bytes: &'a [u8]) -> Result<&'a [u8], String> {
    let head = bytes.split_first().and_then(|(format, rest)| Some((*format, rest.split_first_chunk()?)));
    let (format, (check, content)) = head.ok_or_else(|| format!("{} bytes are no record", bytes.len()))?;
    if u64::from_le_bytes(*check) != check_of(key, format, content) {
        return Err("its check does not hold".to_owned());
    }
    if format != FORMAT {
        return Err(format!("its format is {format}, this program reads {FORMAT}"));
    }
    Ok(content)
}

fn check_of(key: &[u8], format: u8, content: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(key);
    hash.update(&[format]);
    hash.update(content);
    hash.digest()
}

#[cfg(test)]
mod tests {
    use kerb_trips::{Change, MarketId};

    use super::*;
    use crate::key::record_key;

    fn record() -> Record {
        let changes = vec![Change::MarketPaused { paused: true }];
        Record { at_ms: 7, matcher: "matcher-a".into(), changes }
    }

    #[test]
    fn records_come_back_whole_or_not_at_all() {
        let key = record_key(&MarketId::new("world").unwrap(), 3);
        let bytes = encode_record(&key, &record()).unwrap();
        assert_eq!(decode_record(&key, &bytes), Ok(record()));
        for cut in 0..bytes.len() {
            assert!(decode_record(&key, &bytes[..cut]).is_err());
        }
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_record(&key, &bytes), Err("its check does not hold".into()));
        }
        let other = record_key(&MarketId::new("world").unwrap(), 4);
        assert!(decode_record(&other, &bytes).is_err());
    }

    #[test]
    fn a_newer_format_is_named() {
        let mut bytes = encode_record(b"key", &record()).unwrap();
        let check = check_of(b"key", 2, &bytes[HEAD_BYTES..]);
        bytes[0] = 2;
        bytes[1..HEAD_BYTES].copy_from_slice(&check.to_le_bytes());
        let wrong = decode_record(b"key", &bytes).unwrap_err();
        assert_eq!(wrong, "its format is 2, this program reads 1");
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let large = Record { matcher: "m".repeat(RECORD_BYTES_MAX), ..record() };
        let error = encode_record(b"key", &large).unwrap_err();
        assert!(error.to_string().ends_with("must be at most 16777216"), "{error}");
        assert!(encode_snapshot(b"key", 1, &vec![0; SNAPSHOT_BYTES_MAX + 1]).is_err());
        let bytes = encode_snapshot(b"key", 9, b"all").unwrap();
        assert_eq!(decode_snapshot(b"key", &bytes), Ok((9, &b"all"[..])));
    }
}
