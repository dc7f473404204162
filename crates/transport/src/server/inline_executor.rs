//! Runs the only call of a connection, and the futures that this call spawns, in the connection's own task.
//!
//! A phone has one connection with one call. If the connection, the call and the service's part of it were tasks of their
//! own, each update would wake several tasks, and with them sleeping threads. A connection with several open calls at a
//! time is shared: a gateway or another node uses it. From then on each call is a task of the runtime, so that the calls
//! use all processors.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures::future::FutureObj;
use futures::task::{Spawn, SpawnError};
use hyper::rt::Executor;
use parking_lot::{Mutex, MutexGuard};

use super::limits::{ConnectionRecord, OpenCallGuard as LimitsGuard};
use super::wake_set::WakeSet;

/// Maximum subtasks in a connection's task; further ones become tasks of the runtime.
pub(super) const SUBTASKS_MAX: usize = 4;

/// A future that the task of a connection polls next to the connection itself.
pub(super) type Subtask = FutureObj<'static, ()>;

/// The executor of one connection.
pub(super) struct InlineExecutor {
    state: Mutex<ExecutorState>,
    wake_set: Arc<WakeSet>,
    slot: u32,
}

#[derive(Default)]
struct ExecutorState {
    /// Subtasks that the connection has not placed yet.
    new: Vec<Subtask>,
    /// All subtasks of the connection, including the new ones.
    subtask_count: usize,
    call_is_open: bool,
    /// The connection had several open calls at a time, or has ended: everything becomes a task of the runtime.
    is_shared: bool,
}

impl InlineExecutor {
    /// Makes an executor that wakes this slot when there are new subtasks.
    pub(super) fn new(wake_set: Arc<WakeSet>, slot: u32) -> Self {
        Self { state: Mutex::default(), wake_set, slot }
    }

    /// Takes the subtasks since the last call. Also returns whether all subtasks must become tasks of the runtime.
    pub(super) fn take_new(&self) -> (Vec<Subtask>, bool) {
        let mut state = self.state.lock();
        (std::mem::take(&mut state.new), state.is_shared)
    }

    /// Notes that a placed subtask has ended.
    pub(super) fn subtask_ended(&self) {
        self.state.lock().subtask_count -= 1;
    }

    /// Turns everything into tasks of the runtime from now on.
    pub(super) fn close(&self) {
        self.state.lock().is_shared = true;
    }

    fn add(&self, mut state: MutexGuard<'_, ExecutorState>, future: Subtask) {
        if state.is_shared || state.subtask_count == SUBTASKS_MAX {
            // A runtime that shuts down drops the future at once, and the drop of a call takes the lock.
            drop(state);
            tokio::spawn(future);
        } else {
            state.subtask_count += 1;
            state.new.push(future);
        }
        self.wake_set.wake(self.slot);
    }
}

impl Spawn for InlineExecutor {
    fn spawn_obj(&self, future: Subtask) -> Result<(), SpawnError> {
        self.add(self.state.lock(), future);
        Ok(())
    }
}

/// Runs the calls of one connection: the executor that HTTP/2 hands each call to.
#[derive(Clone)]
pub(super) struct CallExecutor {
    pub(super) inline: Arc<InlineExecutor>,
    /// The limits of the connection. They may end a call.
    pub(super) connection: Arc<ConnectionRecord>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for CallExecutor {
    fn execute(&self, call: F) {
        // HTTP/2 hands each call to the executor right after the router has admitted it. `None`: it was not admitted.
        let admitted = self.connection.take_starting();
        let mut state = self.inline.state.lock();
        // A second call while the first one is open makes the connection a shared one, for ever.
        state.is_shared |= state.call_is_open;
        state.call_is_open = true;
        let guard = OpenCallGuard(self.inline.clone());
        let call = async move {
            until_aborted(call, admitted.as_ref()).await;
            drop(admitted);
            drop(guard);
        };
        self.inline.add(state, FutureObj::new(Box::new(call)));
    }
}

/// Runs a call to its end, or until the limits end it: the drop of the call resets its stream.
async fn until_aborted(call: impl Future<Output = ()>, admitted: Option<&LimitsGuard>) {
    let mut call = pin!(call);
    poll_fn(|context| match admitted {
        Some(admitted) if admitted.call.is_aborted(context.waker()) => Poll::Ready(()),
        _ => call.as_mut().poll(context),
    })
    .await;
}

/// Notes the end of a call when it is dropped.
struct OpenCallGuard(Arc<InlineExecutor>);

impl Drop for OpenCallGuard {
    fn drop(&mut self) {
        self.0.state.lock().call_is_open = false;
    }
}
