//! When a market's snapshots are kept.

use std::sync::Arc;

use super::MarketTask;

impl MarketTask {
    /// Beside the traffic.
    pub(super) fn save_when_due(&mut self) {
        while self.saving.try_join_next().is_some() {}
        if self.changes_since_snapshot < self.context.snapshot_every || !self.saving.is_empty() {
            return;
        }
        let save = self.save();
        self.saving.spawn(save);
    }

    /// After the last commit, so that the next start has little to read.
    pub(super) async fn save_at_the_end(&mut self) {
        while self.saving.join_next().await.is_some() {}
        if self.changes_since_snapshot > 0 {
            self.save().await;
        }
    }

    fn save(&mut self) -> impl Future<Output = ()> + Send + 'static {
        self.changes_since_snapshot = 0;
        let market = &self.state.market;
        let (id, version, snapshot) = (market.id().clone(), market.version(), market.snapshot());
        let journal = Arc::clone(&self.context.journal);
        async move {
            if let Err(error) = journal.save_snapshot(id.clone(), version, snapshot).await {
                tracing::warn!(market = %id, %version, %error, "a snapshot was not kept");
            }
        }
    }
}
