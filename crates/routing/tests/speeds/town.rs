//! A grid of streets, and random generators with printed seeds.

use std::fmt::Write;

use kerb_routing::{Network, import::import_csv};
use rand::SeedableRng;
use rand_pcg::Pcg64;

/// The side length of a block in meters.
const BLOCK_M: f64 = 200.0;

pub(crate) fn seeded(seed: u64) -> Pcg64 {
    println!("seed {seed}");
    Pcg64::seed_from_u64(seed)
}

/// A town of `side` times `side` junctions with two-way streets.
pub(crate) fn town(side: u32) -> Network {
    let step_deg = BLOCK_M / 111_195.08;
    let mut nodes = "node_id,lat,lon\n".to_owned();
    let mut edges = "from_node,to_node,length_m,highway\n".to_owned();
    for node in 0..side * side {
        let (row, column) = (node / side, node % side);
        let _ =
            writeln!(nodes, "{node},{:.7},{:.7}", f64::from(row) * step_deg, f64::from(column) * step_deg);
        let right = (column + 1 < side).then_some(node + 1);
        let below = (row + 1 < side).then_some(node + side);
        for other in right.into_iter().chain(below) {
            let _ = writeln!(edges, "{node},{other},{BLOCK_M},secondary\n{other},{node},{BLOCK_M},secondary");
        }
    }
    import_csv(nodes.as_bytes(), edges.as_bytes()).unwrap().network
}
