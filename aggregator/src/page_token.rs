//! Page tokens: the end of a page, for the request of the next page. They are stateless, so every aggregator accepts the
//! tokens of every other one.
//!
//! A token is the hexadecimal form of
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version |
//! | 8 | fingerprint of the request that it continues |
//! | 8 | haversine of the last driver |
//! | 1 to 64 | id of the last driver |
//! | 4 | checksum of all before |
//!
//! Numbers are little endian. The checksum detects accidents, not forgery: a forged token reveals nothing that a search
//! would not.

use kerb_ports::Cursor;
use kerb_proto::v1::FindNearbyRequest;
use kerb_types::limits::DRIVER_ID_BYTES_MAX;
use kerb_types::{DriverId, FieldError};
use prost::Message;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const VERSION: u8 = 1;
const HEAD_BYTES: usize = 1 + 8 + 8;
const CHECKSUM_BYTES: usize = 4;
const CHECKSUM_SEED: u64 = 0x6b65_7262;
const BYTES_MAX: usize = HEAD_BYTES + DRIVER_ID_BYTES_MAX + CHECKSUM_BYTES;

/// Returns the fingerprint that binds a token to its request: a hash of everything but the token itself.
pub fn fingerprint(request: &FindNearbyRequest) -> u64 {
    if request.page_token.is_empty() {
        return xxh3_64(&request.encode_to_vec());
    }
    let mut bare = request.clone();
    bare.page_token.clear();
    xxh3_64(&bare.encode_to_vec())
}

/// Encodes the token of a page that ended at `cursor`.
pub fn encode(fingerprint: u64, cursor: &Cursor) -> String {
    let mut bytes = Vec::with_capacity(BYTES_MAX);
    bytes.push(VERSION);
    bytes.extend(fingerprint.to_le_bytes());
    bytes.extend(cursor.hav.to_le_bytes());
    bytes.extend(cursor.id.as_str().as_bytes());
    bytes.extend(checksum(&bytes));
    to_hex(&bytes)
}

/// Decodes the end of the page before. The error distinguishes a token that [`encode`] did not make from one of another
/// request.
pub fn decode(token: &str, wanted: u64) -> Result<Cursor, FieldError> {
    let not_a_token = || reject("not a page token, must be next_page_token of the page before, unchanged");
    let (version, bound_to, cursor) = parse(token).ok_or_else(not_a_token)?;
    if version != VERSION {
        return Err(reject(&format!(
            "version {version}, must be {VERSION}: start again from the first page"
        )));
    }
    if bound_to != wanted {
        return Err(reject("of another request, must come with everything else unchanged"));
    }
    cursor.ok_or_else(not_a_token)
}

fn reject(description: &str) -> FieldError {
    FieldError::new("page_token", description)
}

fn parse(token: &str) -> Option<(u8, u64, Option<Cursor>)> {
    let bytes = from_hex(token)?;
    let (content, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
    if *sum != checksum(content) {
        return None;
    }
    let (&version, rest) = content.split_first()?;
    let (bound_to, rest) = rest.split_first_chunk::<8>()?;
    let (hav, id) = rest.split_first_chunk::<8>()?;
    let hav = f64::from_le_bytes(*hav);
    let id = std::str::from_utf8(id).ok().and_then(|id| DriverId::new(id).ok());
    let cursor = id.filter(|_| (0.0..=1.0).contains(&hav)).map(|id| Cursor { hav, id });
    Some((version, u64::from_le_bytes(*bound_to), cursor))
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    (xxh3_64_with_seed(bytes, CHECKSUM_SEED) as u32).to_le_bytes()
}

fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).expect("a nibble is below 16");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 2 * BYTES_MAX {
        return None;
    }
    let nibble = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let pair = |pair: &[u8]| Some(nibble(pair[0])? << 4 | nibble(pair[1])?);
    text.as_bytes().chunks(2).map(pair).collect()
}
