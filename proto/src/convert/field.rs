//! Conversions of single values: from a number on the wire to the fleet's type, or to an error of its field.

use std::borrow::Cow;
use std::fmt::Display;

use kerb_geometry::LatLng;
use kerb_types::limits::{SHARDS_MAX, SPEED_MAX_MPS, VEHICLE_CLASSES_MAX};
use kerb_types::{
    Capabilities, DriverId, DriverStatus, FieldError, IndexedStatus, Motion, ShardId, VehicleClass,
};

/// Maximum heading in hundredths of a degree.
pub(super) const HEADING_MAX_CDEG: u16 = 35_999;
/// Maximum speed in centimeters per second.
// `From` is not const. The cast is exact: the limit is a whole number below 656.
pub(super) const SPEED_MAX_CMPS: u16 = SPEED_MAX_MPS as u16 * 100;

/// Returns the error of an invalid `value`. `expected` describes the valid values.
#[cold]
pub(super) fn invalid(
    field: impl Into<Cow<'static, str>>,
    value: impl Display,
    expected: impl Display,
) -> FieldError {
    FieldError::new(field, format!("{value}, must be {expected}"))
}

/// Returns the path of an element of a list.
#[cold]
pub(super) fn at(field: &'static str, index: usize) -> Cow<'static, str> {
    format!("{field}[{index}]").into()
}

/// Returns a required message, or the error of its absence.
pub(super) fn required<T>(field: &'static str, value: Option<T>) -> Result<T, FieldError> {
    value.ok_or_else(|| FieldError::new(field, "absent, must be given"))
}

/// Checks that a list has at most `max` elements.
pub(super) fn at_most(field: &'static str, count: usize, max: usize) -> Result<(), FieldError> {
    if count > max {
        Err(invalid(field, format_args!("{count} elements"), format_args!("at most {max}")))
    } else {
        Ok(())
    }
}

/// Converts each element of a list.
pub(super) fn each<W, T>(field: &'static str, wire: Vec<W>) -> Result<Vec<T>, FieldError>
where
    T: TryFrom<W, Error = FieldError>,
{
    let one = |(i, wire): (usize, W)| T::try_from(wire).map_err(|error| error.within(at(field, i)));
    wire.into_iter().enumerate().map(one).collect()
}

/// Reverses `LatLng::to_bits`; `None` for bits that no position has.
pub(super) fn position(bits: u64) -> Option<LatLng> {
    // The casts split the word into its halves.
    let (lat_e7, lon_e7) = ((bits >> 32) as u32, bits as u32);
    LatLng::from_e7(lat_e7.cast_signed(), lon_e7.cast_signed()).ok()
}

/// Converts a position outside of a list.
pub(super) fn one_position(field: &'static str, bits: u64) -> Result<LatLng, FieldError> {
    position(bits).ok_or_else(|| invalid_position(field, bits))
}

#[cold]
pub(super) fn invalid_position(field: impl Into<Cow<'static, str>>, bits: u64) -> FieldError {
    invalid(
        field,
        format_args!("{bits:#018x}"),
        "latitude and longitude in 1e-7 degrees, 32 bits each, within range",
    )
}

/// Converts a shard's number; `None` above the limit of all clusters. The caller checks the cluster's own number of shards.
pub(super) fn shard(number: u32) -> Option<ShardId> {
    (number < u32::from(SHARDS_MAX)).then_some(ShardId(number as u16))
}

#[cold]
pub(super) fn invalid_shard(field: impl Into<Cow<'static, str>>, number: u32) -> FieldError {
    invalid(field, number, format_args!("below {SHARDS_MAX}"))
}

/// Converts a list of shards.
pub(super) fn shards(field: &'static str, numbers: &[u32]) -> Result<Vec<ShardId>, FieldError> {
    at_most(field, numbers.len(), usize::from(SHARDS_MAX))?;
    let each =
        |(i, number): (usize, &u32)| shard(*number).ok_or_else(|| invalid_shard(at(field, i), *number));
    numbers.iter().enumerate().map(each).collect()
}

/// Returns the numbers of a list of shards.
pub(super) fn shard_numbers(shards: &[ShardId]) -> Vec<u32> {
    shards.iter().map(|shard| u32::from(shard.0)).collect()
}

/// Validates a driver's id.
pub(super) fn driver_id(field: &'static str, id: &str) -> Result<DriverId, FieldError> {
    DriverId::new(id).map_err(|error| FieldError::new(field, error.description))
}

/// Converts a class number below the limit of all catalogs.
pub(super) fn vehicle_class(number: u32) -> Result<VehicleClass, FieldError> {
    if number as usize >= VEHICLE_CLASSES_MAX {
        return Err(invalid("vehicle_class", number, format_args!("below {VEHICLE_CLASSES_MAX}")));
    }
    // The check above bounds the number by 64.
    Ok(VehicleClass(number as u8))
}

/// Converts a set of capabilities within the limit of all catalogs.
pub(super) fn capabilities(bits: u32) -> Result<Capabilities, FieldError> {
    let error = |_| invalid("capabilities", format_args!("{bits:#x}"), "a mask of 16 bits");
    u16::try_from(bits).map(Capabilities).map_err(error)
}

/// Returns the status in the index with this number.
#[inline]
pub(super) fn indexed_status(number: u32) -> Option<IndexedStatus> {
    u8::try_from(number).ok().and_then(IndexedStatus::from_number)
}

/// Converts a status in the index outside of a list.
pub(super) fn one_indexed_status(number: u32) -> Result<IndexedStatus, FieldError> {
    indexed_status(number).ok_or_else(|| invalid("status", number, "1, 2, 3, 5 or 6"))
}

/// Converts a driver's own status outside of a list.
pub(super) fn one_status(number: u32) -> Result<DriverStatus, FieldError> {
    let status = u8::try_from(number).ok().and_then(DriverStatus::from_number);
    status.ok_or_else(|| invalid("status", number, "1 to 4"))
}

/// Converts a measured value of at most `max`, or [`Motion::NOT_KNOWN`].
#[inline]
pub(super) fn measure(value: u32, max: u16) -> Option<u16> {
    (value <= u32::from(max) || value == u32::from(Motion::NOT_KNOWN)).then_some(value as u16)
}

#[cold]
pub(super) fn invalid_measure(field: impl Into<Cow<'static, str>>, value: u32, max: u16) -> FieldError {
    invalid(field, value, format_args!("0 to {max}, or {} if not known", Motion::NOT_KNOWN))
}

/// Converts a motion outside of a list.
pub(super) fn motion(heading_cdeg: u32, speed_cmps: u32) -> Result<Motion, FieldError> {
    let one = |field, value, max| measure(value, max).ok_or_else(|| invalid_measure(field, value, max));
    Ok(Motion {
        heading_cdeg: one("heading_cdeg", heading_cdeg, HEADING_MAX_CDEG)?,
        speed_cmps: one("speed_cmps", speed_cmps, SPEED_MAX_CMPS)?,
    })
}

/// Returns the description of a geometry error without its field name.
pub(super) fn reason(error: &impl Display) -> String {
    let text = error.to_string();
    text.split_once(": ").map_or(text.clone(), |(_, reason)| reason.to_owned())
}

/// Converts a number of persons. The matcher checks its own limit.
pub(super) fn party_size(number: u32) -> Result<u8, FieldError> {
    u8::try_from(number).ok().ok_or_else(|| invalid("party_size", number, "at most 255"))
}

/// Validates a count of 1 to `max`.
pub(super) fn count(field: &'static str, value: u32, max: u32) -> Result<u32, FieldError> {
    if (1..=max).contains(&value) {
        Ok(value)
    } else {
        Err(invalid(field, value, format_args!("1 to {max}")))
    }
}
