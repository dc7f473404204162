//! The batches of gateways. The lengths of all columns are validated first, then each row by itself, so that an invalid row
//! leaves the others valid. This is a hot path: a valid row needs no allocation.

use kerb_geometry::LatLng;
use kerb_types::limits::BATCH_ROWS_MAX;
use kerb_types::{FieldError, Millis, Motion, Timestamp, UpdateVersion};

use super::Report;
use super::field::{HEADING_MAX_CDEG, SPEED_MAX_CMPS, at_most, invalid, invalid_measure, measure, reason};
use super::report::reported_status;
use crate::v1;

/// Maximum accuracy radius in decimeters. The next number means that the accuracy is not known.
const ACCURACY_MAX_DM: u16 = Motion::NOT_KNOWN - 1;

/// A gateway's columns with consistent lengths.
///
/// ```
/// use kerb_proto::{convert::Columns, v1::PositionColumns};
/// let (handle, latitude_e7) = (vec![7, 8], vec![525_200_000, 2_000_000_000]);
/// let wire = PositionColumns { handle, latitude_e7, longitude_e7: vec![0, 0], ..Default::default() };
/// let columns = Columns::try_from(wire).unwrap();
/// assert!(columns.row(0).is_ok());
/// assert_eq!(columns.row(1).unwrap_err().field, "latitude_e7");
/// ```
#[derive(Clone, Debug)]
pub struct Columns(v1::PositionColumns);

impl TryFrom<v1::PositionColumns> for Columns {
    type Error = FieldError;

    fn try_from(wire: v1::PositionColumns) -> Result<Self, FieldError> {
        let rows = wire.handle.len();
        at_most("handle", rows, BATCH_ROWS_MAX)?;
        for (field, length) in
            [("latitude_e7", wire.latitude_e7.len()), ("longitude_e7", wire.longitude_e7.len())]
        {
            if length != rows {
                return Err(invalid_length(field, length, format_args!("{rows}, as many as in handle")));
            }
        }
        let optional = [
            ("sequence", wire.sequence.len()),
            ("time_offset_ms", wire.time_offset_ms.len()),
            ("heading_cdeg", wire.heading_cdeg.len()),
            ("speed_cmps", wire.speed_cmps.len()),
            ("accuracy_dm", wire.accuracy_dm.len()),
            ("status", wire.status.len()),
        ];
        match optional.into_iter().find(|(_, length)| *length != 0 && *length != rows) {
            Some((field, length)) => {
                Err(invalid_length(field, length, format_args!("{rows}, as many as in handle, or none")))
            }
            None => Ok(Self(wire)),
        }
    }
}

#[cold]
fn invalid_length(field: &'static str, length: usize, expected: std::fmt::Arguments<'_>) -> FieldError {
    invalid(field, format_args!("{length} elements"), expected)
}

impl Columns {
    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.0.handle.len()
    }

    /// Whether the batch has no rows.
    pub fn is_empty(&self) -> bool {
        self.0.handle.is_empty()
    }

    /// Returns the handle and the report of every row, or the row's error.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (u32, Result<Report, FieldError>)> {
        self.0.handle.iter().enumerate().map(|(i, handle)| (*handle, self.row(i)))
    }

    /// Converts row `i`, which must be below [`Columns::len`].
    pub fn row(&self, i: usize) -> Result<Report, FieldError> {
        let wire = &self.0;
        let (lat_e7, lon_e7) = (wire.latitude_e7[i], wire.longitude_e7[i]);
        let value = |field, column: &[u32], max| match column.get(i) {
            None => Ok(Motion::NOT_KNOWN),
            Some(value) => measure(*value, max).ok_or_else(|| invalid_measure(field, *value, max)),
        };
        Ok(Report {
            position: LatLng::from_e7(lat_e7, lon_e7).map_err(|error| invalid_point(&error))?,
            update_version: UpdateVersion {
                sequence: wire.sequence.get(i).copied().unwrap_or(0),
                time: self.time(i),
            },
            motion: Motion {
                heading_cdeg: value("heading_cdeg", &wire.heading_cdeg, HEADING_MAX_CDEG)?,
                speed_cmps: value("speed_cmps", &wire.speed_cmps, SPEED_MAX_CMPS)?,
            },
            accuracy_dm: value("accuracy_dm", &wire.accuracy_dm, ACCURACY_MAX_DM)?,
            status: reported_status(wire.status.get(i).copied().unwrap_or(0))?,
        })
    }

    /// Returns the time of row `i`. An overflow saturates, and ingest rejects such a time as too far from its clock.
    fn time(&self, i: usize) -> Timestamp {
        let offset_ms = self.0.time_offset_ms.get(i).copied().unwrap_or(0);
        Timestamp::from_millis(self.0.base_time_ms) + Millis::new(i64::from(offset_ms))
    }
}

#[cold]
fn invalid_point(error: &kerb_geometry::CoordinateError) -> FieldError {
    let field = match error {
        kerb_geometry::CoordinateError::Latitude(_) => "latitude_e7",
        kerb_geometry::CoordinateError::Longitude(_) => "longitude_e7",
    };
    FieldError::new(field, reason(error))
}
