//! A journal is open in one process at a time, and its errors name the folder.

use kerb_journal::FjallJournal;
use kerb_ports::conformance::journal::{market, record};
use kerb_ports::{ErrorCode, TripJournal};
use kerb_trips::Version;

#[tokio::test]
async fn a_second_open_is_rejected_without_harm() {
    let folder = tempfile::tempdir().unwrap();
    let journal = FjallJournal::open(folder.path()).unwrap();
    let second = FjallJournal::open(folder.path()).unwrap_err();
    let path = folder.path().display();
    assert_eq!(
        second.to_string(),
        format!("{path} is in use by another process: give each matcher a data directory of its own")
    );
    assert_eq!(
        journal.append(market("world"), Version::new(0), record("world", 1)).await,
        Ok(Version::new(1))
    );
    drop(journal);
    let journal = FjallJournal::open(folder.path()).unwrap();
    assert_eq!(journal.version(market("world")).await, Ok(Version::new(1)));
}

#[test]
fn an_error_names_the_file_in_place_of_the_folder() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = FjallJournal::open(file.path()).unwrap_err().to_string();
    assert!(error.contains(&*file.path().to_string_lossy()), "{error}");
}

#[tokio::test]
async fn open_existing_makes_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let absent = |path: &std::path::Path, reason: &str| {
        let error = FjallJournal::open_existing(path).unwrap_err().to_string();
        assert_eq!(error, format!("{} holds no trip journal: {reason}", path.display()));
    };
    absent(&folder.path().join("trips"), "there is no such folder");
    absent(folder.path(), "it has no folder \"engine\" with files");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    std::fs::create_dir(folder.path().join("engine")).unwrap();
    absent(folder.path(), "it has no folder \"engine\" with files");

    let trips = folder.path().join("trips");
    let journal = FjallJournal::open(&trips).unwrap();
    assert_eq!(
        journal.append(market("world"), Version::new(0), record("world", 1)).await,
        Ok(Version::new(1))
    );
    drop(journal);
    let journal = FjallJournal::open_existing(&trips).unwrap();
    assert_eq!(journal.version(market("world")).await, Ok(Version::new(1)));
}

#[tokio::test]
async fn writes_that_are_too_large_are_rejected_and_later_ones_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let journal = FjallJournal::open(folder.path()).unwrap();
    let world = market("world");
    let large = "m".repeat(kerb_journal::RECORD_BYTES_MAX);
    let rejected = journal.append(world.clone(), Version::new(0), record(&large, 1)).await.unwrap_err();
    assert_eq!(rejected.code(), ErrorCode::Invalid);
    assert_eq!(journal.append(world.clone(), Version::new(0), record("world", 1)).await, Ok(Version::new(1)));
    let large = vec![0; kerb_journal::SNAPSHOT_BYTES_MAX + 1];
    let rejected = journal.save_snapshot(world.clone(), Version::new(1), large).await.unwrap_err();
    assert_eq!(rejected.code(), ErrorCode::Invalid);
    assert_eq!(journal.save_snapshot(world, Version::new(1), vec![0]).await, Ok(()));
}
