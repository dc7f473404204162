//! Validation of registrations and positions, as far as it depends on this node's catalog and clock. The conversions of
//! the wire messages check the values themselves.

use kerb_proto::convert::Report;
use kerb_proto::v1;
use kerb_types::limits::TIME_AHEAD_MAX_MS;
use kerb_types::{Catalog, DriverId, DriverProfile, FieldError, Millis, Timestamp};

use crate::table::entry::DriverState;

/// The measurement times that a position may have now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeWindow {
    /// The present on the server's clock.
    pub(crate) now: Timestamp,
    /// A position older than this is rejected, because it would not be in the index.
    pub(crate) position_ttl_ms: Millis,
}

impl TimeWindow {
    /// Checks the time of a position. A time of 0 stands for the time of receipt; the table replaces it.
    #[inline]
    pub(crate) fn check(self, report: &Report) -> Result<(), FieldError> {
        let time_ms = report.update_version.time;
        if time_ms == Timestamp::default() {
            return Ok(());
        }
        if time_ms > self.now + TIME_AHEAD_MAX_MS || time_ms < self.now - self.position_ttl_ms {
            return Err(self.rejection(time_ms));
        }
        Ok(())
    }

    #[cold]
    fn rejection(self, time_ms: Timestamp) -> FieldError {
        let Self { now, position_ttl_ms } = self;
        let description = if time_ms > now {
            let ahead_ms = time_ms - now;
            format!(
                "{time_ms} is {ahead_ms} ms ahead of the server's clock ({now}), must be at most \
                 {TIME_AHEAD_MAX_MS} ms ahead"
            )
        } else {
            let age_ms = now - time_ms;
            format!(
                "{time_ms} is {age_ms} ms before the server's clock ({now}), must be at most \
                 {position_ttl_ms} ms before, or 0 for now"
            )
        };
        FieldError::new("time_ms", description)
    }
}

/// Validates a position of a driver app. The error names every invalid field.
pub(crate) fn position(wire: &v1::PositionUpdate, window: TimeWindow) -> Result<Report, Vec<FieldError>> {
    let report = Report::try_from(wire).and_then(|report| match window.check(&report) {
        Ok(()) => Ok(report),
        Err(error) => Err(vec![error]),
    });
    report.map_err(|errors| errors.into_iter().map(|error| error.within("position")).collect())
}

/// Validates a driver's profile. The error names every invalid field.
pub(crate) fn profile(
    catalog: &Catalog,
    driver_id: &str,
    vehicle_class: &str,
    capabilities: &[String],
) -> Result<DriverProfile, Vec<FieldError>> {
    let id = DriverId::new(driver_id);
    let class = catalog.vehicle_class(vehicle_class);
    let set = catalog.capabilities(capabilities);
    match (id, class, set) {
        (Ok(id), Ok(vehicle_class), Ok(capabilities)) => {
            Ok(DriverProfile { id, vehicle_class, capabilities })
        }
        (id, class, set) => Err([id.err(), class.err(), set.err()].into_iter().flatten().collect()),
    }
}

/// Returns the error of a sequence above `sequence_max`. `base` is added to the sequences of the stream.
pub(crate) fn sequence_ahead(
    sequence: u64,
    sequence_max: u64,
    last: Option<&DriverState>,
    base: u64,
) -> FieldError {
    let max = sequence_max.saturating_sub(base);
    let text = match last {
        Some(last) => {
            let last = last.update_version.sequence.saturating_sub(base);
            format!("{sequence}, must be at most {max}: the last one is {last}")
        }
        None => format!("{sequence}, must be at most {max} in the first update of a driver"),
    };
    FieldError::new("sequence", text)
}

/// Converts errors to their wire messages.
pub(crate) fn to_wire(errors: Vec<FieldError>) -> Vec<v1::FieldError> {
    let one =
        |error: FieldError| v1::FieldError { field: error.field.into(), description: error.description };
    errors.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: TimeWindow =
        TimeWindow { now: Timestamp::from_millis(1_000_000), position_ttl_ms: Millis::new(60_000) };

    fn at(time_ms: i64) -> Result<i64, Vec<FieldError>> {
        let wire = v1::PositionUpdate { time_ms, latitude_deg: 1.0, ..Default::default() };
        position(&wire, WINDOW).map(|report| report.update_version.time.as_millis())
    }

    #[test]
    fn times_within_the_window_are_accepted() {
        assert_eq!(at(0), Ok(0), "the table replaces it");
        assert_eq!(at(1_010_000), Ok(1_010_000));
        assert_eq!(at(940_000), Ok(940_000));
    }

    #[test]
    fn other_times_are_rejected_with_both_clocks() {
        for (time_ms, right) in [
            (1_010_001, "10000 ms ahead"),
            (i64::MAX, "ahead"),
            (939_999, "60000 ms before"),
            (i64::MIN, "0 for now"),
        ] {
            let errors = at(time_ms).unwrap_err();
            assert_eq!(errors[0].field, "position.time_ms");
            let text = &errors[0].description;
            assert!(
                text.contains(right) && text.contains("1000000") && text.contains(&time_ms.to_string()),
                "{text}"
            );
        }
    }

    #[test]
    fn every_invalid_field_is_named() {
        let wire = v1::PositionUpdate {
            latitude_deg: f64::NAN,
            heading_deg: Some(400.0),
            speed_mps: Some(-1.0),
            accuracy_m: Some(f32::INFINITY),
            status: 9,
            ..Default::default()
        };
        let fields: Vec<_> = position(&wire, WINDOW).unwrap_err().into_iter().map(|e| e.field).collect();
        let wanted = ["latitude_deg", "heading_deg", "speed_mps", "accuracy_m", "status"];
        assert_eq!(fields, wanted.map(|field| format!("position.{field}")));
        let errors = profile(&Catalog::default(), "", "rocket", &["wings".to_owned()]).unwrap_err();
        assert_eq!(
            errors.iter().map(|e| &*e.field).collect::<Vec<_>>(),
            ["driver_id", "vehicle_class", "capabilities"]
        );
    }
}
