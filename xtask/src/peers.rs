//! Builds what `simulator peers` needs and runs it.

use std::path::Path;
use std::process::Command;

use crate::Result;

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

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    let program = command.get_program().display();
    if status.success() { Ok(()) } else { Err(format!("{program}: {status}, as shown above").into()) }
}
