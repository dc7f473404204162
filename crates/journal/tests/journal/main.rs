//! Journals of trips: the suite for both, and what the one on disk does beyond it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod damage;
mod fixture;
mod forgetting;
mod kill;
mod limits;

use std::sync::Arc;

use futures::FutureExt;
use kerb_journal::{FjallJournal, MemoryJournal};
use kerb_ports::TripJournal;
use kerb_ports::conformance::journal::OpenJournal;

mod memory {
    kerb_ports::trip_journal_conformance!(super::in_memory);
}

mod disk {
    kerb_ports::trip_journal_conformance!(super::on_disk);
}

/// "Opening again" is the same value: there is nothing to come back to.
fn in_memory() -> (OpenJournal, ()) {
    let journal: Arc<dyn TripJournal> = Arc::new(MemoryJournal::new());
    (Box::new(move || std::future::ready(Arc::clone(&journal)).boxed()), ())
}

fn on_disk() -> (OpenJournal, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trips");
    let open = move || -> Arc<dyn TripJournal> { Arc::new(FjallJournal::open(&path).unwrap()) };
    (Box::new(move || std::future::ready(open()).boxed()), folder)
}
