//! The resume tokens that drivers carry from one ingest node to the next.

use kerb_location_ingest::ResumeToken;
use kerb_types::{DriverId, NodeId, ShardId, Timestamp, UpdateVersion};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const CHECKSUM_BYTES: usize = 4;

fn driver() -> DriverId {
    DriverId::new("cab-7").expect("a legal id")
}

/// Decodes the input, and the input with the checksum that makes it a token.
pub fn target(data: &[u8]) -> bool {
    let sealed = is_accepted(&[data, &checksum(data)].concat());
    is_accepted(data) || sealed
}

fn is_accepted(bytes: &[u8]) -> bool {
    let Ok(Some(token)) = ResumeToken::decode(bytes, &driver()) else { return false };
    assert_eq!(ResumeToken::decode(&token.encode(&driver()), &driver()), Ok(Some(token)));
    true
}

/// No mutation guesses a checksum.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let seed = xxh3_64_with_seed(driver().as_str().as_bytes(), 0);
    (xxh3_64_with_seed(bytes, seed) as u32).to_be_bytes()
}

/// A token with its checksum and without.
pub fn seeds() -> Vec<Vec<u8>> {
    let token = ResumeToken {
        node: NodeId::new("ingest-1").expect("a legal name"),
        shard: ShardId(1023),
        update_version: UpdateVersion { sequence: u64::MAX, time: Timestamp::from_millis(-5) },
    };
    let bytes = token.encode(&driver()).to_vec();
    vec![bytes[..bytes.len() - CHECKSUM_BYTES].to_vec(), bytes]
}
