//! Mutations of valid inputs, for the bounded run. libFuzzer has its own.

use rand::{Rng, RngExt};

/// The most mutations of one input.
const MUTATIONS_MAX: usize = 6;
/// The most bytes that one mutation removes, repeats or fills.
const BLOCK_BYTES_MAX: usize = 24;
/// Bytes at which decoders branch: limits of a varint, signs, delimiters of text.
const BYTES: [u8; 12] = [0, 1, 0x7f, 0x80, 0xff, b'-', b'.', b',', b'"', b'\n', b'9', b'e'];

/// Returns `input` with a few mutations. `other` is another valid input, of which a block may be spliced in.
pub fn mutate(input: &[u8], other: &[u8], random: &mut impl Rng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..random.random_range(1..=MUTATIONS_MAX) {
        if bytes.is_empty() {
            break;
        }
        let (start, end) = block(bytes.len(), random);
        match random.random_range(0..8) {
            0 => bytes[start] ^= 1 << random.random_range(0..8),
            1 => bytes[start] = BYTES[random.random_range(0..BYTES.len())],
            2 => bytes[start..end].fill(0xff),
            3 => drop(bytes.drain(start..end)),
            4 => {
                let copy = bytes[start..end].to_vec();
                bytes.splice(start..start, copy);
            }
            5 if !other.is_empty() => {
                let (from, to) = block(other.len(), random);
                bytes.splice(start..end, other[from..to].iter().copied());
            }
            6 => {
                let digits = (0..random.random_range(1..24)).map(|_| random.random_range(b'0'..=b'9'));
                let digits: Vec<u8> = digits.collect();
                bytes.splice(start..end, digits);
            }
            _ => bytes.truncate(start),
        }
    }
    bytes
}

fn block(length: usize, random: &mut impl Rng) -> (usize, usize) {
    let start = random.random_range(0..length);
    (start, (start + random.random_range(1..=BLOCK_BYTES_MAX)).min(length))
}
