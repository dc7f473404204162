//! Writes OpenStreetMap PBF blocks field by field. It shares nothing with the reader that is fuzzed.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// Returns a block in its frame, compressed or not.
pub(crate) fn block(kind: &str, content: &[u8], is_compressed: bool) -> Vec<u8> {
    let blob = if is_compressed {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(content).expect("memory takes all bytes");
        [number(2, content.len() as u64), bytes(3, &packed.finish().expect("memory takes all bytes"))]
            .concat()
    } else {
        bytes(1, content)
    };
    let header = [text(1, kind), number(3, blob.len() as u64)].concat();
    let length = u32::try_from(header.len()).expect("a header is small");
    [&length.to_be_bytes()[..], &header, &blob].concat()
}

/// Returns the content of a data block: three nodes, two streets, and a forbidden turn between them.
pub(crate) fn town() -> Vec<u8> {
    let strings = [
        "",
        "highway",
        "residential",
        "type",
        "restriction",
        "no_left_turn",
        "from",
        "via",
        "to",
        "name",
        "A",
    ];
    let table: Vec<u8> = strings.iter().flat_map(|string| text(1, string)).collect();
    let node = |id: i64, lat: i64, lon: i64| {
        bytes(1, &[number(1, zigzag(id)), number(8, zigzag(lat)), number(9, zigzag(lon))].concat())
    };
    let dense = [
        packed(1, &[zigzag(2), zigzag(1)]),
        packed(8, &[zigzag(0), zigzag(40_000)]),
        packed(9, &[zigzag(40_000), zigzag(0)]),
        packed(10, &[0, 0]),
    ];
    let way = |id: u64, refs: &[u64], keys: &[u64], values: &[u64]| {
        bytes(3, &[number(1, id), packed(2, keys), packed(3, values), packed(8, refs)].concat())
    };
    let relation = [
        number(1, 90),
        packed(2, &[3, 4]),
        packed(3, &[4, 5]),
        packed(8, &[6, 7, 8]),
        packed(9, &[zigzag(10), zigzag(-8), zigzag(9)]),
        packed(10, &[1, 0, 1]),
    ];
    let groups = [
        node(1, 0, 0),
        bytes(2, &dense.concat()),
        way(10, &[zigzag(1), zigzag(1)], &[1, 9], &[2, 10]),
        way(11, &[zigzag(2), zigzag(1), zigzag(-2)], &[1], &[2]),
        bytes(4, &relation.concat()),
    ];
    let groups: Vec<u8> = groups.iter().flat_map(|group| bytes(2, group)).collect();
    [bytes(1, &table), groups].concat()
}

/// Returns the content of a header block.
pub(crate) fn header() -> Vec<u8> {
    [text(4, "OsmSchema-V0.6"), text(4, "DenseNodes")].concat()
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut written = Vec::new();
    while value > 0x7f {
        written.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    written.push(value as u8);
    written
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

fn text(field: u64, value: &str) -> Vec<u8> {
    bytes(field, value.as_bytes())
}

fn packed(field: u64, values: &[u64]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|value| varint(*value)).collect();
    bytes(field, &values)
}
