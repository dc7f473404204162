//! A journal in memory that removes old records.

use kerb_journal::MemoryJournal;
use kerb_ports::conformance::journal::{market, record};
use kerb_ports::{ErrorCode, TripJournal};
use kerb_trips::Version;

/// The journal keeps the records that a restart and a current subscriber need, and no others.
#[tokio::test]
async fn records_up_to_the_previous_snapshot_are_removed() {
    let (journal, world) = (MemoryJournal::truncating(), market("world"));
    let append = async |first: u64, last: u64| {
        for version in first..=last {
            let appended =
                journal.append(world.clone(), Version::new(version - 1), record("world", version)).await;
            assert_eq!(appended, Ok(Version::new(version)));
        }
    };
    let read = async |after| journal.read(world.clone(), after, 100).await;
    let filled = |first, last| {
        (first..=last).map(|version| (Version::new(version), record("world", version))).collect()
    };
    append(1, 10).await;
    journal.save_snapshot(world.clone(), Version::new(6), b"6".to_vec()).await.unwrap();
    assert_eq!(read(Version::new(0)).await, Ok(filled(1, 10)));
    append(11, 20).await;
    journal.save_snapshot(world.clone(), Version::new(15), b"15".to_vec()).await.unwrap();
    assert_eq!(read(Version::new(6)).await, Ok(filled(7, 20)));
    let error = read(Version::new(5)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Internal);
    assert!(error.to_string().contains("up to version 6 are removed"), "{error}");
    assert_eq!(journal.version(world.clone()).await, Ok(Version::new(20)));
    // A late snapshot of an older state removes nothing.
    journal.save_snapshot(world.clone(), Version::new(8), b"8".to_vec()).await.unwrap();
    assert_eq!(read(Version::new(6)).await, Ok(filled(7, 20)));
    assert_eq!(journal.snapshot(world.clone()).await, Ok(Some((Version::new(15), b"15".to_vec()))));
    append(21, 22).await;
    assert_eq!(read(Version::new(20)).await, Ok(filled(21, 22)));
}
