//! Silent drivers leave the index, and later the table.

use kerb_location_ingest::{DriverTable, EXPIRY_TICK_MS, Expiry, Metrics, RateLimit};
use kerb_ports::Slot;
use kerb_types::{Millis, Timestamp};

use crate::fixture::{NOW_MS, place, profile, report, sharding};

const POSITION_TTL_MS: Millis = Millis::new(60_000);
const RETENTION_MS: Millis = Millis::new(600_000);

#[test]
fn silence_deindexes_and_then_retires() {
    let table = DriverTable::new(sharding(), 16);
    let metrics = Metrics::default();
    let mut expiry = Expiry::new(NOW_MS, POSITION_TTL_MS, RETENTION_MS);
    let driver = table.register(&profile(0), |_| ()).unwrap();
    let connected = table.register(&profile(1), |_| ()).unwrap();
    let is_connected = |slot| slot == connected.slot;
    let mut last_ms = NOW_MS;
    let (mut deindexed_at, mut retired_at) = (Timestamp::MIN, Timestamp::MIN);
    for now in (0..1_500_000).step_by(500).map(|ms| NOW_MS + Millis::new(ms)) {
        // The driver reports for two minutes and then falls silent.
        if now < NOW_MS + Millis::new(120_000) && now.as_millis() % 3_000 == 0 {
            table.apply(&driver, &report(place(1), 0, now), now, RateLimit::NONE).unwrap();
            last_ms = now;
        }
        let retired = expiry.expire_due(now, &table, is_connected, &metrics);
        if !retired.is_empty() {
            assert_eq!(retired, [driver.slot]);
            retired_at = now;
        }
        if deindexed_at == Timestamp::MIN && now > NOW_MS && table.searchable() == 0 {
            deindexed_at = now;
        }
    }
    // An expiry is noticed at most two ticks late.
    let slack = EXPIRY_TICK_MS + EXPIRY_TICK_MS;
    let soon_after = |time: Timestamp, deadline: Timestamp, slack: Millis| {
        assert!((deadline..=deadline + slack).contains(&time), "{time} for {deadline}");
    };
    soon_after(deindexed_at, last_ms + POSITION_TTL_MS, slack);
    // A deadline beyond the position TTL is checked once in each TTL.
    soon_after(retired_at, last_ms + RETENTION_MS, POSITION_TTL_MS + slack);
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
    let late = NOW_MS + POSITION_TTL_MS + EXPIRY_TICK_MS + EXPIRY_TICK_MS;
    assert_eq!(expiry.expire_due(late, &table, |_| false, &metrics), [Slot::new(0)]);
    assert!(table.is_empty());
}
