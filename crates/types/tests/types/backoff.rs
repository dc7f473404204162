//! Waits grow to their limit, and jitter stays within its bounds.

use std::time::Duration;

use kerb_types::{Backoff, Jitter};

const FIRST: Duration = Duration::from_millis(20);
const MAX: Duration = Duration::from_secs(2);

#[test]
fn waits_double_to_the_limit_and_start_over_after_a_success() {
    let mut backoff = Backoff::new(FIRST, MAX, Jitter::None);
    for failures in 0..40 {
        assert_eq!(backoff.failures(), failures);
        let whole = FIRST.saturating_mul(1 << failures.min(16)).min(MAX);
        assert_eq!(backoff.next_wait(0.5), whole);
    }
    backoff.reset();
    assert_eq!(backoff.next_wait(0.5), FIRST);
}

#[test]
fn jitter_stays_within_its_bounds() {
    for share in 0..=10 {
        let random = f64::from(share) / 10.0;
        let shortened = Backoff::new(FIRST, MAX, Jitter::ShortenByHalf).next_wait(random);
        assert!(shortened >= FIRST / 2 && shortened <= FIRST, "{shortened:?}");
        let lengthened = Backoff::new(FIRST, MAX, Jitter::LengthenToDouble).next_wait(random);
        assert!(lengthened >= FIRST && lengthened <= FIRST * 2, "{lengthened:?}");
    }
}
