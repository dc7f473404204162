//! A journal in memory that forgets.

use kerb_journal::MemoryJournal;
use kerb_ports::conformance::journal::{market, record};
use kerb_ports::{ErrorCode, TripJournal};
use kerb_trips::Version;

/// What a restart and a subscriber who keeps up need is there, and no more.
#[tokio::test]
async fn forgets_what_is_behind_the_last_snapshot_but_one() {
    let (journal, world) = (MemoryJournal::forgetting(), market("world"));
    let append = async |first: Version, last: Version| {
        for version in first..=last {
            let appended = journal.append(world.clone(), version - 1, record("world", version)).await;
            assert_eq!(appended, Ok(version));
        }
    };
    let read = async |after| journal.read(world.clone(), after, 100).await;
    let filled = |first, last| (first..=last).map(|version| (version, record("world", version))).collect();
    append(1, 10).await;
    journal.save_snapshot(world.clone(), 6, b"6".to_vec()).await.unwrap();
    assert_eq!(read(0).await, Ok(filled(1, 10)));
    append(11, 20).await;
    journal.save_snapshot(world.clone(), 15, b"15".to_vec()).await.unwrap();
    assert_eq!(read(6).await, Ok(filled(7, 20)));
    let error = read(5).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Internal);
    assert!(error.to_string().contains("up to version 6 are forgotten"), "{error}");
    assert_eq!(journal.version(world.clone()).await, Ok(20));
    // A late one of an older state takes nothing away.
    journal.save_snapshot(world.clone(), 8, b"8".to_vec()).await.unwrap();
    assert_eq!(read(6).await, Ok(filled(7, 20)));
    assert_eq!(journal.snapshot(world.clone()).await, Ok(Some((15, b"15".to_vec()))));
    append(21, 22).await;
    assert_eq!(read(20).await, Ok(filled(21, 22)));
}
