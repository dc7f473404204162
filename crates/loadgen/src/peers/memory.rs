//! Memory of the processes that hold the fleet, before any search or update.

use std::process::Command;
use std::time::Duration;

use ::kerb::terminal::note;
use kerb_proto::v1::ListShardsRequest;
use kerb_proto::v1::admin_service_client::AdminServiceClient;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::fleet::Fleet;
use super::kerb::{AGELESS, NAME, load_through};
use super::process::{Process, free_address};
use super::system::{Kind, System};
use super::wire::url_of;
use crate::connect::channel;

/// The name of an index server alone in the report.
pub(super) const INDEX_SERVER: &str = "kerb index-server";
/// Maximum time until the index server holds all drivers.
const FILLED_MAX: Duration = Duration::from_mins(2);

/// The memory in which a process holds its fleet.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Memory {
    pub(super) system: &'static str,
    /// Resident memory of the process, bytes.
    pub(super) process_bytes: u64,
    /// Resident memory per driver, bytes.
    pub(super) bytes_per_driver: f64,
}

impl Memory {
    fn new(system: &'static str, process: &Process, drivers: u32) -> Result<Self, String> {
        let process_bytes = process.resident_bytes()?;
        Ok(Self { system, process_bytes, bytes_per_driver: process_bytes as f64 / f64::from(drivers) })
    }
}

/// Measures the memory of a whole server.
pub(super) fn of(system: &System, drivers: u32) -> Result<Memory, String> {
    Memory::new(system.name(), system.process(), drivers)
}

/// Measures the memory of an index server in its own process, which an ingest node in another process fills.
pub(super) async fn of_index_server(kinds: &[Kind], fleet: &Fleet) -> Result<Vec<Memory>, String> {
    let Some(kerb) = kinds.iter().find(|kind| kind.name() == NAME) else { return Ok(Vec::new()) };
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let file = folder.path().join("cluster.toml");
    let roles = ["index-server", "location-ingest", "aggregator"];
    let (mut addresses, mut text) = (Vec::new(), "replicas = 1\n".to_owned());
    for role in roles {
        let address = free_address()?;
        let node = format!("[[nodes]]\nid = \"{role}-1\"\naddress = \"{address}\"\nroles = [\"{role}\"]\n");
        text.push_str(&node);
        addresses.push(address);
    }
    std::fs::write(&file, text).map_err(|e| format!("{}: {e}", file.display()))?;
    let mut processes = Vec::new();
    for (role, address) in roles.into_iter().zip(&addresses) {
        let mut command = Command::new(kerb.program());
        command.arg(role).args(["--node-id", &format!("{role}-1"), "--log-filter", "error"]);
        command.arg("--cluster-file").arg(&file).args(["--data-dir", "none"]);
        command.args(AGELESS.iter().flat_map(|setting| ["--set", setting]));
        processes.push(Process::start(command, *address).await?);
    }
    note(format_args!("{} drivers: loading an index server", fleet.len()));
    load_through(&url_of(addresses[1]), fleet).await?;
    filled(&url_of(addresses[2]), u64::from(fleet.len())).await?;
    Ok(vec![Memory::new(INDEX_SERVER, &processes[0], fleet.len())?])
}

async fn filled(aggregator: &str, drivers: u64) -> Result<(), String> {
    let mut admin = AdminServiceClient::new(channel(aggregator)?).max_decoding_message_size(16 << 20);
    let limit = Instant::now() + FILLED_MAX;
    loop {
        let shards = admin.list_shards(ListShardsRequest {}).await;
        let there = shards.map_or(0, |shards| shards.into_inner().shards.iter().map(|s| s.drivers).sum());
        if there == drivers {
            return Ok(());
        }
        if Instant::now() > limit {
            return Err(format!("the index server has {there} of {drivers} drivers after {FILLED_MAX:?}"));
        }
        sleep(Duration::from_millis(50)).await;
    }
}
