//! Silent drivers leave the index, and later the table.

use kerb_location_ingest::{Counters, DriverTable, EXPIRY_TICK_MS, Expiry, RateLimit};

use crate::fixture::{NOW_MS, place, profile, report, sharding};

const GONE_MS: i64 = 60_000;
const RETENTION_MS: i64 = 600_000;

#[test]
fn silence_unlists_and_then_forgets() {
    let table = DriverTable::new(sharding(), 16);
    let counters = Counters::default();
    let mut expiry = Expiry::new(NOW_MS, GONE_MS, RETENTION_MS);
    let driver = table.enrol(&profile(0), |_| ()).unwrap();
    let held = table.enrol(&profile(1), |_| ()).unwrap();
    let is_held = |slot| slot == held.slot;
    let mut last_ms = NOW_MS;
    let (mut unlisted_ms, mut retired_ms) = (0, 0);
    for now_ms in (NOW_MS..NOW_MS + 1_500_000).step_by(500) {
        // Reports for two minutes, then falls silent.
        if now_ms < NOW_MS + 120_000 && now_ms % 3_000 == 0 {
            table.apply(&driver, &report(place(1), 0, now_ms), now_ms, RateLimit::NONE).unwrap();
            last_ms = now_ms;
        }
        let retired = expiry.turn(now_ms, &table, is_held, &counters);
        if !retired.is_empty() {
            assert_eq!(retired, [driver.slot]);
            retired_ms = now_ms;
        }
        if unlisted_ms == 0 && now_ms > NOW_MS && table.searchable() == 0 {
            unlisted_ms = now_ms;
        }
    }
    let soon_after = |time_ms: i64, deadline_ms: i64, slack_ms: i64| {
        assert!((deadline_ms..=deadline_ms + slack_ms).contains(&time_ms), "{time_ms} for {deadline_ms}");
    };
    soon_after(unlisted_ms, last_ms + GONE_MS, 2 * EXPIRY_TICK_MS);
    // Looked at once a gone-time when nothing presses.
    soon_after(retired_ms, last_ms + RETENTION_MS, GONE_MS + 2 * EXPIRY_TICK_MS);
    assert_eq!((counters.gone.get(), counters.retired.get()), (1, 1));
    assert!(table.slot(&driver.id).is_none());
    assert!(table.slot(&held.id).is_some(), "who is held is not forgotten");
}

#[test]
fn a_driver_that_never_reports_is_forgotten_once_nobody_holds_it() {
    let table = DriverTable::new(sharding(), 16);
    let mut expiry = Expiry::new(NOW_MS, GONE_MS, RETENTION_MS);
    table.enrol(&profile(0), |_| ()).unwrap();
    let counters = Counters::default();
    assert!(expiry.turn(NOW_MS, &table, |_| false, &counters).is_empty());
    assert_eq!(expiry.turn(NOW_MS + GONE_MS + 2 * EXPIRY_TICK_MS, &table, |_| false, &counters), [0]);
    assert!(table.is_empty());
}
