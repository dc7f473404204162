//! The queue and the writer apart from each other: what no caller can bring about at will.

use std::sync::Arc;

use futures::FutureExt;
use kerb_ports::conformance::journal::{market, record};
use kerb_ports::{TripJournal, TripJournalError};

use super::FjallJournal;
use super::disk::JOBS_MAX;

#[test]
fn a_full_queue_refuses_and_the_end_of_the_writer_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _writer, waiting) = FjallJournal::stopped(folder.path()).unwrap();
    let mut calls: Vec<_> =
        (0..JOBS_MAX).map(|_| journal.append(market("world"), 0, record("world", 1))).collect();
    assert!(calls.iter_mut().all(|call| call.now_or_never().is_none()));
    let refused = journal.append(market("world"), 0, record("world", 1)).now_or_never();
    let full = TripJournalError::Overloaded { what: "appends waiting for the journal", limit: JOBS_MAX };
    assert_eq!(refused, Some(Err(full)));
    drop(waiting);
    let told = calls.pop().unwrap().now_or_never().unwrap().unwrap_err();
    assert!(told.to_string().ends_with("its writer ended"), "{told}");
}

#[tokio::test]
async fn calls_that_were_dropped_before_their_turn_are_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, writer, waiting) = FjallJournal::stopped(folder.path()).unwrap();
    let mut dropped = journal.append(market("world"), 0, record("dropped", 1));
    assert!((&mut dropped).now_or_never().is_none());
    drop(dropped);
    let mut kept = journal.append(market("world"), 0, record("kept", 1));
    assert!((&mut kept).now_or_never().is_none());
    let thread = std::thread::spawn(move || writer.run(&waiting));
    assert_eq!(kept.await, Ok(1));
    drop(journal);
    thread.join().unwrap();
}

#[tokio::test]
async fn after_a_failed_write_nothing_more_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, mut writer, waiting) = FjallJournal::stopped(folder.path()).unwrap();
    writer.failed = Some("no space".to_owned());
    let shared = Arc::clone(&writer.shared);
    let thread = std::thread::spawn(move || writer.run(&waiting));
    let path = folder.path().display();
    // Each in a group of its own.
    for _ in 0..3 {
        let appended = journal.append(market("world"), 0, record("world", 1)).await;
        let told = format!("trip journal in {path}: a write failed, nothing more is written: no space");
        assert_eq!(appended, Err(TripJournalError::Internal(told)));
    }
    drop(journal);
    thread.join().unwrap();
    assert!(shared.records.is_empty().unwrap());
}
