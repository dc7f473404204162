//! Probers that wait for an update, and the updates that they sample.

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// A sampled update.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    pub(super) driver: usize,
    pub(super) sequence: u64,
    pub(super) sent_at: Instant,
}

/// Probers that wait for the next update of any driver.
#[derive(Default)]
pub(super) struct ProbeQueue(Mutex<Vec<oneshot::Sender<Probe>>>);

impl ProbeQueue {
    /// Gives the update to a waiting prober. It costs one lock when none waits.
    pub(super) fn offer(&self, probe: impl FnOnce() -> Probe) {
        if let Some(prober) = self.0.lock().pop() {
            // A prober that has stopped needs no sample.
            _ = prober.send(probe());
        }
    }

    /// Returns the next update, once there is one.
    pub(super) fn wait(&self) -> oneshot::Receiver<Probe> {
        let (give, take) = oneshot::channel();
        self.0.lock().push(give);
        take
    }
}
