//! The write queue and the writer separately: states that no caller can cause at will.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use fjall::OwnedWriteBatch;
use futures::FutureExt;
use kerb_ports::conformance::journal::{market, record};
use kerb_ports::{ErrorCode, TripJournal, TripJournalError};
use kerb_trips::{Record, Version};
use parking_lot::Mutex;

use super::FjallJournal;
use super::disk::WRITE_QUEUE_MAX;
use super::error::JournalError;
use super::open::OpenEngine;
use super::steps::{Disk, WriteSteps};
use super::watermark::Watermark;

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

/// A step of the writer that fails once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The commit writes nothing.
    Append,
    /// The commit writes everything, and its `fsync` fails.
    Fsync,
    /// The count of acknowledged records is not written.
    Count,
    /// The engine does not open.
    Open,
    /// The disk has no room for the probe.
    Probe,
}

/// Steps that fail as scripted, in this order, and otherwise run on the disk.
#[derive(Clone, Default)]
struct FaultySteps {
    faults: Arc<Mutex<VecDeque<Fault>>>,
    kind: Arc<Mutex<Option<ErrorKind>>>,
}

impl FaultySteps {
    fn add(&self, faults: &[Fault], kind: ErrorKind) {
        *self.kind.lock() = Some(kind);
        self.faults.lock().extend(faults);
    }

    fn fails(&self, fault: Fault) -> io::Result<()> {
        let mut faults = self.faults.lock();
        if faults.front() != Some(&fault) {
            return Ok(());
        }
        faults.pop_front();
        Err(io::Error::new(self.kind.lock().unwrap(), "scripted"))
    }
}

impl WriteSteps for FaultySteps {
    fn open(&mut self, folder: &Path) -> Result<(OpenEngine, Watermark), JournalError> {
        let fault = self.fails(Fault::Open);
        fault.map_err(|reason| JournalError::of_file(&folder.display().to_string(), &reason))?;
        Disk.open(folder)
    }

    fn commit(&mut self, batch: OwnedWriteBatch) -> fjall::Result<()> {
        self.fails(Fault::Append)?;
        Disk.commit(batch)?;
        Ok(self.fails(Fault::Fsync)?)
    }

    fn count(&mut self, watermark: &mut Watermark, records: u64) -> io::Result<()> {
        self.fails(Fault::Count)?;
        Disk.count(watermark, records)
    }

    fn probe(&mut self, folder: &Path) -> io::Result<()> {
        self.fails(Fault::Probe)?;
        Disk.probe(folder)
    }
}

/// Starts a journal whose writer runs these steps.
fn start(folder: &Path, steps: &FaultySteps) -> FjallJournal {
    let (mut journal, mut writer, queue) = FjallJournal::open_without_writer(folder).unwrap();
    writer.steps = Box::new(steps.clone());
    journal.writer = Some(std::thread::spawn(move || writer.run(&queue)));
    journal
}

#[tokio::test]
async fn a_full_disk_fails_writes_at_once_and_loses_nothing() {
    use Fault::{Append, Count, Fsync, Open, Probe};
    // Each list is one time in which the disk is full.
    let outages: [&[Fault]; 7] = [
        &[Append],
        &[Fsync],
        &[Count],
        &[Append, Probe, Probe],
        &[Fsync, Open],
        &[Append, Probe, Open, Open],
        &[Count, Probe, Open],
    ];
    let folder = tempfile::tempdir().unwrap();
    let steps = FaultySteps::default();
    let journal = start(folder.path(), &steps);
    let world = market("world");
    let mut acknowledged = Vec::new();
    for (number, faults) in outages.iter().enumerate() {
        steps.add(faults, ErrorKind::StorageFull);
        let mut failures = 0;
        let mut rest = 3;
        while rest > 0 {
            // As the matcher does after an append with an unknown outcome: it reads the newest version.
            let newest = journal.version(world.clone()).await.unwrap();
            let name = format!("{number}-{rest}");
            match journal.append(world.clone(), newest, record(&name, 1)).await {
                Ok(version) => {
                    acknowledged.push((version, record(&name, 1)));
                    rest -= 1;
                }
                // The version may have been stale: the outcome of the append before is known only now.
                Err(TripJournalError::Conflict { .. }) => {}
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
                    let path = folder.path().display().to_string();
                    assert!(error.to_string().contains(&path), "{error}");
                    failures += 1;
                }
            }
            // A snapshot is a write like any other.
            let _ = journal.save_snapshot(world.clone(), newest, vec![1]).await;
        }
        assert!(steps.faults.lock().is_empty(), "{faults:?} have all happened");
        assert!(failures > 0 || faults[0] == Count, "{faults:?}");
    }
    check_all_there(&journal, &acknowledged).await;
    drop(journal);
    check_all_there(&FjallJournal::open_existing(folder.path()).unwrap(), &acknowledged).await;
}

