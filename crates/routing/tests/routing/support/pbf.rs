//! Writes and parses PBF files byte by byte, independently of the tested reader.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use crate::support::osm::{Object, Tags};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockCompression {
    None,
    Zlib,
}

/// Writes a file with these objects in this order. Blocks are small, so that all kinds of objects are in many blocks.
pub(crate) fn write(objects: &[Object], packing: BlockCompression) -> Vec<u8> {
    let mut file = block("OSMHeader", &text(4, "OsmSchema-V0.6"), packing);
    for objects in objects.chunks(7) {
        file.extend(block("OSMData", &primitive_block(objects), packing));
    }
    file
}

/// Writes a block with its frame.
pub(crate) fn block(kind: &str, content: &[u8], packing: BlockCompression) -> Vec<u8> {
    let blob = match packing {
        BlockCompression::None => bytes(1, content),
        BlockCompression::Zlib => {
            let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(content).unwrap();
            [number(2, content.len() as u64), bytes(3, &packed.finish().unwrap())].concat()
        }
    };
    let header = [text(1, kind), number(3, blob.len() as u64)].concat();
    [&(header.len() as u32).to_be_bytes()[..], &header, &blob].concat()
}

/// The blocks of a valid file: kind and decompressed content.
pub(crate) fn blocks(mut file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut blocks = Vec::new();
    while let Some((length, rest)) = file.split_first_chunk::<4>() {
        let (header, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        let header = fields(header);
        let kind = header.iter().find(|(field, ..)| *field == 1).unwrap().2.to_vec();
        let length = header.iter().find(|(field, ..)| *field == 3).unwrap().1;
        let (blob, rest) = rest.split_at(length as usize);
        let (field, _, data) = fields(blob).into_iter().find(|(field, ..)| [1, 3].contains(field)).unwrap();
        let mut content = Vec::new();
        match field {
            1 => content.extend(data),
            _ => drop(ZlibDecoder::new(data).read_to_end(&mut content).unwrap()),
        }
        blocks.push((String::from_utf8(kind).unwrap(), content));
        file = rest;
    }
    blocks
}

/// The same file with other strings: each pair has an old one and a new one.
pub(crate) fn replace_strings(file: &[u8], replaced: &[(&str, &str)]) -> Vec<u8> {
    let new = |old: &[u8]| {
        let found = replaced.iter().find(|(known, _)| known.as_bytes() == old);
        found.map_or_else(|| old.to_vec(), |(_, new)| new.as_bytes().to_vec())
    };
    let rebuilt = |(kind, content): (String, Vec<u8>)| {
        if kind != "OSMData" {
            return block(&kind, &content, BlockCompression::Zlib);
        }
        let field = |(field, value, data): (u64, u64, &[u8])| match field {
            1 => {
                let strings = fields(data).into_iter();
                bytes(1, &strings.flat_map(|(_, _, string)| bytes(1, &new(string))).collect::<Vec<_>>())
            }
            2 => bytes(2, data),
            _ => number(field, value),
        };
        let content: Vec<u8> = fields(&content).into_iter().flat_map(field).collect();
        block(&kind, &content, BlockCompression::Zlib)
    };
    blocks(file).into_iter().flat_map(rebuilt).collect()
}

/// The number and the value of each field: a number or bytes.
fn fields(mut message: &[u8]) -> Vec<(u64, u64, &[u8])> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = take_varint(&mut message);
        let value = take_varint(&mut message);
        let data = if key & 7 == 2 { message.split_off(..value as usize).unwrap() } else { &[] };
        found.push((key >> 3, value, data));
    }
    found
}

fn take_varint(message: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = *message.split_off_first().unwrap();
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn primitive_block(objects: &[Object]) -> Vec<u8> {
    let mut strings = vec![String::new()];
    let groups: Vec<u8> = objects.iter().flat_map(|object| bytes(2, &group(object, &mut strings))).collect();
    let table: Vec<u8> = strings.iter().flat_map(|string| text(1, string)).collect();
    [bytes(1, &table), groups].concat()
}

/// Every other node is written in the dense form.
fn group(object: &Object, strings: &mut Vec<String>) -> Vec<u8> {
    match object {
        Object::Node { id, lat_e7, lon_e7, tags } if id % 2 == 0 => {
            let pairs = stored(tags).flat_map(|(key, value)| [index(key, strings), index(value, strings)]);
            let keys_values: Vec<u64> = pairs.chain([0]).collect();
            let of = |field, value: i64| packed(field, &[zigzag(value)]);
            let dense =
                [of(1, *id), of(8, (*lat_e7).into()), of(9, (*lon_e7).into()), packed(10, &keys_values)];
            let (version, is_visible) = version(tags);
            let info = bytes(5, &[packed(1, &[version]), packed(6, &[is_visible])].concat());
            bytes(2, &[dense.concat(), info].concat())
        }
        Object::Node { id, lat_e7, lon_e7, tags } => {
            let position =
                [number(8, zigzag((*lat_e7).into())), number(9, zigzag((*lon_e7).into()))].concat();
            bytes(1, &[number(1, zigzag(*id)), write_tags(tags, strings), position].concat())
        }
        Object::Way { id, nodes, tags } => {
            let refs = packed(8, &differences(nodes));
            bytes(3, &[number(1, *id as u64), write_tags(tags, strings), refs].concat())
        }
        Object::Relation { id, members, tags } => {
            let roles: Vec<u64> = members.iter().map(|(_, _, role)| index(role, strings)).collect();
            let ids: Vec<i64> = members.iter().map(|(_, id, _)| *id).collect();
            let kinds: Vec<u64> = members.iter().map(|(kind, ..)| *kind as u64).collect();
            let members = [packed(8, &roles), packed(9, &differences(&ids)), packed(10, &kinds)].concat();
            bytes(4, &[number(1, *id as u64), write_tags(tags, strings), members].concat())
        }
    }
}

/// Writes the tags and the version of an object.
fn write_tags(tags: &Tags, strings: &mut Vec<String>) -> Vec<u8> {
    let keys: Vec<u64> = stored(tags).map(|(key, _)| index(key, strings)).collect();
    let values: Vec<u64> = stored(tags).map(|(_, value)| index(value, strings)).collect();
    let (version, is_visible) = version(tags);
    let info = bytes(4, &[number(1, version), number(6, is_visible)].concat());
    [packed(2, &keys), packed(3, &values), info].concat()
}

/// The tags that the file stores. The tags `@version` and `@visible` stand for the properties of the object.
fn stored(tags: &Tags) -> impl Iterator<Item = &(&'static str, &'static str)> {
    tags.iter().filter(|(key, _)| !key.starts_with('@'))
}

fn version(tags: &Tags) -> (u64, u64) {
    let find = |name: &str| tags.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    (
        find("@version").map_or(1, |version| version.parse().unwrap()),
        u64::from(find("@visible") != Some("no")),
    )
}

fn index(string: &str, strings: &mut Vec<String>) -> u64 {
    let found = strings.iter().position(|known| known == string);
    found.unwrap_or_else(|| {
        strings.push(string.to_owned());
        strings.len() - 1
    }) as u64
}

fn differences(values: &[i64]) -> Vec<u64> {
    let before = std::iter::once(&0).chain(values);
    values.iter().zip(before).map(|(value, before)| zigzag(value - before)).collect()
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut written = Vec::new();
    while value > 0x7f {
        written.push(value as u8 | 0x80);
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
