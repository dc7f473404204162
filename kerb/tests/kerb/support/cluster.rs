//! A cluster of several processes with one membership file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kerb_proto::v1::ListShardsRequest;
use kerb_proto::v1::admin_service_client::AdminServiceClient;
use tonic::transport::Channel;

use crate::support::eventually::eventually;
use crate::support::process::Process;

const STEP_TIMEOUT: Duration = Duration::from_mins(1);
/// The secret of all test clusters.
pub(crate) const SECRET: &str = "a secret of the test clusters\n";
const ROLES: [&str; 4] = ["location-ingest", "index-server", "aggregator", "matcher"];

/// The present address of each node, by its name.
pub(crate) type Addresses = Arc<Mutex<BTreeMap<String, String>>>;

/// A cluster of several processes with one membership file.
pub(crate) struct Cluster {
    dir: tempfile::TempDir,
    replicas: usize,
    /// Further arguments of each node's command line.
    more: Vec<String>,
    nodes: BTreeMap<String, Process>,
    addresses: Addresses,
}

impl Cluster {
    /// Starts this many ingest nodes, index servers, aggregators and matchers, and waits for full coverage.
    pub(crate) async fn start(counts: &[usize], replicas: usize) -> Self {
        Self::start_with(counts, replicas, &[]).await
    }

    /// Starts a cluster like [`Cluster::start`], with further arguments for each node.
    pub(crate) async fn start_with(counts: &[usize], replicas: usize, more: &[&str]) -> Self {
        let names =
            ROLES.iter().zip(counts).flat_map(|(role, n)| (1..=*n).map(move |i| format!("{role}-{i}")));
        // A process needs the file to start, but its port is only known afterwards. The first file has ports from 1 on, at
        // which no server listens.
        let addresses = names.zip(1..).map(|(name, port)| (name, format!("127.0.0.1:{port}"))).collect();
        let dir = tempfile::tempdir().expect("a folder for tests");
        std::fs::write(dir.path().join("secret"), SECRET).expect("a file");
        let addresses = Arc::new(Mutex::new(addresses));
        let more = more.iter().map(|arg| (*arg).to_owned()).collect();
        let mut cluster = Self { dir, replicas, more, nodes: BTreeMap::new(), addresses };
        cluster.write_file();
        let names: Vec<_> = cluster.addresses.lock().expect("no panic").keys().cloned().collect();
        for name in names {
            cluster.boot(&name);
        }
        cluster.write_file();
        cluster.covered("the start").await;
        cluster
    }

    /// Starts a node on a new port.
    pub(crate) fn restart(&mut self, name: &str) {
        self.boot(name);
        self.write_file();
    }

    fn boot(&mut self, name: &str) {
        let role = name.rsplit_once('-').expect("a role and a number").0;
        let file = self.file().to_string_lossy().into_owned();
        let secret = "cluster.secret_file=secret";
        let args = [role, "--node-id", name, "--cluster-file", &file, "--data-dir", name, "--set", secret];
        let more = self.more.iter().map(String::as_str);
        let process = Process::start(self.dir.path(), &args.into_iter().chain(more).collect::<Vec<_>>());
        self.addresses.lock().expect("no panic").insert(name.to_owned(), process.address.clone());
        self.nodes.insert(name.to_owned(), process);
    }

    pub(crate) fn kill(&mut self, name: &str) {
        self.nodes.remove(name).expect("it runs").kill();
    }

    /// Removes a node from the membership file. It keeps running.
    pub(crate) fn remove_from_file(&mut self, name: &str) {
        self.addresses.lock().expect("no panic").remove(name).expect("it is in the file");
        self.write_file();
    }

    pub(crate) fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    /// Returns the folder that contains the data folder of each node.
    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("cluster.toml")
    }

    /// Writes a new file and moves it into place, so that no process reads half a file. Operators should do the same.
    fn write_file(&self) {
        let node = |(name, address): (&String, &String)| {
            let role = name.rsplit_once('-').expect("a role and a number").0;
            format!("\n[[nodes]]\nid = \"{name}\"\naddress = \"{address}\"\nroles = [\"{role}\"]\n")
        };
        let nodes: Vec<_> = self.addresses.lock().expect("no panic").iter().map(node).collect();
        let file = format!("replicas = {}\n{}", self.replicas, nodes.concat());
        let new = self.dir.path().join("cluster.toml.new");
        std::fs::write(&new, file).expect("a file");
        std::fs::rename(new, self.file()).expect("the same folder");
    }

    /// Waits until every aggregator sees every node as live and every shard as covered on all its servers.
    pub(crate) async fn covered(&self, after: &str) {
        let aggregators: Vec<_> =
            self.nodes.iter().filter(|(name, _)| name.starts_with("aggregator")).collect();
        for (name, aggregator) in aggregators {
            let mut admin = AdminServiceClient::new(aggregator.channel());
            eventually(&format!("full coverage after {after}, seen by {name}"), STEP_TIMEOUT, async || {
                let list =
                    admin.list_shards(ListShardsRequest {}).await.map_err(|status| status.to_string())?;
                let list = list.into_inner();
                let dead: Vec<_> =
                    list.nodes.iter().filter(|node| !node.live).map(|node| &node.node_id).collect();
                let covered = list.shards.iter().filter(|shard| shard.covered).count();
                let servers = list.nodes.iter().filter(|node| node.roles[0] == "index-server").count();
                let wanted = 1_024 * self.replicas.min(servers);
                if dead.is_empty() && covered == wanted {
                    return Ok(());
                }
                Err(format!("{covered} of {wanted} covered, not live: {dead:?}"))
            })
            .await;
        }
    }

    pub(crate) fn address_of(&self, name: &str) -> String {
        self.nodes[name].address.clone()
    }

    pub(crate) fn url_of(&self, name: &str) -> String {
        self.nodes[name].url()
    }

    pub(crate) fn urls_of(&self, role: &str) -> Vec<String> {
        self.nodes.iter().filter(|(name, _)| name.starts_with(role)).map(|(_, node)| node.url()).collect()
    }

    pub(crate) fn channels_of(&self, role: &str) -> Vec<Channel> {
        self.nodes.iter().filter(|(name, _)| name.starts_with(role)).map(|(_, node)| node.channel()).collect()
    }
}
