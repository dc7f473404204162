//! A link: what connects the fan-out of changes with the task that sends them to one index server.

use kerb_types::NodeId;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, oneshot};

use super::link_state::LinkState;

/// Maximum pending flushes of a link; further callers wait.
const FLUSHES_MAX: usize = 8;

/// The flush requests of a link, as its task receives them.
pub(crate) type FlushRequests = mpsc::Receiver<oneshot::Sender<()>>;

/// The state of one index server, and the channels to the task that serves it.
#[derive(Debug)]
pub struct ReplicationLink {
    /// The index server.
    pub node: NodeId,
    /// What the server holds and what it must get.
    pub state: Mutex<LinkState>,
    /// Wakes the task after a change of the state.
    pub(crate) wake: Notify,
    flushes: mpsc::Sender<oneshot::Sender<()>>,
    flush_requests: Mutex<Option<FlushRequests>>,
}

impl ReplicationLink {
    pub(crate) fn new(node: NodeId, state: LinkState) -> Self {
        let (flushes, requests) = mpsc::channel(FLUSHES_MAX);
        let flush_requests = Mutex::new(Some(requests));
        Self { node, state: Mutex::new(state), wake: Notify::new(), flushes, flush_requests }
    }

    /// Resolves when the server's searches show all changes that were marked before the call. Returns false when the link's
    /// task ended before that.
    pub(crate) async fn flush(&self) -> bool {
        let (reply, answer) = oneshot::channel();
        self.flushes.send(reply).await.is_ok() && answer.await.is_ok()
    }

    /// Takes the receiving end of the flushes. `None` after the first call.
    pub(crate) fn take_flush_requests(&self) -> Option<FlushRequests> {
        self.flush_requests.lock().take()
    }
}
