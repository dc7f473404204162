//! The page tokens of the aggregator, in their hexadecimal form.

use std::fmt::Write;

use kerb_aggregator::page_token::{decode, encode};
use kerb_ports::Cursor;
use kerb_types::DriverId;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The fingerprint of the request that the tokens belong to.
const FINGERPRINT: u64 = 0x0123_4567_89ab_cdef;
const CHECKSUM_SEED: u64 = 0x6b65_7262;
const CHECKSUM_BYTES: usize = 4;

/// Decodes the input as text, and as the content of a token whose checksum is right.
pub fn target(data: &[u8]) -> bool {
    let as_text = std::str::from_utf8(data).is_ok_and(is_accepted);
    is_accepted(&sealed(data)) || as_text
}

fn is_accepted(token: &str) -> bool {
    let Ok(cursor) = decode(token, FINGERPRINT) else { return false };
    assert_eq!(decode(&encode(FINGERPRINT, &cursor), FINGERPRINT), Ok(cursor));
    true
}

/// The token of any content. No mutation guesses a checksum.
fn sealed(content: &[u8]) -> String {
    let checksum = xxh3_64_with_seed(content, CHECKSUM_SEED).to_le_bytes();
    let mut token = String::new();
    for byte in content.iter().chain(&checksum[..CHECKSUM_BYTES]) {
        write!(token, "{byte:02x}").expect("a string takes all text");
    }
    token
}

/// A token, and the content of one.
pub fn seeds() -> Vec<Vec<u8>> {
    let id = DriverId::new("cab-7").expect("a legal id");
    let token = encode(FINGERPRINT, &Cursor { hav: 1e-9, id });
    let pairs = token.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("hexadecimal digits"));
    let bytes: Vec<u8> =
        pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect();
    vec![bytes[..bytes.len() - CHECKSUM_BYTES].to_vec(), token.into_bytes()]
}
