//! Mutations of valid inputs, for the bounded run. libFuzzer has its own.

use rand::{Rng, RngExt};

/// The most mutations of one input.
const MUTATIONS_MAX: usize = 6;
/// The most bytes that one mutation removes, repeats or fills.
const BLOCK_BYTES_MAX: usize = 24;
/// Bytes at which decoders branch: limits of a varint, signs, delimiters of text.
const BYTES: [u8; 12] = [0, 1, 0x7f, 0x80, 0xff, b'-', b'.', b',', b'"', b'\n', b'9', b'e'];

/// Numbers at the limits of what a text may hold.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1e308",
    "-1e-308",
    "nan",
    "inf",
    "255",
    "65536",
    "4294967295",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
];

/// Returns `input` with a few mutations, half of the time with one. `other` is another valid input, of which a block may
/// be spliced in.
pub fn mutate(input: &[u8], other: &[u8], random: &mut impl Rng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    // Most inputs with many mutations are rejected by the first check of the decoder.
    let mutations = if random.random_bool(0.5) { 1 } else { random.random_range(2..=MUTATIONS_MAX) };
    for _ in 0..mutations {
        if bytes.is_empty() {
            break;
        }
        let (start, end) = block(bytes.len(), random);
        match random.random_range(0..9) {
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
            7 => replace_number(&mut bytes, start, random),
            _ if random.random_bool(0.2) => bytes.truncate(start),
            _ => bytes[start] = random.random(),
        }
    }
    bytes
}

/// Replaces the first number in text from `start` on.
fn replace_number(bytes: &mut Vec<u8>, start: usize, random: &mut impl Rng) {
    let is_of_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    let Some(from) = bytes[start..].iter().position(u8::is_ascii_digit).map(|at| start + at) else { return };
    let from = bytes[..from].iter().rposition(|byte| !is_of_number(byte)).map_or(0, |before| before + 1);
    let to = bytes[from..].iter().position(|byte| !is_of_number(byte)).map_or(bytes.len(), |at| from + at);
    let number = NUMBERS[random.random_range(0..NUMBERS.len())];
    bytes.splice(from..to, number.bytes());
}

fn block(length: usize, random: &mut impl Rng) -> (usize, usize) {
    let start = random.random_range(0..length);
    let max = if random.random_bool(0.5) { 2 } else { BLOCK_BYTES_MAX };
    (start, (start + random.random_range(1..=max)).min(length))
}