/// Asserts that every acknowledged record is there once, under its version.
async fn check_all_there(journal: &FjallJournal, acknowledged: &[(Version, Record)]) {
    let read = journal.read(market("world"), Version::new(0), usize::MAX).await.unwrap();
    for (version, record) in acknowledged {
        let found: Vec<_> = read.iter().filter(|(at, _)| at == version).collect();
        assert_eq!(found, [&(*version, record.clone())]);
    }
}

#[tokio::test]
async fn reads_go_on_while_the_disk_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let steps = FaultySteps::default();
    let journal = start(folder.path(), &steps);
    let world = market("world");
    let append = |version| journal.append(world.clone(), Version::new(version), record("world", 1));
    append(0).await.unwrap();
    steps.add(&[Fault::Fsync, Fault::Probe], ErrorKind::StorageFull);
    for _ in 0..2 {
        assert_eq!(append(1).await.unwrap_err().code(), ErrorCode::Unavailable);
        let read = journal.read(world.clone(), Version::new(0), usize::MAX).await.unwrap();
        assert_eq!(read.len(), 1, "a record that was not acknowledged is not visible");
    }
    // There is room again: the record is found, because it was written before the failure.
    let conflict = append(1).await.unwrap_err();
    assert_eq!(conflict.code(), ErrorCode::Conflict, "{conflict}");
    assert_eq!(append(2).await, Ok(Version::new(3)));

    steps.add(&[Fault::Append, Fault::Open], ErrorKind::StorageFull);
    for _ in 0..2 {
        assert_eq!(append(3).await.unwrap_err().code(), ErrorCode::Unavailable);
    }
    let closed = journal.read(world.clone(), Version::new(0), usize::MAX).await.unwrap_err();
    assert_eq!(closed.code(), ErrorCode::Unavailable, "it is closed: {closed}");
    assert_eq!(append(3).await, Ok(Version::new(4)));
}

#[tokio::test]
async fn a_failed_snapshot_stops_no_append() {
    let folder = tempfile::tempdir().unwrap();
    let steps = FaultySteps::default();
    let journal = start(folder.path(), &steps);
    let world = market("world");
    journal.append(world.clone(), Version::new(0), record("world", 1)).await.unwrap();
    journal.save_snapshot(world.clone(), Version::new(1), vec![1]).await.unwrap();
    journal.append(world.clone(), Version::new(1), record("world", 1)).await.unwrap();
    steps.add(&[Fault::Append], ErrorKind::StorageFull);
    let failed = journal.save_snapshot(world.clone(), Version::new(2), vec![2]).await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::Unavailable);
    assert_eq!(journal.snapshot(world.clone()).await, Ok(Some((Version::new(1), vec![1]))));
    assert_eq!(journal.append(world.clone(), Version::new(2), record("world", 1)).await, Ok(Version::new(3)));
    journal.save_snapshot(world.clone(), Version::new(2), vec![3]).await.unwrap();
    assert_eq!(journal.snapshot(world.clone()).await, Ok(Some((Version::new(2), vec![3]))));
}

#[tokio::test]
async fn after_any_other_failure_nothing_more_is_written() {
    for fault in [Fault::Append, Fault::Fsync] {
        let folder = tempfile::tempdir().unwrap();
        let steps = FaultySteps::default();
        let journal = start(folder.path(), &steps);
        let world = market("world");
        steps.add(&[fault], ErrorKind::Other);
        for _ in 0..3 {
            let error = journal.append(world.clone(), Version::new(0), record("world", 1)).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::Internal, "{error}");
            let end = "nothing more is written until the process starts again";
            assert!(error.to_string().ends_with(end), "{error}");
        }
        assert_eq!(journal.read(world, Version::new(0), usize::MAX).await, Ok(Vec::new()));
    }
}

#[tokio::test]
async fn an_engine_whose_making_did_not_end_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let engine = folder.path().join("engine");
    std::fs::create_dir_all(engine.join("keyspaces")).unwrap();
    std::fs::write(engine.join("lock"), []).unwrap();
    std::fs::write(engine.join("0.jnl"), [0; 4096]).unwrap();
    let journal = FjallJournal::open(folder.path()).unwrap();
    let appended = journal.append(market("world"), Version::new(0), record("world", 1)).await;
    assert_eq!(appended, Ok(Version::new(1)));
    drop(journal);
    // The same folder with content is not removed.
    std::fs::remove_file(engine.join("version")).unwrap();
    FjallJournal::open(folder.path()).unwrap_err();
    assert!(engine.join("0.jnl").exists());
}
