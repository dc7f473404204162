//! Compares the reader with `osmpbf` on a real extract, and tests it with wrong files.

use std::io::Cursor;

use super::*;

const MONACO: &[u8] = include_bytes!("../../../../../../data/monaco.osm.pbf");

/// An object as text, so that two readers can be compared.
fn line(element: &Element<'_>) -> String {
    match element {
        Element::BrokenTexts(count) => format!("{count} broken texts"),
        Element::Node { id, position, tags, .. } => {
            let position = position.unwrap();
            format!("node {id} {} {} {:?}", position.lat_e7(), position.lon_e7(), tags.pairs())
        }
        Element::Way { id, nodes, tags, .. } => format!("way {id} {nodes:?} {:?}", tags.pairs()),
        Element::Relation { id, members, tags, .. } => {
            let members: Vec<_> = members.iter().map(|m| (format!("{:?}", m.kind), m.id, m.role)).collect();
            format!("relation {id} {members:?} {:?}", tags.pairs())
        }
    }
}

fn their_line(element: &osmpbf::Element<'_>) -> String {
    match element {
        osmpbf::Element::Node(node) => {
            let tags: Vec<_> = node.tags().collect();
            format!("node {} {} {} {tags:?}", node.id(), node.decimicro_lat(), node.decimicro_lon())
        }
        osmpbf::Element::DenseNode(node) => {
            let tags: Vec<_> = node.tags().collect();
            format!("node {} {} {} {tags:?}", node.id(), node.decimicro_lat(), node.decimicro_lon())
        }
        osmpbf::Element::Way(way) => {
            let (nodes, tags): (Vec<_>, Vec<_>) = (way.refs().collect(), way.tags().collect());
            format!("way {} {nodes:?} {tags:?}", way.id())
        }
        osmpbf::Element::Relation(relation) => {
            let members = relation.members().map(|member| {
                (format!("{:?}", member.member_type), member.member_id, member.role().unwrap())
            });
            let (members, tags): (Vec<_>, Vec<_>) = (members.collect(), relation.tags().collect());
            format!("relation {} {members:?} {tags:?}", relation.id())
        }
    }
}

fn read(bytes: &[u8]) -> Result<Vec<String>, ImportError> {
    let mut lines = Vec::new();
    Pbf::new(Cursor::new(bytes))?.pass(|element| lines.push(line(&element)), |_| {})?;
    Ok(lines)
}

#[test]
fn real_extract_reads_like_osmpbf() {
    let mut theirs = Vec::new();
    osmpbf::ElementReader::new(MONACO).for_each(|element| theirs.push(their_line(&element))).unwrap();
    let ours = read(MONACO).unwrap();
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
}

#[test]
fn pass_reports_progress() {
    let mut reported = Vec::new();
    let mut pbf = Pbf::new(Cursor::new(MONACO)).unwrap();
    let end = pbf.pass(|_| {}, |at| reported.push(at)).unwrap();
    assert_eq!(end.bytes, MONACO.len() as u64);
    assert_eq!(reported.last(), Some(&end));
    assert_eq!(reported.len() as u64, end.blocks);
    assert!(reported.is_sorted_by(|a, b| a.bytes < b.bytes));
}

#[test]
fn truncated_file_is_an_error() {
    let ends: Vec<u64> = {
        let mut ends = vec![0];
        Pbf::new(Cursor::new(MONACO)).unwrap().pass(|_| {}, |at| ends.push(at.bytes)).unwrap();
        ends
    };
    for length in (0..MONACO.len()).step_by(9973).chain(1..12) {
        let error = read(&MONACO[..length]).err();
        if length > 0 && ends.contains(&(length as u64)) {
            assert!(error.is_none(), "{length} bytes are whole blocks");
            continue;
        }
        let begun = ends.iter().rev().find(|end| **end <= length as u64).copied();
        let Some(ImportError::Block { offset, reason: BlockError::Cut, .. }) = error else {
            panic!("{length} bytes: {error:?}");
        };
        assert_eq!(Some(offset), begun, "{length} bytes");
    }
}

#[test]
fn other_files_are_errors() {
    let message = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    assert_eq!(message(b""), "block 0 at byte 0: the file ends within it");
    let page = message(b"<!DOCTYPE html><html>");
    assert!(page.contains("this is no OpenStreetMap PBF"), "{page}");
    let doubled = [&MONACO[..1000], MONACO].concat();
    let middle = message(&doubled);
    assert!(middle.starts_with("block "), "{middle}");
}
