//! A bounded amount that many holders share: connections, open calls or bytes.

use std::sync::atomic::{AtomicU64, Ordering};

/// A pool of which at most `max` is in use.
#[derive(Debug)]
pub(super) struct Pool {
    used: AtomicU64,
    max: u64,
}

impl Pool {
    pub(super) fn new(max: u64) -> Self {
        Self { used: AtomicU64::new(0), max }
    }

    /// Takes this amount, or nothing when it would exceed the maximum.
    pub(super) fn try_take(&self, amount: u64) -> bool {
        // Relaxed: the pool only counts; the data that it counts is published by other means.
        let used = self.used.fetch_add(amount, Ordering::Relaxed) + amount;
        let fits = used <= self.max;
        if !fits {
            self.give_back(amount);
        }
        fits
    }

    /// Gives back an amount that was taken before.
    pub(super) fn give_back(&self, amount: u64) {
        self.used.fetch_sub(amount, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

/// What the connections from one address hold together.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) calls: Pool,
    pub(super) bytes: Pool,
}

impl Peer {
    pub(super) fn new(calls_max: u64, bytes_max: u64) -> Self {
        Self { calls: Pool::new(calls_max), bytes: Pool::new(bytes_max) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_gives_no_more_than_its_maximum() {
        let pool = Pool::new(10);
        assert!(pool.try_take(6) && !pool.try_take(5) && pool.try_take(4));
        assert_eq!(pool.used(), 10);
        pool.give_back(10);
        assert!(pool.try_take(10));
    }
}
