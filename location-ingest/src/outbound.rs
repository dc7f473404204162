//! The task of one link: opens a session with its index server, hands over what the link's state says is next,
//! and opens the session again when it breaks.

use std::sync::Arc;

use futures::FutureExt;
use kerb_ports::{Control, Error, Frame, Peers, ReplicationStream, SourceRegistration};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, sleep, timeout};
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::dispatch::Link;
use crate::handover::Tick;
use crate::node::IngestNode;
use crate::options::ms;

/// First wait after a break.
const RECONNECT_MIN_MS: u32 = 20;

/// What a link's task needs.
pub(crate) struct Outbound {
    pub(crate) node: Arc<IngestNode>,
    pub(crate) link: Arc<Link>,
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) register: SourceRegistration,
    /// Of the waits' jitter.
    pub(crate) seed: u64,
    pub(crate) stop: CancellationToken,
}

type Flushes = mpsc::Receiver<oneshot::Sender<()>>;

/// Why a session is over.
enum Over {
    Stopped,
    Broken(Error),
}

impl Outbound {
    /// Runs until stopped.
    pub(crate) async fn run(self) {
        let Some(mut flushes) = self.link.flush_requests.lock().take() else { return };
        let mut attempt = 0;
        loop {
            let over = tokio::select! {
                biased;
                over = self.session(&mut flushes, &mut attempt) => over,
                () = self.stop.cancelled() => Over::Stopped,
            };
            let was_open = self.link.state.lock().is_open();
            if was_open {
                self.link.state.lock().closed();
                self.node.counters.links_up.sub(1);
            }
            let Over::Broken(error) = over else { return };
            let wait = backoff(attempt, ms(self.node.options.reconnect_max_ms), self.seed);
            tracing::warn!(server = %self.link.node, %error, attempt, wait_ms = wait.as_millis(), "no session");
            attempt += 1;
            tokio::select! {
                biased;
                () = sleep(wait) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// One session from its opening to its end.
    async fn session(&self, flushes: &mut Flushes, attempt: &mut u32) -> Over {
        let mut session = match self.open().await {
            Ok(session) => session,
            Err(error) => return Over::Broken(error),
        };
        *attempt = 0;
        self.link.state.lock().opened();
        self.node.counters.links_opened.add(1);
        self.node.counters.links_up.add(1);
        tracing::info!(server = %self.link.node, "session open");
        match self.serve(session.as_mut(), flushes).await {
            Err(error) => Over::Broken(error),
            Ok(()) => Over::Stopped,
        }
    }

    async fn open(&self) -> Result<Box<dyn ReplicationStream>, Error> {
        let unavailable = |reason: String| Error::Unavailable { node: self.link.node.clone(), reason };
        let server = self.peers.index_server(&self.link.node);
        let server = server.ok_or_else(|| unavailable("not among the peers".to_owned()))?;
        let limit_ms = self.node.options.send_timeout_ms;
        let opened = timeout(ms(limit_ms), server.open(self.register.clone())).await;
        opened.unwrap_or_else(|_| Err(unavailable(format!("no session within {limit_ms} ms"))))
    }

    async fn serve(&self, session: &mut dyn ReplicationStream, flushes: &mut Flushes) -> Result<(), Error> {
        let mut asked = None;
        loop {
            let (frame, unshown) = self.next();
            if let Some(frame) = frame {
                self.send(session, frame).await?;
                while let Some(control) = session.control().now_or_never() {
                    self.obey(control?);
                }
                continue;
            }
            if let Some(tick) = unshown {
                self.within_limit(session.flush()).await?;
                self.link.state.lock().shows(tick);
            }
            // Whoever asked did so before this look at what is to be sent.
            if let Some(reply) = asked.take() {
                self.flush(session, reply).await?;
            }
            tokio::select! {
                biased;
                control = session.control() => self.obey(control?),
                () = self.link.wake.notified() => {}
                flush = flushes.recv() => match flush {
                    Some(reply) => asked = Some(reply),
                    None => return Ok(()),
                },
            }
        }
    }

    /// The next frame; without one, the tick that is not yet known to be shown.
    fn next(&self) -> (Option<Frame>, Option<Tick>) {
        let mut state = self.link.state.lock();
        let frame = state.next_frame(&self.node.table, self.node.horizon());
        let unshown = if frame.is_none() { state.unshown() } else { None };
        (frame, unshown)
    }

    async fn send(&self, session: &mut dyn ReplicationStream, frame: Frame) -> Result<(), Error> {
        if let Frame::Batch(batch) = &frame {
            self.node.counters.rows_sent.add((batch.updates.len() + batch.removals.len()) as u64);
        }
        self.node.counters.frames_sent.add(1);
        self.within_limit(session.send(frame)).await
    }

    /// All frames were sent: waits until the server shows them.
    async fn flush(
        &self,
        session: &mut dyn ReplicationStream,
        reply: oneshot::Sender<()>,
    ) -> Result<(), Error> {
        self.within_limit(session.flush()).await?;
        // Who asked may have given up.
        let _ = reply.send(());
        Ok(())
    }

    async fn within_limit(&self, call: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
        let limit_ms = self.node.options.send_timeout_ms;
        timeout(ms(limit_ms), call).await.unwrap_or_else(|_| {
            let reason = format!("took no frame for {limit_ms} ms");
            Err(Error::Unavailable { node: self.link.node.clone(), reason })
        })
    }

    fn obey(&self, control: Control) {
        match control {
            Control::Resync(shards) => {
                tracing::info!(server = %self.link.node, shards = shards.len(), "resync");
                self.link.state.lock().resync(&shards);
            }
        }
    }
}

/// Doubles from [`RECONNECT_MIN_MS`] to `max`, less up to a half by `seed`, so that the nodes of a cluster do not
/// come back all at once.
fn backoff(attempt: u32, max: Duration, seed: u64) -> Duration {
    let whole = ms(RECONNECT_MIN_MS).saturating_mul(1 << attempt.min(16)).min(max);
    let part = xxh3_64_with_seed(&attempt.to_le_bytes(), seed) as u32;
    whole.mul_f64(1.0 - 0.5 * f64::from(part) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_differ_between_nodes() {
        let max = ms(2_000);
        for attempt in 0..40 {
            let whole = ms(RECONNECT_MIN_MS).saturating_mul(1 << attempt.min(16)).min(max);
            for seed in 0..100 {
                let wait = backoff(attempt, max, seed);
                assert!(wait <= whole && wait >= whole / 2, "{wait:?} of {whole:?}");
            }
        }
        assert_ne!(backoff(9, max, 1), backoff(9, max, 2));
    }
}
