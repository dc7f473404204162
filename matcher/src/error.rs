//! Why a matcher does not start.

use kerb_fleet::{Error, FieldError, MarketId};

/// Why a matcher does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Options(#[from] FieldError),
    /// A market cannot be read from its journal.
    #[error("market {market} cannot be read from its journal: {error}")]
    Journal {
        /// Which.
        market: MarketId,
        /// Why.
        error: Error,
    },
}
