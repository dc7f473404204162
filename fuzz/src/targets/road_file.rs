//! The road file: a network's memory as bytes.

use kerb_routing::Network;
use kerb_routing::import::import_csv;
use xxhash_rust::xxh3::xxh3_64;

const WORD: usize = 8;
/// Words before the part that the checksum covers: magic, version, length, checksum.
const HEADER_BYTES: usize = 4 * WORD;

/// Reads the input, and the input with the length and the checksum that make it whole.
pub fn target(data: &[u8]) -> bool {
    let sealed = is_accepted(&sealed(data));
    is_accepted(data) || sealed
}

fn is_accepted(bytes: &[u8]) -> bool {
    let Ok(network) = Network::read(bytes, bytes.len() as u64) else { return false };
    // What was checked is safe to read: every index is in range.
    for segment in 0..network.segments() {
        let segment = u32::try_from(segment).expect("segments have 32-bit numbers");
        for number in [2 * segment, 2 * segment + 1] {
            let arc = kerb_routing::DirectedSegment::from_number(number);
            assert!(network.line(arc).len() > 1, "a segment has two ends");
            assert!(network.arcs_of(arc).iter().all(|arc| (*arc as usize) < network.head().len()));
            let _name = (network.name(arc.segment), network.class(arc.segment));
        }
    }
    true
}

/// No mutation guesses a checksum.
fn sealed(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    if bytes.len() >= HEADER_BYTES {
        bytes.resize(bytes.len().next_multiple_of(WORD), 0);
        let length = (bytes.len() as u64).to_le_bytes();
        bytes[2 * WORD..3 * WORD].copy_from_slice(&length);
        let checksum = xxh3_64(&bytes[HEADER_BYTES..]).to_le_bytes();
        bytes[3 * WORD..HEADER_BYTES].copy_from_slice(&checksum);
    }
    bytes
}

/// A network of four streets.
pub fn seeds() -> Vec<Vec<u8>> {
    let nodes = "node_id,lat,lon\n1,52.520,13.400\n2,52.520,13.410\n3,52.530,13.410\n";
    let edges = "from_node,to_node,length_m,highway\n1,2,676.5,secondary\n2,1,676.5,secondary\n2,3,1111,residential\n3,2,1111,residential\n3,1,1302,primary\n";
    let network = import_csv(nodes.as_bytes(), edges.as_bytes()).expect("valid tables").network;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("seed.roads");
    network.save(&path).expect("the folder takes the file");
    vec![std::fs::read(path).expect("the file is there")]
}
