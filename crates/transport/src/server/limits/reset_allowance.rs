//! How many calls a connection may give up. The work of a call begins before its client can give it up, so a client that
//! does nothing else costs the server more than itself.

use super::ticks::Ticks;

/// Calls that a connection may give up now.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResetAllowance {
    left: u32,
    burst: u32,
    per_tick: u32,
    /// The tick in which the allowance was raised last.
    raised: u32,
}

impl ResetAllowance {
    /// Makes an allowance of `per_s` calls per second. `burst`: calls that may be given up at once, as all open calls of a
    /// connection are after a freeze of the server.
    pub(super) fn new(burst: u32, per_s: u32, ticks: &Ticks) -> Self {
        let per_tick = f64::from(per_s) * ticks.interval().as_secs_f64();
        // At least one: an allowance that never grows would end every connection in time.
        Self { left: burst, burst, per_tick: (per_tick.ceil() as u32).max(1), raised: ticks.now() }
    }

    /// Takes one. False when none is left.
    pub(super) fn take(&mut self, now: u32) -> bool {
        let raise = now.saturating_sub(self.raised).saturating_mul(self.per_tick);
        self.raised = now;
        self.left = self.left.saturating_add(raise).min(self.burst);
        let has_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has_left
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_then_a_rate() {
        let ticks = Ticks::new(Duration::from_millis(100));
        let mut allowance = ResetAllowance::new(50, 20, &ticks);
        assert_eq!((0..60).filter(|_| allowance.take(1)).count(), 50);
        assert_eq!((0..60).filter(|_| allowance.take(2)).count(), 2);
        assert_eq!((0..60).filter(|_| allowance.take(1_000)).count(), 50);
    }
}
