//! The markets whose journal takes no records at present.

use std::collections::BTreeSet;
use std::sync::Arc;

use kerb_trips::MarketId;
use parking_lot::Mutex;
use tokio::sync::watch;

/// The suspended markets of a matcher. Clones share the state.
#[derive(Clone)]
pub(crate) struct SuspendedMarkets {
    suspended: Arc<Mutex<BTreeSet<MarketId>>>,
    markets: usize,
    decides: watch::Sender<bool>,
}

impl SuspendedMarkets {
    /// No market of this many is suspended.
    pub(crate) fn new(markets: usize) -> Self {
        Self { suspended: Arc::default(), markets, decides: watch::Sender::new(true) }
    }

    /// Returns whether at least one market makes decisions, now and after each change.
    pub(crate) fn decides(&self) -> watch::Receiver<bool> {
        self.decides.subscribe()
    }

    pub(super) fn add(&self, market: &MarketId) {
        self.change(|suspended| suspended.insert(market.clone()));
    }

    pub(super) fn remove(&self, market: &MarketId) {
        self.change(|suspended| suspended.remove(market));
    }

    fn change(&self, change: impl FnOnce(&mut BTreeSet<MarketId>) -> bool) {
        let mut suspended = self.suspended.lock();
        change(&mut suspended);
        let decides = suspended.len() < self.markets;
        // Under the lock, so that the last change is also the last one that is published.
        self.decides.send_if_modified(|old| std::mem::replace(old, decides) != decides);
    }
}
