//! Builds what `simulator peers` needs and runs it.

use std::path::Path;

use crate::Result;
use crate::command::{cargo, succeed};

/// Where the plot goes, unless a flag says otherwise.
const PLOT: &str = "target/peers.svg";

/// Measures; the flags go to the simulator as they are.
pub(crate) fn run(root: &Path, flags: &[&str]) -> Result<()> {
    eprintln!("building the node and the load generator");
    succeed(cargo(root).args(["build", "--quiet", "--release", "-p", "kerb", "-p", "kerb-simulator"]))?;
    let mut simulator = cargo(root);
    simulator.args([
        "run",
        "--quiet",
        "--release",
        "-p",
        "kerb-simulator",
        "--bin",
        "simulator",
        "--",
        "peers",
    ]);
    simulator.args(flags);
    let plot = root.join(PLOT);
    let has_plot = flags.iter().any(|flag| flag.starts_with("--plot"));
    if !has_plot {
        simulator.arg("--plot").arg(&plot);
    }
    succeed(&mut simulator)?;
    if !has_plot {
        eprintln!("plot: {}", plot.display());
    }
    Ok(())
}
