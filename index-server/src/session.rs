//! A source's session as the port wants it: whole frames, cut into steps between which other tasks run.

use std::sync::Arc;

use kerb_ports::{Answer, Batch, Control, Error, Frame, ReplicationStream};
use tokio::sync::watch;

use crate::index::Progress;
use crate::service::Inner;
use crate::write::session::Session;

/// An open session of an [`crate::IndexServer`].
pub(crate) struct OpenSession {
    inner: Arc<Inner>,
    session: Session,
    /// Wakes [`ReplicationStream::control`].
    news: watch::Receiver<()>,
}

impl OpenSession {
    pub(crate) fn new(inner: Arc<Inner>, session: Session, news: watch::Receiver<()>) -> Self {
        Self { inner, session, news }
    }

    async fn apply(&mut self, batch: &Batch) -> Result<(), Error> {
        let now_ms = self.inner.clock.now_ms();
        let mut progress = Progress::default();
        while self.inner.index.apply(&mut self.session, batch, &mut progress, now_ms)? {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn snapshot_end(&mut self, round: u64) -> Result<(), Error> {
        let mut ending = self.inner.index.snapshot_end(&mut self.session, round)?;
        while self.inner.index.full_end_some(&self.session, &mut ending)? {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn next_control(&mut self) -> Result<Control, Error> {
        loop {
            self.inner.check_open()?;
            self.news.mark_unchanged();
            let shards = self.inner.index.take_wishes(&mut self.session)?;
            if !shards.is_empty() {
                return Ok(Control::Resync(shards));
            }
            // The sender lives in `inner`.
            let _changed = self.news.changed().await;
        }
    }
}

impl ReplicationStream for OpenSession {
    fn send(&mut self, frame: Frame) -> Answer<'_, ()> {
        Box::pin(async move {
            self.inner.check_open()?;
            match frame {
                Frame::SnapshotBegin { round, shards } => {
                    self.inner.index.snapshot_begin(&mut self.session, round, &shards)
                }
                Frame::Batch(batch) => self.apply(&batch).await,
                Frame::SnapshotEnd { round } => self.snapshot_end(round).await,
            }
        })
    }

    /// A frame is visible as soon as it was taken.
    fn flush(&mut self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.inner.check_open()?;
            self.inner.index.check(&self.session)
        })
    }

    fn control(&mut self) -> Answer<'_, Control> {
        Box::pin(self.next_control())
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.inner.index.close(&mut self.session);
    }
}
