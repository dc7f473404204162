//! The task of one link: it opens a replication stream to its index server, sends the frames that the link's state
//! produces, and opens the stream again when it breaks.

use std::sync::Arc;

use futures::FutureExt;
use kerb_ports::{Control, Frame, Peers, ReplicationError, ReplicationStream, SourceRegistration};
use kerb_types::{Backoff, Clock, Jitter, Millis};
use tokio::sync::oneshot;
use tokio::time::{Duration, sleep, timeout};
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::handover::Tick;
use super::link_state::Horizon;
use super::replication_link::{FlushRequests, ReplicationLink};
use crate::metrics::Metrics;
use crate::table::DriverTable;

/// Wait before the first attempt to open a broken stream again.
const RECONNECT_MIN: Duration = Duration::from_millis(20);

/// What all link tasks of a node share.
#[derive(Clone)]
pub(crate) struct LinkTaskContext {
    pub(crate) table: Arc<DriverTable>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) registration: SourceRegistration,
    pub(crate) position_ttl_ms: Millis,
    pub(crate) send_timeout_ms: u32,
    pub(crate) reconnect_max: Duration,
}

/// The task of one link.
pub(crate) struct LinkTask {
    pub(crate) context: LinkTaskContext,
    pub(crate) link: Arc<ReplicationLink>,
    /// Seeds the jitter of the reconnect waits.
    pub(crate) seed: u64,
    pub(crate) stop: CancellationToken,
}

/// Why a replication stream ended.
enum StreamEnd {
    Stopped,
    Broken(ReplicationError),
}

