//! `kerb trips verify`: journals without and with violations, and journals that cannot be opened.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use kerb_journal::FjallJournal;
use kerb_trips::Version;

use super::scripts::{market, offered, requested, write, write_good};
use super::{fails, succeeds};

/// Path of the engine's log in the journal's folder.
const LOG: &str = "engine/0.jnl";

/// Makes a new folder, and returns the path for a journal in it.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let trips = dir.path().join("trips");
    (dir, trips)
}

/// Runs `verify` on a journal with violations or damage.
fn verify_fails(dir: &Path) -> (String, String) {
    fails(dir, &["trips", "verify", "--journal", "trips"], 1)
}

#[tokio::test]
async fn a_journal_without_violations_is_counted_by_market() {
    let dir = tempfile::tempdir().unwrap();
    let trips = dir.path().join("kerb-data/trips");
    write_good(&trips).await;
    let whole = "\
MARKET  RECORDS  TRIPS  LIVE  COMPLETED  EXPIRED  CANCELLED  REPEATED  VIOLATIONS  SNAPSHOT
west          7      1     0          1        0          0         0           0      none
world         6      3     1          0        1          1         0           0      none
total        13      4     1          1        1          1         0           0
no violations
";
    // By default, it reads the journal of a node that was started in this folder.
    assert_eq!(succeeds(dir.path(), &["trips", "verify"]), whole);
    assert_eq!(succeeds(dir.path(), &["trips", "verify", "--journal", &trips.to_string_lossy()]), whole);
    let help = succeeds(dir.path(), &["trips", "verify", "--help"]);
    assert!(help.contains("verify the copy") && help.contains("kerb-data/trips"), "{help}");
}

#[tokio::test]
async fn a_driver_on_two_trips_is_reported_with_both() {
    let (dir, trips) = folder();
    let twice = vec![
        vec![requested("world-1", "anna"), requested("world-2", "bert"), requested("world-3", "carl")],
        vec![offered("world-1", "cab\u{1b}1")],
        vec![offered("world-2", "cab\u{1b}1"), offered("world-1", "cab-2"), offered("world-9", "cab-3")],
    ];
    write(&trips, "world", twice).await;
    let (out, err) = verify_fails(dir.path());
    assert_eq!(err, "kerb: 3 violations in trips");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(
        lines[1..],
        [
            "world         3      3     3          0        0          0         0           3      none",
            "total         3      3     3          0        0          0         0           3",
            r"market world, version 3, trip world-2: driver cab\u{1b}1 is also reserved for trip world-1",
            r"market world, version 3, trip world-1: the trip is driver cab\u{1b}1's, and offered makes it driver cab-2's",
            "market world, version 3, trip world-9: offered without a request",
        ],
    );
    let (out, err) = fails(dir.path(), &["trips", "verify", "--journal", "trips", "--show", "1"], 1);
    assert_eq!(err, "kerb: 3 violations in trips");
    assert!(out.ends_with("world-1\n1 of 3 violations are shown\n"), "{out}");
    fails_by_usage(dir.path(), &["trips", "verify", "--show", "1001"]);
}

/// The error messages of clap have more than one line.
fn fails_by_usage(dir: &Path, args: &[&str]) {
    assert_eq!(super::run_command(dir, args).0, 2, "{args:?}");
}

#[tokio::test]
async fn a_driver_on_trips_of_two_markets_is_reported_between_them() {
    let (dir, trips) = folder();
    for (name, trip) in [("east", "east-1"), ("west", "west-1")] {
        write(&trips, name, vec![vec![requested(trip, "anna")], vec![offered(trip, "cab")]]).await;
    }
    let (out, err) = verify_fails(dir.path());
    assert_eq!(err, "kerb: 1 violation in trips");
    let between =
        "between markets        0      0     0          0        0          0         0           1";
    assert!(out.lines().any(|line| line == between), "{out}");
    assert!(
        out.contains("market west, version 2, trip west-1: driver cab was also reserved for trip east-1"),
        "{out}"
    );
}

#[tokio::test]
async fn a_cut_journal_lacks_acknowledged_records() {
    let (dir, trips) = folder();
    write_good(&trips).await;
    let log = trips.join(LOG);
    let bytes = std::fs::read(&log).unwrap();
    // This word is in the last record.
    let offset = bytes.windows(5).rposition(|bytes| bytes == b"flood").unwrap();
    File::options().write(true).open(log).unwrap().set_len(offset as u64).unwrap();
    let (out, err) = verify_fails(dir.path());
    assert_eq!(out, "");
    assert_eq!(
        err,
        "kerb: trip journal in trips: 13 records were acknowledged and 12 are there: restore the folder \
         from a copy, or remove trips/acknowledged to go on without the others"
    );
    // The error names this remedy.
    std::fs::remove_file(trips.join("acknowledged")).unwrap();
    let text = succeeds(dir.path(), &["trips", "verify", "--journal", "trips"]);
    assert!(text.contains("world         5      3     3"), "{text}");
}

#[tokio::test]
async fn a_flipped_bit_of_the_log_is_reported_in_one_line_and_the_log_is_not_changed() {
    let (dir, trips) = folder();
    write_good(&trips).await;
    let log = trips.join(LOG);
    // The bit is long before the end, so it cannot be a write that a crash cut off.
    let bytes = std::fs::read(&log).unwrap();
    let offset = bytes.windows(5).position(|bytes| bytes == b"cab-1").unwrap();
    let file = File::options().write(true).open(&log).unwrap();
    file.write_all_at(&[bytes[offset] ^ 1], offset as u64).unwrap();
    let flipped = std::fs::read(&log).unwrap();
    let (out, err) = verify_fails(dir.path());
    assert_eq!(out, "");
    assert_eq!(
        err,
        "kerb: trip journal in trips: FjallError: JournalRecovery(ChecksumMismatch): its files cannot be read; if \
         they are damaged, restore the folder from a copy"
    );
    assert!(std::fs::read(&log).unwrap() == flipped, "it was changed");
}

