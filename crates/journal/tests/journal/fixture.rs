//! A journal that release 0.1.0 wrote can still be read, record by record.

use std::fs;
use std::path::{Path, PathBuf};

use kerb_journal::FjallJournal;
use kerb_ports::TripJournal;
use kerb_ports::conformance::journal::market;
use kerb_trips::{Change, Version};
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/trips-v1").join(name)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Returns the events of a market, as release 0.1.0 exported them.
fn exported(name: &str) -> Vec<Value> {
    let lines = fs::read_to_string(fixture("trips.jsonl")).unwrap();
    let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["market"] == name).collect()
}

#[tokio::test]
async fn a_journal_of_the_first_release_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixture("trips"), folder.path());
    let journal = FjallJournal::open_existing(folder.path()).unwrap();
    assert_eq!(journal.markets().await.unwrap(), ["north", "south"].map(market));
    for (name, newest) in [("north", 84), ("south", 12)] {
        assert_eq!(journal.version(market(name)).await.unwrap(), Version::new(newest));
        let records = journal.read(market(name), Version::new(0), usize::MAX).await.unwrap();
        let versions: Vec<_> = records.iter().map(|(version, _)| *version).collect();
        assert_eq!(versions, (1..=newest).map(Version::new).collect::<Vec<_>>());

        for event in exported(name) {
            let version = event["version"].as_u64().unwrap();
            let (_, record) = &records[usize::try_from(version).unwrap() - 1];
            assert_eq!(event["time_ms"], record.at_ms.as_millis(), "{event}");
            assert_eq!(event["matcher"], record.matcher, "{event}");
            let index = usize::try_from(event["index"].as_u64().unwrap()).unwrap();
            match &record.changes[index] {
                Change::Trip { trip, .. } => assert_eq!(event["trip_id"], trip.to_string(), "{event}"),
                Change::MarketPaused { paused } => {
                    assert_eq!(event["event"] == "market_paused", *paused, "{event}");
                }
            }
        }

        let (at, snapshot) = journal.snapshot(market(name)).await.unwrap().unwrap();
        let truth = fs::read_to_string(fixture(&format!("trips.snapshot-{name}.hex"))).unwrap();
        let bytes = truth.trim().as_bytes().chunks(2).map(|hex| std::str::from_utf8(hex).unwrap());
        let bytes: Vec<_> = bytes.map(|hex| u8::from_str_radix(hex, 16).unwrap()).collect();
        assert_eq!((at, snapshot), (Version::new(newest), bytes));
    }
}
