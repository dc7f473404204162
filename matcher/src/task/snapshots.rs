//! When a market's task saves snapshots.

use std::sync::Arc;

use super::MarketTask;

impl MarketTask {
    /// Starts to save a snapshot in the background, if there are enough changes and no other save runs.
    pub(super) fn save_snapshot_if_due(&mut self) {
        while self.saving.try_join_next().is_some() {}
        if self.changes_since_snapshot < self.context.snapshot_every || !self.saving.is_empty() {
            return;
        }
        let save = self.save_snapshot();
        self.saving.spawn(save);
    }

    /// Saves a snapshot after the last commit, so that the next start reads few records.
    pub(super) async fn save_final_snapshot(&mut self) {
        while self.saving.join_next().await.is_some() {}
        if self.changes_since_snapshot > 0 {
            self.save_snapshot().await;
        }
    }

    fn save_snapshot(&mut self) -> impl Future<Output = ()> + Send + 'static {
        self.changes_since_snapshot = 0;
        let market = &self.state.market;
        let (id, version, snapshot) = (market.id().clone(), market.version(), market.snapshot());
        let journal = Arc::clone(&self.context.journal);
        async move {
            if let Err(error) = journal.save_snapshot(id.clone(), version, snapshot).await {
                tracing::warn!(market = %id, %version, %error, "a snapshot was not saved");
            }
        }
    }
}
