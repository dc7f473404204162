//! Saving and opening a road file, and rejection of damaged files.

use kerb_routing::{DirectedSegment, Network, OpenError, SegmentId};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use xxhash_rust::xxh3::xxh3_64;

use crate::support::osm::{Osm, saved};

fn small() -> Network {
    let osm = Osm::default().node(1, 0, 0).node(2, 4, 0).node(3, 4, 4).node(5, 5, 2);
    let osm =
        osm.way(10, &[1, 2], &[("name", "Ärger & Söhne")]).way(11, &[2, 5, 3], &[]).way(12, &[3, 1], &[]);
    osm.restriction(900, "no_left_turn", 10, 2, 11).network()
}

fn read(bytes: &[u8]) -> Result<Network, OpenError> {
    Network::read(bytes, bytes.len() as u64)
}

/// All properties of a network, for a comparison.
fn everything(network: &Network) -> String {
    let segments = (0..network.segments() as u32).map(SegmentId).map(|segment| {
        let arcs = [false, true].map(|reverse| network.arcs_of(DirectedSegment { segment, reverse }));
        (network.shape(segment), network.name(segment), network.class(segment), arcs)
    });
    let segments: Vec<_> = segments.collect();
    let graph = (
        network.nodes(),
        network.first_out(),
        network.head(),
        network.time_ms(),
        network.directed_segments(),
    );
    let rest =
        (network.lengths_cm(), network.way_ids(), network.order(), network.fingerprint(), network.summary());
    format!("{segments:?} {graph:?} {rest:?}")
}

#[test]
fn save_and_open_round_trip() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("town.roads");
    let network = small();
    network.save(&path).unwrap();
    network.save(&path).unwrap();
    assert_eq!(everything(&Network::open(&path).unwrap()), everything(&network));
    let files = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(files, 1, "nothing else is left in the folder");
}

#[test]
fn flipped_bits_are_detected() {
    let bytes = saved(&small());
    assert!(read(&bytes).is_ok());
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn truncation_and_appended_bytes_are_detected() {
    let bytes = saved(&small());
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "{length} bytes");
    }
    for added in 1..=16 {
        let longer = [bytes.clone(), vec![0; added]].concat();
        assert!(matches!(read(&longer), Err(OpenError::Length { .. })), "{added} more");
    }
}

#[test]
fn errors_describe_the_damage() {
    let bytes = saved(&small());
    let changed = |at: usize, byte: u8| {
        let mut changed = bytes.clone();
        changed[at] = byte;
        read(&changed).unwrap_err()
    };
    assert!(matches!(changed(0, b'X'), OpenError::NotRoads(_)));
    assert_eq!(
        changed(8, 9).to_string(),
        "has format version 9, this program reads 2 and 3: import the streets again"
    );
    assert!(matches!(changed(bytes.len() - 1, 0x55), OpenError::Checksum { .. }));
    assert!(matches!(Network::open(std::path::Path::new("/nowhere.roads")), Err(OpenError::Io(_))));
}

/// A faulty writer with a correct checksum causes an error or a network without panics.
#[test]
fn wrong_content_under_a_right_checksum_never_panics() {
    let bytes = saved(&small());
    let (mut refused, mut opened) = (0, 0);
    for seed in 0..5000 {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let mut wrong = bytes.clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(32..bytes.len());
            wrong[at] = [0, 1, 0x7f, 0xff, random.random()][random.random_range(0..5)];
        }
        let checksum = xxh3_64(&wrong[32..]);
        wrong[24..32].copy_from_slice(&checksum.to_le_bytes());
        match read(&wrong) {
            Ok(network) => {
                everything(&network);
                opened += 1;
            }
            Err(error) => {
                assert!(matches!(error, OpenError::Inconsistent(_)), "seed {seed}: {error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 250 && opened > 250, "{refused} refused, {opened} opened");
}
