//! The write queue and the writer separately: states that no caller can cause at will.

use std::sync::Arc;

use futures::FutureExt;
use kerb_ports::conformance::journal::{market, record};
use kerb_ports::{TripJournal, TripJournalError};
use kerb_trips::Version;

use super::FjallJournal;
use super::disk::WRITE_QUEUE_MAX;

#[test]
fn a_full_queue_rejects_appends_and_the_end_of_the_writer_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _writer, queue) = FjallJournal::open_without_writer(folder.path()).unwrap();
    let mut calls: Vec<_> = (0..WRITE_QUEUE_MAX)
        .map(|_| journal.append(market("world"), Version::new(0), record("world", 1)))
        .collect();
    assert!(calls.iter_mut().all(|call| call.now_or_never().is_none()));
    let rejected = journal.append(market("world"), Version::new(0), record("world", 1)).now_or_never();
    let full =
        TripJournalError::Overloaded { what: "appends waiting for the journal", limit: WRITE_QUEUE_MAX };
    assert_eq!(rejected, Some(Err(full)));
    drop(queue);
    let error = calls.pop().unwrap().now_or_never().unwrap().unwrap_err();
    assert!(error.to_string().ends_with("its writer ended"), "{error}");
}

#[tokio::test]
async fn a_call_that_was_dropped_before_its_turn_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, writer, queue) = FjallJournal::open_without_writer(folder.path()).unwrap();
    let mut dropped = journal.append(market("world"), Version::new(0), record("dropped", 1));
    assert!((&mut dropped).now_or_never().is_none());
    drop(dropped);
    let mut kept = journal.append(market("world"), Version::new(0), record("kept", 1));
    assert!((&mut kept).now_or_never().is_none());
    let thread = std::thread::spawn(move || writer.run(&queue));
    assert_eq!(kept.await, Ok(Version::new(1)));
    drop(journal);
    thread.join().unwrap();
}

#[tokio::test]
async fn after_a_failed_write_nothing_more_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, mut writer, queue) = FjallJournal::open_without_writer(folder.path()).unwrap();
    writer.failed = Some("no space".to_owned());
    let store = Arc::clone(&writer.store);
    let thread = std::thread::spawn(move || writer.run(&queue));
    let path = folder.path().display();
    // Each append is in a commit of its own.
    for _ in 0..3 {
        let appended = journal.append(market("world"), Version::new(0), record("world", 1)).await;
        let message = format!("trip journal in {path}: a write failed, nothing more is written: no space");
        assert_eq!(appended, Err(TripJournalError::Internal(message)));
    }
    drop(journal);
    thread.join().unwrap();
    assert!(store.records.is_empty().unwrap());
}
