//! Why a matcher does not start.

use kerb_ports::Error;
use kerb_trips::MarketId;
use kerb_types::FieldError;

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
    /// Another matcher takes the same markets over, again and again.
    #[error(
        "market {market} cannot be taken over after {tries} tries: {why}; let one matcher at a time start"
    )]
    Contested {
        /// Which.
        market: MarketId,
        /// How often it was tried.
        tries: u32,
        /// What was seen last.
        why: String,
    },
}
