//! The stop signal of all markets of a matcher that another matcher has replaced.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

/// Stops all markets of a matcher as soon as another matcher has taken one of them over. Clones share the state.
#[derive(Clone, Default)]
pub(crate) struct FencingToken {
    reason: Arc<OnceLock<String>>,
    token: CancellationToken,
}

impl FencingToken {
    /// Stops all markets. The first reason stays.
    pub(crate) fn cancel(&self, reason: String) {
        // The reason comes first, so that a task that sees the cancellation also finds the reason.
        self.reason.get_or_init(|| reason);
        self.token.cancel();
    }

    /// Resolves when the markets must stop.
    pub(crate) async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// Returns the reason; `None` while the markets run.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }
}
