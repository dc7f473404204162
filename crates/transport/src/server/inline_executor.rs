//! What runs in a connection's own task: its only call, and what that call lets run beside it.
//!
//! A phone has one connection with one call. As tasks of their own, connection, call and what serves it wake each other
//! for every update, and sleeping threads with it. A connection with several calls at a time is shared, by a gateway or
//! by another node: from then on each call is a task of its own, and calls use all processors.

use std::sync::Arc;

use futures::future::FutureObj;
use futures::task::{Spawn, SpawnError};
use hyper::rt::Executor;
use parking_lot::{Mutex, MutexGuard};

use super::wake_set::WakeSet;

/// Futures in a connection's task beside the connection, at most.
pub(super) const SUBTASKS_MAX: usize = 4;

pub(super) type Subtask = FutureObj<'static, ()>;

/// Where a connection's futures come in.
pub(super) struct InlineExecutor {
    entries: Mutex<Entries>,
    wake_set: Arc<WakeSet>,
    bit: u32,
}

#[derive(Default)]
struct Entries {
    waiting: Vec<Subtask>,
    /// Subtasks, those who wait included.
    inside: usize,
    call_is_open: bool,
    /// Had several calls at a time, or has ended.
    shared: bool,
}

impl InlineExecutor {
    /// Rings with this bit when there is news.
    pub(super) fn new(wake_set: Arc<WakeSet>, bit: u32) -> Self {
        Self { entries: Mutex::default(), wake_set, bit }
    }

    /// Those who came since the last call, and whether all are to become tasks.
    pub(super) fn take(&self) -> (Vec<Subtask>, bool) {
        let mut entries = self.entries.lock();
        (std::mem::take(&mut entries.waiting), entries.shared)
    }

    /// A subtask has ended.
    pub(super) fn left(&self) {
        self.entries.lock().inside -= 1;
    }

    /// Everything is a task from now on.
    pub(super) fn close(&self) {
        self.entries.lock().shared = true;
    }

    fn enter(&self, mut entries: MutexGuard<'_, Entries>, future: Subtask) {
        if entries.shared || entries.inside == SUBTASKS_MAX {
            // A runtime that ends drops the future at once, and a call that is dropped wants the lock.
            drop(entries);
            tokio::spawn(future);
        } else {
            entries.inside += 1;
            entries.waiting.push(future);
        }
        self.wake_set.wake(self.bit);
    }
}

impl Spawn for InlineExecutor {
    fn spawn_obj(&self, future: Subtask) -> Result<(), SpawnError> {
        self.enter(self.entries.lock(), future);
        Ok(())
    }
}

/// Runs the calls of one connection.
#[derive(Clone)]
pub(super) struct Calls(pub(super) Arc<InlineExecutor>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Calls {
    fn execute(&self, call: F) {
        let mut entries = self.0.entries.lock();
        entries.shared |= entries.call_is_open;
        entries.call_is_open = true;
        let open = Open(self.0.clone());
        let call = async move {
            call.await;
            drop(open);
        };
        self.0.enter(entries, FutureObj::new(Box::new(call)));
    }
}

/// A call is open.
struct Open(Arc<InlineExecutor>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.entries.lock().call_is_open = false;
    }
}