/// At some offsets the engine panics. The panic is not printed.
#[tokio::test]
async fn every_flipped_bit_is_reported_in_one_line_or_harmless() {
    let (dir, trips) = folder();
    write_good(&trips).await;
    let whole = succeeds(dir.path(), &["trips", "verify", "--journal", "trips"]);
    let (log, kept) = (trips.join(LOG), std::fs::read(trips.join(LOG)).unwrap());
    let written = kept.iter().rposition(|byte| *byte != 0).unwrap();
    let mut reported = 0;
    for offset in (0..written).step_by(written / 40) {
        let mut bytes = kept.clone();
        bytes[offset] ^= 1 << (offset % 8);
        std::fs::write(&log, bytes).unwrap();
        println!("at {offset}");
        let (code, out, err) = super::run_command(dir.path(), &["trips", "verify", "--journal", "trips"]);
        if code == 0 {
            assert_eq!((out, err), (whole.clone(), String::new()));
            continue;
        }
        reported += 1;
        assert!(code == 1 && err.starts_with("kerb: ") && err.lines().count() == 1, "{code}: {err}");
    }
    assert!(reported >= 30, "only {reported} were reported");
}

#[tokio::test]
async fn a_damaged_count_of_acknowledged_records_is_reported() {
    let (dir, trips) = folder();
    write_good(&trips).await;
    let count = trips.join("acknowledged");
    let mut bytes = std::fs::read(&count).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&count, &bytes).unwrap();
    let (_, err) = verify_fails(dir.path());
    assert_eq!(
        err,
        "kerb: trips/acknowledged is damaged: 16 bytes that are not a count with its checksum: remove it when the records \
         are known to be whole"
    );
    assert_eq!(std::fs::read(&count).unwrap(), bytes, "it was changed");
}

#[tokio::test]
async fn a_market_with_a_changed_record_is_checked_up_to_it_and_other_markets_completely() {
    let (dir, trips) = folder();
    write_good(&trips).await;
    let key = [b"west\0".as_slice(), &4_u64.to_be_bytes()].concat();
    {
        // The change goes through the engine, so that the engine's own checksums stay correct.
        let db = fjall::Database::builder(trips.join("engine")).open().unwrap();
        let records = db.keyspace("records", fjall::KeyspaceCreateOptions::default).unwrap();
        let mut value = records.get(&key).unwrap().unwrap().to_vec();
        *value.last_mut().unwrap() ^= 1;
        records.insert(key, value).unwrap();
        db.persist(fjall::PersistMode::SyncAll).unwrap();
    }
    let damaged =
        "trip journal in trips: record 4 of market west is damaged: its checksum does not match".to_owned();
    let (out, err) = verify_fails(dir.path());
    assert_eq!(err, "kerb: 1 market that cannot be read in trips");
    assert!(
        out.contains("west          3      1     1") && out.contains("world         6      3     1"),
        "{out}"
    );
    assert!(out.ends_with(&format!("{damaged}; the rest of this market was not checked\n")), "{out}");
    let (out, err) = fails(dir.path(), &["trips", "export", "--journal", "trips"], 1);
    assert_eq!((out.lines().count(), err), (3, format!("kerb: {damaged}")));
}

#[tokio::test]
async fn a_missing_journal_is_not_made_and_one_in_use_is_not_changed() {
    let (dir, trips) = folder();
    for command in ["verify", "export"] {
        let args = ["trips", command, "--journal", "trips"];
        let (_, err) = fails(dir.path(), &args, 1);
        assert_eq!(err, "kerb: trips holds no trip journal: there is no such folder");
        assert!(!trips.exists());
    }
    std::fs::create_dir(&trips).unwrap();
    std::fs::write(trips.join("notes.txt"), "no journal").unwrap();
    let (_, err) = verify_fails(dir.path());
    assert_eq!(err, "kerb: trips holds no trip journal: it has no folder \"engine\" with files");
    assert_eq!(std::fs::read_dir(&trips).unwrap().count(), 1);

    let running = FjallJournal::open(&trips).unwrap();
    for command in ["verify", "export"] {
        let (out, err) = fails(dir.path(), &["trips", command, "--journal", "trips"], 1);
        let in_use = "kerb: trips is in use, as by a running matcher: stop it, or name a copy that was made while it was stopped";
        assert_eq!((out.as_str(), err.as_str()), ("", in_use));
    }
    drop(running);
    let empty = succeeds(dir.path(), &["trips", "verify", "--journal", "trips"]);
    assert!(empty.ends_with("no violations\n") && empty.lines().count() == 3, "{empty}");
    let (_, err) = fails(dir.path(), &["trips", "export", "--journal", "trips", "--market", "world"], 2);
    assert_eq!(err, "kerb: --market world: the journal has no such market, it has none");
}

#[tokio::test]
async fn a_market_without_a_readable_snapshot_shows_none() {
    let (dir, trips) = folder();
    write_good(&trips).await;
    let journal = FjallJournal::open(&trips).unwrap();
    kerb_ports::TripJournal::save_snapshot(&journal, market("world"), Version::new(4), b"{}".to_vec())
        .await
        .unwrap();
    drop(journal);
    let text = succeeds(dir.path(), &["trips", "verify", "--journal", "trips"]);
    let ends: Vec<_> = text.lines().map(|line| line.split_whitespace().next_back().unwrap()).collect();
    assert_eq!(ends[1..3], ["none", "4"], "{text}");
}
