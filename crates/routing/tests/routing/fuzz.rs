//! Randomly damaged files cause an error that names the place, and never a panic.

use std::io::Cursor;

use kerb_routing::import::{ImportError, import_csv, import_pbf};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::support::osm::Osm;
use crate::support::pbf::{self, BlockCompression};

const MIDTOWN: &[u8] = include_bytes!("../../../../data/midtown_roads.osm.pbf");

/// Changes, removes or duplicates a few ranges of bytes.
fn mutate(bytes: &[u8], random: &mut Pcg64Mcg) -> Vec<u8> {
    let mut mutated = bytes.to_vec();
    for _ in 0..random.random_range(1..6) {
        if mutated.is_empty() {
            break;
        }
        let at = random.random_range(0..mutated.len());
        let end = (at + random.random_range(1..9)).min(mutated.len());
        match random.random_range(0..6) {
            0 => mutated[at] ^= 1 << random.random_range(0..8),
            1 => mutated[at] = [0, 1, 0x7f, 0x80, 0xff][random.random_range(0..5)],
            2 => mutated[at..end].fill(0xff),
            3 => drop(mutated.drain(at..end)),
            4 => {
                let copy = mutated[at..end].to_vec();
                mutated.splice(at..at, copy);
            }
            _ => mutated.truncate(at),
        }
    }
    mutated
}

/// Whether the import rejected the file.
fn import(bytes: Vec<u8>, seed: u64) -> bool {
    let length = bytes.len() as u64;
    match import_pbf(Cursor::new(bytes), &mut |_| {}) {
        Ok(_) => false,
        Err(ImportError::Block { offset, .. }) => {
            assert!(offset <= length, "seed {seed}");
            true
        }
        Err(ImportError::NoStreets { .. }) => true,
        Err(error) => panic!("seed {seed}: {error}"),
    }
}

fn town() -> Osm {
    let osm =
        Osm::default().node(1, 0, 0).node(2, 4, 0).node(3, 4, 4).tagged_node(4, 2, 2, &[("barrier", "gate")]);
    let osm = osm.way(10, &[1, 2], &[("name", "A")]).way(11, &[2, 3], &[("maxspeed", "30 mph")]);
    let osm = osm.way(12, &[3, 4, 1], &[]).way(13, &[3, 1], &[]);
    let over = [(1, 10, "from"), (1, 11, "via"), (0, 3, "via"), (1, 13, "to")];
    let hours = [("type", "restriction"), ("restriction:conditional", "no_u_turn @ (Mo-Fr 07:00-19:00)")];
    let turns = [(1, 12, "from"), (0, 1, "via"), (1, 10, "to")];
    osm.restriction(900, "no_left_turn", 10, 2, 11)
        .relation(901, &over, &vec![("type", "restriction"), ("restriction", "only_left_turn")])
        .relation(
            902,
            &over,
            &vec![("type", "restriction"), ("restriction", "no_u_turn"), ("except", "taxi")],
        )
        .relation(903, &turns, &hours.to_vec())
}

#[test]
fn the_sound_town_has_restrictions_of_all_kinds() {
    let turns = town().import().report.restrictions;
    assert_eq!((turns.kept, turns.kept_over_ways, turns.kept_at_hours), (4, 2, 1), "{turns:?}");
}

#[test]
fn the_whole_file() {
    let sound =
        [BlockCompression::None, BlockCompression::Zlib].map(|packing| pbf::write(&town().objects, packing));
    let mut refused = 0;
    for seed in 0..3000 {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let bytes = mutate(&sound[seed as usize % 2], &mut random);
        refused += u32::from(import(bytes, seed));
    }
    assert!(refused > 1500, "only {refused} were refused");
}

/// Mutates the decompressed messages, so that the checksum of zlib does not detect the changes.
#[test]
fn the_messages_in_their_frames() {
    let sound = pbf::blocks(&pbf::write(&town().objects, BlockCompression::Zlib));
    let mut refused = 0;
    for seed in 0..3000 {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let chosen = random.random_range(0..sound.len());
        let blocks = sound.iter().enumerate().flat_map(|(index, (kind, content))| {
            let content = if index == chosen { mutate(content, &mut random) } else { content.clone() };
            pbf::block(kind, &content, BlockCompression::Zlib)
        });
        refused += u32::from(import(blocks.collect(), seed));
    }
    assert!(refused > 1000, "only {refused} were refused");
}

#[test]
fn a_real_extract() {
    let sound = pbf::blocks(MIDTOWN);
    let mut refused = 0;
    for seed in 0..60 {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let blocks = sound.iter().flat_map(|(kind, content)| {
            let content =
                if random.random_bool(0.5) { mutate(content, &mut random) } else { content.clone() };
            pbf::block(kind, &content, BlockCompression::None)
        });
        refused += u32::from(import(blocks.collect(), seed));
        import(mutate(MIDTOWN, &mut random), seed);
    }
    assert!(refused > 10, "only {refused} were refused");
}

#[test]
fn tables() {
    let nodes = b"node_id,lat,lon\n1,0.0,0.0\n2,0.0,0.1\n3,0.1,0.1\n";
    let edges = b"from_node,to_node,length_m,highway,maxspeed_kmh,two_way\n1,2,100.5,primary,50,1\n2,1,100.5,primary,50,1\n2,3,9,residential,,1\n3,2,9,residential,,1\n";
    for seed in 0..4000 {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let (nodes, edges) = (mutate(nodes, &mut random), mutate(edges, &mut random));
        match import_csv(&nodes[..], &edges[..]) {
            Ok(_) | Err(ImportError::NoStreets { .. } | ImportError::Io(_)) => {}
            Err(ImportError::Row { line, .. }) => {
                assert!((1..20).contains(&line), "seed {seed}: line {line}");
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
}
