//! How many second requests slowness may cost.

use std::sync::atomic::{AtomicI64, Ordering};

/// What one hedge costs; a first question brings in the configured share of it.
const COST: i64 = 1_000;

/// Credit for hedges: every first question adds a share, every hedge takes a whole. So hedges are at most that
/// share of the first questions, and a burst after a quiet time. Without it, servers that are all slow because they
/// have too much to do would be asked twice as much.
#[derive(Debug)]
pub struct HedgeBudget {
    credit: AtomicI64,
    permille: i64,
    credit_max: i64,
}

impl HedgeBudget {
    /// Starts with a full burst.
    pub fn new(permille: u32, burst: u32) -> Self {
        let credit_max = i64::from(burst) * COST;
        Self { credit: AtomicI64::new(credit_max), permille: i64::from(permille), credit_max }
    }

    /// So many first questions were asked.
    pub fn earn(&self, questions: usize) {
        let earned = self.permille * questions as i64;
        let credit = self.credit.load(Ordering::Relaxed);
        // Lost updates between threads lose or gain a share of one hedge: no harm.
        self.credit.store((credit + earned).min(self.credit_max), Ordering::Relaxed);
    }

    /// Takes the cost of so many hedges, or nothing.
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
