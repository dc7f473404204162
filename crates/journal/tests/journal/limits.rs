//! One process at a time, and errors that name the folder.

use kerb_journal::FjallJournal;
use kerb_ports::conformance::journal::{market, record};
use kerb_ports::{ErrorCode, TripJournal};

#[tokio::test]
async fn a_second_handle_is_refused_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let journal = FjallJournal::open(folder.path()).unwrap();
    let second = FjallJournal::open(folder.path()).unwrap_err();
    let path = folder.path().display();
    assert_eq!(
        second.to_string(),
        format!("{path} is in use by another process: give each matcher a data directory of its own")
    );
    assert_eq!(journal.append(market("world"), 0, record("world", 1)).await, Ok(1));
    drop(journal);
    let journal = FjallJournal::open(folder.path()).unwrap();
    assert_eq!(journal.version(market("world")).await, Ok(1));
}

#[test]
fn a_file_in_the_place_of_the_folder_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = FjallJournal::open(file.path()).unwrap_err().to_string();
    assert!(error.contains(&*file.path().to_string_lossy()), "{error}");
}

#[tokio::test]
async fn a_journal_that_is_not_there_is_not_made_by_looking_for_it() {
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
    assert_eq!(journal.append(market("world"), 0, record("world", 1)).await, Ok(1));
    drop(journal);
    let journal = FjallJournal::open_existing(&trips).unwrap();
    assert_eq!(journal.version(market("world")).await, Ok(1));
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let journal = FjallJournal::open(folder.path()).unwrap();
    let world = market("world");
    let large = "m".repeat(kerb_journal::RECORD_BYTES_MAX);
    let refused = journal.append(world.clone(), 0, record(&large, 1)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Invalid);
    assert_eq!(journal.append(world.clone(), 0, record("world", 1)).await, Ok(1));
    let large = vec![0; kerb_journal::SNAPSHOT_BYTES_MAX + 1];
    let refused = journal.save_snapshot(world.clone(), 1, large).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Invalid);
    assert_eq!(journal.save_snapshot(world, 1, vec![0]).await, Ok(()));
}
