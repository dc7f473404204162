//! The deadlines of clients, in ticks of the server's sweep.

use std::time::Duration;

use super::ticks::Ticks;
use crate::server::options::{ServerOptions, ms};

/// The sweep runs so many times within the shortest deadline.
const SWEEPS_PER_DEADLINE: u32 = 4;
/// Longest and shortest interval of the sweep.
const INTERVAL_MAX: Duration = Duration::from_secs(1);
const INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Each deadline is a number of whole ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    pub(super) handshake: u32,
    pub(super) first_call: u32,
    pub(super) first_message: u32,
    pub(super) message: u32,
    pub(super) call_idle: u32,
    pub(super) stall: u32,
    pub(super) idle: u32,
}

impl Deadlines {
    /// Returns the deadlines and the clock that they count with.
    pub(super) fn new(options: &ServerOptions) -> (Self, Ticks) {
        let shortest = options.timeouts_ms().into_iter().map(|(_, timeout_ms)| timeout_ms).min();
        let interval = ms(shortest.unwrap_or(u32::MAX)) / SWEEPS_PER_DEADLINE;
        let ticks = Ticks::new(interval.clamp(INTERVAL_MIN, INTERVAL_MAX));
        let count = |timeout_ms| ticks.count_of(ms(timeout_ms));
        let deadlines = Self {
            handshake: count(options.handshake_timeout_ms),
            first_call: count(options.first_call_timeout_ms),
            first_message: count(options.first_message_timeout_ms),
            message: count(options.message_timeout_ms),
            call_idle: count(options.call_idle_timeout_ms),
            stall: count(options.stall_timeout_ms),
            idle: count(options.idle_timeout_ms),
        };
        (deadlines, ticks)
    }
}
