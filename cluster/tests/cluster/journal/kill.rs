//! kill -9 of a process that appends: every version that it was told is durable is there when the journal is opened again.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use kerb_cluster::FjallJournal;
use kerb_fleet::{Change, MarketId, Record, TripJournal};

/// Set for the child: where its journal is.
const FOLDER: &str = "KERB_TEST_JOURNAL";
const ROUNDS: usize = 4;
/// Acknowledged appends that a round waits for before it kills.
const APPENDS: usize = 60;

fn market() -> MarketId {
    MarketId::new("city").unwrap()
}

fn record(version: u64) -> Record {
    let changes = vec![Change::MarketPaused { paused: version % 2 == 1 }];
    Record { at_ms: version as i64, matcher: "child".into(), changes }
}

/// Appends for ever and prints each version once it is durable. Only inside the child; by itself there is nothing to do.
#[tokio::test]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let journal = FjallJournal::open(&PathBuf::from(folder)).unwrap();
    let mut version = journal.version(market()).await.unwrap();
    loop {
        version = journal.append(market(), version, record(version + 1)).await.unwrap();
        println!("durable {version}");
    }
}

/// The versions that the child prints, until so many have come.
fn acknowledged(child: &mut Child) -> u64 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let versions = lines.filter_map(|line| line.unwrap().strip_prefix("durable ")?.parse().ok());
    versions.take(APPENDS).last().unwrap()
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("trips");
    for round in 1..=ROUNDS {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "journal::kill::child", "--nocapture"]).env(FOLDER, &folder);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let newest = acknowledged(&mut child);
        child.kill().unwrap();
        child.wait().unwrap();

        let journal = FjallJournal::open(&folder).unwrap();
        let found = journal.version(market()).await.unwrap();
        assert!(found >= newest, "round {round}: {newest} was acknowledged, {found} is there");
        let records = journal.read(market(), 0, usize::MAX).await.unwrap();
        assert_eq!(records.len() as u64, found, "without a gap");
        assert!(records.iter().all(|(version, found)| *found == record(*version)));
    }
}
