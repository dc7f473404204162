//! The filter of a search.

use kerb_ports::DriverFilter;
use kerb_types::{Capabilities, IndexedStatus, Timestamp, VehicleClass};

#[test]
fn a_filter_requires_one_status_one_class_all_capabilities_and_freshness() {
    let filter = DriverFilter {
        statuses: kerb_ports::search::status_mask(&[IndexedStatus::Available, IndexedStatus::OnBreak]),
        vehicle_classes: 0b110,
        capabilities: Capabilities(0b011),
        time_min_ms: Timestamp::from_millis(100),
    };
    let accepts = |status, class, capabilities, time_ms| {
        filter.accepts(status, VehicleClass(class), Capabilities(capabilities), time_ms)
    };
    assert!(accepts(IndexedStatus::OnBreak, 2, 0b111, Timestamp::from_millis(100)));
    assert!(!accepts(IndexedStatus::OnTrip, 2, 0b111, Timestamp::from_millis(100)));
    assert!(!accepts(IndexedStatus::OnBreak, 0, 0b111, Timestamp::from_millis(100)));
    assert!(!accepts(IndexedStatus::OnBreak, 2, 0b101, Timestamp::from_millis(100)));
    assert!(!accepts(IndexedStatus::OnBreak, 2, 0b111, Timestamp::from_millis(99)));
    assert!(DriverFilter::ANY.accepts(
        IndexedStatus::OnTrip,
        VehicleClass(63),
        Capabilities(0),
        Timestamp::from_millis(i64::MIN)
    ));
}
