//! The budget of hedges: extra queries to a replica because another server is slow.

use std::sync::atomic::{AtomicI64, Ordering};

/// The cost of one hedge. A first query earns the configured share of it.
const COST: i64 = 1_000;

/// Credit for hedges, a token bucket filled by queries instead of time: every first query earns a share, every hedge
/// spends a whole. So hedges are at most that share of the first queries, plus a burst after a quiet time. Without the
/// budget, servers that are all slow under overload would get twice the load.
///
/// Hedged requests follow Dean and Barroso, "The Tail at Scale" (CACM 56, 2013).
#[derive(Debug)]
pub struct HedgeBudget {
    credit: AtomicI64,
    permille: i64,
    credit_max: i64,
}

impl HedgeBudget {
    /// A budget that starts with a full burst.
    pub fn new(permille: u32, burst: u32) -> Self {
        let credit_max = i64::from(burst) * COST;
        Self { credit: AtomicI64::new(credit_max), permille: i64::from(permille), credit_max }
    }

    /// Adds the credit of `queries` first queries.
    pub fn earn(&self, queries: usize) {
        let earned = self.permille * queries as i64;
        let credit = self.credit.load(Ordering::Relaxed);
        // Not one atomic step: an update lost between threads changes the credit by a share of one hedge, which is
        // harmless, and the common path stays without a compare-and-swap loop.
        self.credit.store((credit + earned).min(self.credit_max), Ordering::Relaxed);
    }

    /// Spends the cost of `hedges` hedges, or nothing. Returns whether the credit sufficed.
    pub fn spend(&self, hedges: usize) -> bool {
        let cost = COST * hedges as i64;
        let rest = |credit: i64| (credit >= cost).then_some(credit - cost);
        self.credit.fetch_update(Ordering::Relaxed, Ordering::Relaxed, rest).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hedges_are_a_burst_and_then_the_share() {
        let budget = HedgeBudget::new(100, 3);
        let mut hedges = 0;
        for _ in 0..1_000 {
            budget.earn(1);
            hedges += usize::from(budget.spend(1));
        }
        assert!((100..=103).contains(&hedges), "{hedges}");
        assert!(!HedgeBudget::new(0, 0).spend(1));
    }
}
