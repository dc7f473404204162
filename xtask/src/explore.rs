//! The nightly explorations of the lock-free code. `make test` runs the same tests with fewer executions.

use std::path::Path;

use crate::Result;
use crate::command::{cargo, succeed};

/// Executions of each scenario of the index: a night on two cores.
const ITERATIONS: &str = "200000";

/// Explores the index's readers and writer at random, and the wake set of a connection completely.
pub(crate) fn run(root: &Path, iterations: Option<&str>) -> Result<()> {
    let mut index = cargo(root);
    index.args(["test", "--release", "--locked", "-p", "kerb-index-server", "--features", "explore"]);
    index.args(["--test", "explore", "--", "--nocapture"]);
    succeed(index.env("KERB_EXPLORE_ITERATIONS", iterations.unwrap_or(ITERATIONS)))?;
    let mut wake_set = cargo(root);
    wake_set.args(["test", "--release", "--locked", "-p", "kerb-transport", "--test", "wake_set_explored"]);
    succeed(&mut wake_set)
}
