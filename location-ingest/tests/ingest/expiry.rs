//! Silent drivers leave the index, and later the table.

use kerb_location_ingest::{DriverTable, EXPIRY_TICK_MS, Expiry, Metrics, RateLimit};

use crate::fixture::{NOW_MS, place, profile, report, sharding};

const POSITION_TTL_MS: i64 = 60_000;
const RETENTION_MS: i64 = 600_000;

#[test]
fn silence_deindexes_and_then_retires() {
    let table = DriverTable::new(sharding(), 16);
    let metrics = Metrics::default();
    let mut expiry = Expiry::new(NOW_MS, POSITION_TTL_MS, RETENTION_MS);
    let driver = table.register(&profile(0), |_| ()).unwrap();
    let connected = table.register(&profile(1), |_| ()).unwrap();
    let is_connected = |slot| slot == connected.slot;
    let mut last_ms = NOW_MS;
    let (mut deindexed_ms, mut retired_ms) = (0, 0);
    for now_ms in (NOW_MS..NOW_MS + 1_500_000).step_by(500) {
        // The driver reports for two minutes and then falls silent.
        if now_ms < NOW_MS + 120_000 && now_ms % 3_000 == 0 {
            table.apply(&driver, &report(place(1), 0, now_ms), now_ms, RateLimit::NONE).unwrap();
            last_ms = now_ms;
        }
        let retired = expiry.expire_due(now_ms, &table, is_connected, &metrics);
        if !retired.is_empty() {
            assert_eq!(retired, [driver.slot]);
            retired_ms = now_ms;
        }
        if deindexed_ms == 0 && now_ms > NOW_MS && table.searchable() == 0 {
            deindexed_ms = now_ms;
        }
    }
    let soon_after = |time_ms: i64, deadline_ms: i64, slack_ms: i64| {
        assert!((deadline_ms..=deadline_ms + slack_ms).contains(&time_ms), "{time_ms} for {deadline_ms}");
    };
    soon_after(deindexed_ms, last_ms + POSITION_TTL_MS, 2 * EXPIRY_TICK_MS);
    // A deadline beyond the position TTL is checked once in each TTL.
    soon_after(retired_ms, last_ms + RETENTION_MS, POSITION_TTL_MS + 2 * EXPIRY_TICK_MS);
    assert_eq!((metrics.expired.get(), metrics.retired.get()), (1, 1));
    assert!(table.slot(&driver.id).is_none());
    assert!(table.slot(&connected.id).is_some(), "a connected driver stays in the table");
}

#[test]
fn a_driver_that_never_reports_is_retired_once_it_disconnects() {
    let table = DriverTable::new(sharding(), 16);
    let mut expiry = Expiry::new(NOW_MS, POSITION_TTL_MS, RETENTION_MS);
    table.register(&profile(0), |_| ()).unwrap();
    let metrics = Metrics::default();
    assert!(expiry.expire_due(NOW_MS, &table, |_| false, &metrics).is_empty());
    assert_eq!(
        expiry.expire_due(NOW_MS + POSITION_TTL_MS + 2 * EXPIRY_TICK_MS, &table, |_| false, &metrics),
        [0]
    );
    assert!(table.is_empty());
}
