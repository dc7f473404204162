//! The records and snapshots of the trip journal on disk. The first byte chooses.

use kerb_journal::{decode_record, decode_snapshot, encode_record};
use kerb_trips::Record;
use xxhash_rust::xxh3::Xxh3;

/// Market `world`, version 1.
const KEY: &[u8] = b"world\0\0\0\0\0\0\0\0\x01";
const FORMAT: u8 = 1;
/// Records as they are on disk, a line each: one of each kind.
const RECORDS: &str = include_str!("journal_record/records.jsonl");

/// Decodes the input as stored bytes, and as the content of stored bytes whose check is right.
pub fn target(data: &[u8]) -> bool {
    let Some((kind, data)) = data.split_first() else { return false };
    let sealed = sealed(data);
    if kind % 2 == 1 {
        let accepted = decode_snapshot(KEY, &sealed).is_ok();
        return decode_snapshot(KEY, data).is_ok() || accepted;
    }
    let accepted = is_accepted(&sealed);
    is_accepted(data) || accepted
}

fn is_accepted(bytes: &[u8]) -> bool {
    let Ok(record) = decode_record(KEY, bytes) else { return false };
    let again = encode_record(KEY, &record).expect("a record that was read can be written");
    assert_eq!(decode_record(KEY, &again), Ok(record));
    true
}

/// No mutation guesses a check.
fn sealed(content: &[u8]) -> Vec<u8> {
    let mut hash = Xxh3::new();
    hash.update(KEY);
    hash.update(&[FORMAT]);
    hash.update(content);
    [&[FORMAT], &hash.digest().to_le_bytes()[..], content].concat()
}

/// The contents of records, a record in its stored form, and a snapshot.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = RECORDS.lines().map(|line| [&[0], line.as_bytes()].concat()).collect();
    let first: Record = RECORDS.lines().next().map(serde_json::from_str).expect("a line").expect("a record");
    seeds.push([&[0], &encode_record(KEY, &first).expect("a small record")[..]].concat());
    seeds.push([&[1], &7u64.to_le_bytes()[..], b"a snapshot"].concat());
    seeds
}
