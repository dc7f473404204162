//! Resume tokens. A driver carries one from an ingest node to the next, so that the next node can evict the index entry that
//! the first has left in another shard. Drivers treat the bytes as opaque.
//!
//! A token proves nothing: its checksum only detects garbage and tokens of other drivers.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kerb_types::{DriverId, FieldError, NodeId, ShardId, Timestamp, UpdateVersion};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Version of the layout: version 1 byte, length of the node's id 1, the id, shard 2, sequence 8, time 8, checksum 4.
/// Numbers are big-endian.
const VERSION: u8 = 1;
const FIXED_BYTES: usize = 1 + 1 + 2 + 8 + 8 + CHECKSUM_BYTES;
const CHECKSUM_BYTES: usize = 4;

/// Where a driver was indexed last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeToken {
    /// The ingest node that indexed the driver.
    pub node: NodeId,
    /// The driver's shard at that time.
    pub shard: ShardId,
    /// The version of the newest update at that node.
    pub update_version: UpdateVersion,
}

impl ResumeToken {
    /// Encodes the token for `driver`.
    pub fn encode(&self, driver: &DriverId) -> Bytes {
        let node = self.node.as_str();
        let mut bytes = BytesMut::with_capacity(FIXED_BYTES + node.len());
        bytes.put_u8(VERSION);
        // Cannot lose: the id of a node has at most 32 bytes.
        bytes.put_u8(node.len() as u8);
        bytes.put_slice(node.as_bytes());
        bytes.put_u16(self.shard.0);
        bytes.put_u64(self.update_version.sequence);
        bytes.put_i64(self.update_version.time.as_millis());
        let checksum = checksum(&bytes, driver);
        bytes.put_u32(checksum);
        bytes.freeze()
    }

    /// Decodes a token that `driver` has brought. No bytes are no token.
    pub fn decode(bytes: &[u8], driver: &DriverId) -> Result<Option<Self>, FieldError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let token = parse(bytes, driver).ok_or_else(|| {
            let description = format!(
                "{} bytes that are no token of {driver:?}, must be empty or the newest one of a Registered or an Acknowledgement",
                bytes.len()
            );
            FieldError::new("resume_token", description)
        })?;
        Ok(Some(token))
    }
}

fn parse(bytes: &[u8], driver: &DriverId) -> Option<ResumeToken> {
    let (mut body, mut tail) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_BYTES)?)?;
    if tail.get_u32() != checksum(body, driver) || body.try_get_u8().ok()? != VERSION {
        return None;
    }
    let (node, mut rest) = body.split_at_checked(1 + usize::from(*body.first()?))?;
    let node = NodeId::new(std::str::from_utf8(&node[1..]).ok()?).ok()?;
    if rest.len() != 2 + 8 + 8 {
        return None;
    }
    let shard = ShardId(rest.get_u16());
    Some(ResumeToken {
        node,
        shard,
        update_version: UpdateVersion {
            sequence: rest.get_u64(),
            time: Timestamp::from_millis(rest.get_i64()),
        },
    })
}

/// Returns a checksum that differs between drivers.
fn checksum(bytes: &[u8], driver: &DriverId) -> u32 {
    // The low half of the hash is as random as the whole.
    xxh3_64_with_seed(bytes, xxh3_64_with_seed(driver.as_str().as_bytes(), 0)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_tokens_of_the_same_driver_are_read() {
        let driver = DriverId::new("cab-7").unwrap();
        let token = ResumeToken {
            node: NodeId::new("ingest-1").unwrap(),
            shard: ShardId(1023),
            update_version: UpdateVersion { sequence: u64::MAX, time: Timestamp::from_millis(-5) },
        };
        let bytes = token.encode(&driver);
        assert_eq!(ResumeToken::decode(&bytes, &driver), Ok(Some(token)));
        assert_eq!(ResumeToken::decode(&[], &driver), Ok(None));
        assert!(ResumeToken::decode(&bytes, &DriverId::new("cab-8").unwrap()).is_err());
        for cut in 1..bytes.len() {
            assert!(ResumeToken::decode(&bytes[..cut], &driver).is_err());
        }
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let error = ResumeToken::decode(&bytes, &driver).unwrap_err();
            assert_eq!(error.field, "resume_token");
        }
    }
}
