//! The membership file: parsing, its errors, and changes while it is watched.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kerb_cluster::StaticFile;
use kerb_cluster::static_file::parse;
use kerb_ports::Membership;
use kerb_types::{MembershipView, NodeId, Role, ShardId, Sharding};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::timeout;

type Views = watch::Receiver<Arc<MembershipView>>;

const GOOD: &str = r#"
replicas = 2

[[nodes]]
id = "index-2"
address = "localhost:7402"
roles = ["index-server"]

[[nodes]]
id = "index-1"
address = "[::1]:7401"
roles = ["index-server", "location-ingest", "index-server"]
"#;

fn parse_error(text: &str) -> String {
    parse(Path::new("cluster.toml"), text, Sharding::default()).unwrap_err().to_string()
}

#[test]
fn a_file_becomes_a_view_in_the_order_of_the_ids() {
    let view = parse(Path::new("cluster.toml"), GOOD, Sharding::default()).unwrap();
    let ids: Vec<_> = view.nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids, ["index-1", "index-2"]);
    assert_eq!(view.nodes[0].roles, [Role::LocationIngest, Role::IndexServer]);
    assert!(view.nodes.iter().all(|node| node.live));
    assert_eq!(view.shard_map.replicas(ShardId(5)).count(), 2);
}

#[test]
fn a_shard_has_two_replicas_by_default() {
    let three = "[[nodes]]\nid = \"N\"\naddress = \"h:N\"\nroles = [\"index-server\"]\n";
    let text: String = (1..=3).map(|n| three.replace('N', &n.to_string())).collect();
    let of = |text: &str| parse(Path::new("c"), text, Sharding::default()).unwrap();
    assert_eq!(of(&text).shard_map.replicas(ShardId(0)).count(), 2);
    assert_eq!(of(&format!("replicas = 3\n{text}")).shard_map.replicas(ShardId(0)).count(), 3);
}

#[test]
fn errors_name_file_line_and_key() {
    for (from, to, expected) in [
        ("replicas = 2", "replicas = 0", "cluster.toml:2: replicas: 0, must be 1 to 8"),
        ("replicas = 2", "replica = 2", "cluster.toml:2: replica: unknown field `replica`"),
        ("localhost:7402", "localhost", "cluster.toml:6: nodes[0].address: \"localhost\", must be host:port"),
        ("localhost:7402", "localhost:0", "cluster.toml:6: nodes[0].address:"),
        ("localhost:7402", "[::1]:7401", "cluster.toml:11: nodes[1].address: \"[::1]:7401\" is there twice"),
        ("index-2", "index-1", "cluster.toml:10: nodes[1].id: \"index-1\" is there twice"),
        ("index-2", "", "cluster.toml:5: nodes[0].id: \"\", must be 1 to 32"),
        ("[\"index-server\"]", "[]", "cluster.toml:7: nodes[0].roles: empty, must be one or more of"),
        ("[\"index-server\"]", "[\"matchmaker\"]", "cluster.toml:7: roles: unknown variant `matchmaker`"),
        ("[\"index-server\"]", "[\"index-server\"", "cluster.toml:"),
    ] {
        let error = parse_error(&GOOD.replacen(from, to, 1));
        assert!(error.starts_with(expected), "{to}: {error}");
    }
    let twice = GOOD.replacen("\"index-server\"]", "\"index-server\", \"matcher\"]", 1);
    let twice = twice.replace("\"location-ingest\"", "\"matcher\"");
    let expected =
        "cluster.toml:12: nodes[1].roles: a second matcher in addition to \"index-2\", must be at most one";
    let error = parse_error(&twice);
    assert!(error.starts_with(expected), "{error}");
    let error = parse_error("nodes = []");
    assert!(error.contains("nodes: 0 nodes, must be 1 to"), "{error}");
}

struct File {
    _folder: TempDir,
    path: PathBuf,
}

impl File {
    fn new(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("cluster.toml");
        fs::write(&path, text).unwrap();
        Self { _folder: folder, path }
    }

    async fn start(&self, own: &str) -> Result<StaticFile, kerb_cluster::FileError> {
        StaticFile::start(self.path.clone(), NodeId::new(own).unwrap(), Sharding::default()).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_takes_effect_and_an_invalid_file_keeps_the_last_valid_view() {
    let file = File::new(GOOD);
    let membership = file.start("index-1").await.unwrap();
    let mut views = membership.watch();
    let limit = Duration::from_mins(1);

    fs::write(&file.path, GOOD.replace("7402", "7502")).unwrap();
    timeout(limit, views.changed()).await.unwrap().unwrap();
    let address = |views: &Views| views.borrow().nodes[1].address.clone().unwrap();
    assert_eq!(address(&views), "localhost:7502");

    for invalid in ["nodes = 7", &GOOD.replace("index-1", "index-9")] {
        fs::write(&file.path, invalid).unwrap();
        assert!(timeout(limit, views.changed()).await.is_err(), "{invalid} must not take effect");
    }
    fs::remove_file(&file.path).unwrap();
    assert!(timeout(limit, views.changed()).await.is_err());
    assert_eq!(address(&views), "localhost:7502");

    fs::write(&file.path, GOOD.replace("7402", "7602")).unwrap();
    timeout(limit, views.changed()).await.unwrap().unwrap();
    assert_eq!(address(&views), "localhost:7602");
}

#[tokio::test]
async fn the_own_node_must_be_listed_and_the_file_must_exist() {
    let file = File::new(GOOD);
    let error = file.start("index-3").await.err().unwrap().to_string();
    assert!(error.ends_with("nodes: this node, \"index-3\", is not among index-1, index-2"), "{error}");
    fs::remove_file(&file.path).unwrap();
    let error = file.start("index-1").await.err().unwrap().to_string();
    assert!(error.contains("cluster.toml: "), "{error}");
}