impl LinkTask {
    /// Runs until stopped.
    pub(crate) async fn run(self) {
        let Some(mut flushes) = self.link.take_flush_requests() else { return };
        let mut backoff = Backoff::new(RECONNECT_MIN, self.context.reconnect_max, Jitter::ShortenByHalf);
        loop {
            let end = tokio::select! {
                biased;
                end = self.run_stream(&mut flushes, &mut backoff) => end,
                () = self.stop.cancelled() => StreamEnd::Stopped,
            };
            let was_open = self.link.state.lock().is_open();
            if was_open {
                self.link.state.lock().close();
                self.context.metrics.links_up.sub(1);
            }
            let StreamEnd::Broken(error) = end else { return };
            let attempt = backoff.failures();
            let wait = backoff.next_wait(jitter(attempt, self.seed));
            let wait_ms = wait.as_millis();
            tracing::warn!(server = %self.link.node, %error, attempt, wait_ms, "no replication stream");
            tokio::select! {
                biased;
                () = sleep(wait) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// Opens a replication stream and serves it to its end.
    async fn run_stream(&self, flushes: &mut FlushRequests, backoff: &mut Backoff) -> StreamEnd {
        let mut stream = match self.open().await {
            Ok(stream) => stream,
            Err(error) => return StreamEnd::Broken(error),
        };
        backoff.reset();
        self.link.state.lock().open();
        self.context.metrics.links_opened.increment();
        self.context.metrics.links_up.add(1);
        tracing::info!(server = %self.link.node, "replication stream open");
        match self.serve(stream.as_mut(), flushes).await {
            Err(error) => StreamEnd::Broken(error),
            Ok(()) => StreamEnd::Stopped,
        }
    }

    async fn open(&self) -> Result<Box<dyn ReplicationStream>, ReplicationError> {
        let server = self.context.peers.index_server(&self.link.node);
        let server = server.ok_or_else(|| self.unavailable("not among the peers".to_owned()))?;
        let opened = timeout(self.send_timeout(), server.open(self.context.registration.clone())).await;
        opened.unwrap_or_else(|_elapsed| {
            let timeout_ms = self.context.send_timeout_ms;
            Err(self.unavailable(format!("no replication stream within {timeout_ms} ms")))
        })
    }

    /// Sends frames and follows the server's requests until the stream breaks, or until the link is dropped.
    async fn serve(
        &self,
        stream: &mut dyn ReplicationStream,
        flushes: &mut FlushRequests,
    ) -> Result<(), ReplicationError> {
        let mut flush_request: Option<oneshot::Sender<()>> = None;
        loop {
            let (frame, unconfirmed) = self.next();
            if let Some(frame) = frame {
                self.send(stream, frame).await?;
                while let Some(control) = stream.control().now_or_never() {
                    self.apply_control(control?);
                }
                continue;
            }
            if let Some(tick) = unconfirmed {
                self.with_timeout(stream.flush()).await?;
                self.link.state.lock().confirm(tick);
            }
            // The request came before this look at the state, so all frames that it waits for have been sent.
            if let Some(reply) = flush_request.take() {
                self.with_timeout(stream.flush()).await?;
                // The caller may have given up; then nobody reads the reply.
                let _ = reply.send(());
            }
            tokio::select! {
                biased;
                control = stream.control() => self.apply_control(control?),
                () = self.link.wake.notified() => {}
                flush = flushes.recv() => match flush {
                    Some(reply) => flush_request = Some(reply),
                    None => return Ok(()),
                },
            }
        }
    }

    /// Returns the next frame; without one, the newest tick that the server has not confirmed.
    fn next(&self) -> (Option<Frame>, Option<Tick>) {
        let now = self.context.clock.now();
        let horizon = Horizon { now, expired_before_ms: now - self.context.position_ttl_ms };
        let mut state = self.link.state.lock();
        let frame = state.next_frame(&self.context.table, horizon);
        let unconfirmed = if frame.is_none() { state.unconfirmed_tick() } else { None };
        (frame, unconfirmed)
    }

    async fn send(&self, stream: &mut dyn ReplicationStream, frame: Frame) -> Result<(), ReplicationError> {
        if let Frame::Batch(batch) = &frame {
            self.context.metrics.rows_sent.add((batch.updates.len() + batch.removals.len()) as u64);
        }
        self.context.metrics.frames_sent.increment();
        self.with_timeout(stream.send(frame)).await
    }

    async fn with_timeout(
        &self,
        call: impl Future<Output = Result<(), ReplicationError>>,
    ) -> Result<(), ReplicationError> {
        timeout(self.send_timeout(), call).await.unwrap_or_else(|_elapsed| {
            let timeout_ms = self.context.send_timeout_ms;
            Err(self.unavailable(format!("took no frame for {timeout_ms} ms")))
        })
    }

    fn send_timeout(&self) -> Duration {
        Duration::from_millis(u64::from(self.context.send_timeout_ms))
    }

    fn unavailable(&self, reason: String) -> ReplicationError {
        ReplicationError::Unavailable { node: self.link.node.clone(), reason }
    }

    fn apply_control(&self, control: Control) {
        match control {
            Control::Resync(shards) => {
                tracing::info!(server = %self.link.node, shards = shards.len(), "resync");
                self.link.state.lock().resync(&shards);
            }
        }
    }
}

/// Returns the random part of a wait, 0.0 to 1.0. It depends on the seed, so that the nodes of a cluster do not reconnect at
/// the same moment.
fn jitter(attempt: u32, seed: u64) -> f64 {
    // The low half of the hash is as random as the whole.
    let random = xxh3_64_with_seed(&attempt.to_le_bytes(), seed) as u32;
    f64::from(random) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_differ_between_nodes() {
        let max = Duration::from_secs(2);
        let waits = |seed| {
            let mut backoff = Backoff::new(RECONNECT_MIN, max, Jitter::ShortenByHalf);
            (0..40).map(move |attempt| backoff.next_wait(jitter(attempt, seed))).collect::<Vec<_>>()
        };
        for seed in 0..100 {
            for (attempt, wait) in (0_u32..).zip(waits(seed)) {
                let whole = RECONNECT_MIN.saturating_mul(1 << attempt.min(16)).min(max);
                assert!(wait <= whole && wait >= whole / 2, "{wait:?} of {whole:?}");
            }
        }
        assert_ne!(waits(1)[9], waits(2)[9]);
    }
}
