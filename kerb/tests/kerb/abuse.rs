//! Clients that hold what they can: memory, streams, connections. A well-behaved client is served meanwhile.

mod answers;
mod connections;
mod raw_client;
mod requests;
mod resets;

use std::time::Duration;

use tempfile::TempDir;

use crate::support::driver::{DriverStream, register, update};
use crate::support::eventually::in_time;
use crate::support::process::Process;

const BERLIN: (f64, f64) = (52.52, 13.405);
const STEP_TIMEOUT: Duration = Duration::from_mins(1);

/// Starts a node without a data folder, with these settings.
fn start(settings: &[&str]) -> (TempDir, Process) {
    let dir = tempfile::tempdir().expect("a folder");
    let mut args = vec!["serve", "--data-dir", "none"];
    args.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    let node = Process::start(dir.path(), &args);
    (dir, node)
}

/// A driver's app that was there before the abuse.
struct WellBehaved {
    stream: DriverStream,
    sequence: u64,
}

impl WellBehaved {
    async fn open(node: &Process) -> Self {
        let opening = DriverStream::open(node.channel(), register("well-behaved"));
        let stream = in_time("a stream opens", STEP_TIMEOUT, opening).await.expect("a driver is registered");
        let mut client = Self { stream, sequence: 0 };
        client.report().await;
        client
    }

    /// Reports a position and waits for its acknowledgement.
    async fn report(&mut self) {
        self.sequence += 1;
        let report = self.stream.report(update(self.sequence, BERLIN.0, BERLIN.1));
        in_time("an update is acknowledged", STEP_TIMEOUT, report).await.expect("an update is acknowledged");
    }
}
