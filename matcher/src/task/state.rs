//! The state of a market's task: the market, and figures of its last window.

use crate::market::Market;
use crate::window::WinnersByDriver;

/// A market, and what its task remembers next to it.
pub(super) struct MarketState {
    pub(super) market: Market,
    /// Number of windows that were matched since the start of this process.
    pub(super) windows: u64,
    pub(super) last: LastWindow,
}

/// The figures of the last window.
#[derive(Default)]
pub(super) struct LastWindow {
    pub(super) requests: u32,
    pub(super) pairs: u32,
    pub(super) offers: u32,
    pub(super) candidates_us: u32,
    pub(super) solve_us: u32,
    /// The trip that the window proposed for each driver.
    pub(super) winners: WinnersByDriver,
}
