//! The public values of `kerb.v1`: points, shapes, statuses, filters and positions.

use kerb_geometry::{Circle, CoordinateError, LatLng};
use kerb_ports::search::status_mask;
use kerb_ports::{DriverFilter, Search};
use kerb_types::limits::{NEIGHBORS_MAX, RADIUS_MAX_M};
use kerb_types::{
    Catalog, DriverStatus, FieldError, IndexedStatus, Millis, Motion, Timestamp, TravelSource, UpdateVersion,
};

use super::field::{at, count, invalid, reason, required};
use crate::v1;

impl From<LatLng> for v1::LatLng {
    fn from(point: LatLng) -> Self {
        Self { latitude_deg: point.lat_deg(), longitude_deg: point.lon_deg() }
    }
}

impl TryFrom<v1::LatLng> for LatLng {
    type Error = FieldError;

    fn try_from(wire: v1::LatLng) -> Result<Self, FieldError> {
        degrees(wire.latitude_deg, wire.longitude_deg)
    }
}

/// Returns the public name of a travel time's source.
pub fn public_travel_source(source: TravelSource) -> v1::TravelSource {
    match source {
        TravelSource::Roads => v1::TravelSource::Roads,
        TravelSource::StraightLine => v1::TravelSource::StraightLine,
    }
}

/// Returns the number of `kerb.v1.TravelSource`; 0 if the source is not known.
pub(super) fn travel_source_number(source: Option<TravelSource>) -> i32 {
    source.map_or(v1::TravelSource::Unspecified, public_travel_source).into()
}

/// Returns the source with this number of `kerb.v1.TravelSource`; `None` for 0 and for numbers of newer versions.
pub(super) fn travel_source(number: i32) -> Option<TravelSource> {
    match v1::TravelSource::try_from(number) {
        Ok(v1::TravelSource::Roads) => Some(TravelSource::Roads),
        Ok(v1::TravelSource::StraightLine) => Some(TravelSource::StraightLine),
        Ok(v1::TravelSource::Mixed | v1::TravelSource::Unspecified) | Err(_) => None,
    }
}

/// Converts degrees to a point, or to an error of `latitude_deg` or `longitude_deg`.
pub(super) fn degrees(latitude_deg: f64, longitude_deg: f64) -> Result<LatLng, FieldError> {
    LatLng::new(latitude_deg, longitude_deg).map_err(|error| degrees_error(&error))
}

/// Returns the error of `latitude_deg` or `longitude_deg`.
pub(super) fn degrees_error(error: &CoordinateError) -> FieldError {
    let field = match error {
        CoordinateError::Latitude(_) => "latitude_deg",
        CoordinateError::Longitude(_) => "longitude_deg",
    };
    FieldError::new(field, reason(error))
}

/// Returns a circle whose radius is valid for a search.
pub(super) fn circle(center: LatLng, radius_m: f64) -> Result<Circle, FieldError> {
    let error = || invalid("radius_m", radius_m, format_args!("more than 0, at most {RADIUS_MAX_M}"));
    if radius_m > RADIUS_MAX_M {
        return Err(error());
    }
    Circle::new(center, radius_m).ok().ok_or_else(error)
}

fn circle_around(point: Option<v1::LatLng>, radius_m: f64) -> Result<Circle, FieldError> {
    let center = LatLng::try_from(required("point", point)?).map_err(|error| error.within("point"))?;
    circle(center, radius_m)
}

impl TryFrom<v1::NearestSearch> for Search {
    type Error = FieldError;

    fn try_from(wire: v1::NearestSearch) -> Result<Self, FieldError> {
        let circle = circle_around(wire.point, wire.radius_m)?;
        Ok(Self::Nearest { circle, k: count("k", wire.k, NEIGHBORS_MAX)? })
    }
}

impl TryFrom<v1::RadiusSearch> for Circle {
    type Error = FieldError;

    fn try_from(wire: v1::RadiusSearch) -> Result<Self, FieldError> {
        circle_around(wire.point, wire.radius_m)
    }
}

/// Returns the public name of a status.
pub fn public_status(status: DriverStatus) -> v1::DriverStatus {
    match status {
        DriverStatus::Available => v1::DriverStatus::Available,
        DriverStatus::OnBreak => v1::DriverStatus::OnBreak,
        DriverStatus::OnTrip => v1::DriverStatus::OnTrip,
        DriverStatus::Offline => v1::DriverStatus::Offline,
    }
}

/// Returns the public availability of a driver.
pub fn public_availability(status: IndexedStatus) -> v1::Availability {
    match status {
        IndexedStatus::Available => v1::Availability::Free,
        IndexedStatus::Reserved => v1::Availability::Reserved,
        IndexedStatus::Unreachable => v1::Availability::NotConnected,
        IndexedStatus::OnBreak | IndexedStatus::OnTrip => v1::Availability::Unspecified,
    }
}

/// Returns the mask of the statuses in the index that a caller's filter accepts; 0 for any.
fn statuses(wire: &v1::DriverFilter) -> Result<u8, FieldError> {
    let mut reported = Vec::with_capacity(wire.statuses.len());
    for (i, number) in wire.statuses.iter().enumerate() {
        let status = u8::try_from(*number).ok().and_then(DriverStatus::from_number);
        reported.push(status.ok_or_else(|| invalid(at("statuses", i), number, "1 to 4"))?);
    }
    let mut availabilities = Vec::with_capacity(wire.availabilities.len());
    for (i, number) in wire.availabilities.iter().enumerate() {
        let availability = v1::Availability::try_from(*number).ok();
        let availability = availability.filter(|value| *value != v1::Availability::Unspecified);
        availabilities.push(availability.ok_or_else(|| invalid(at("availabilities", i), number, "1 to 3"))?);
    }
    if reported.is_empty() && availabilities.is_empty() {
        return Ok(0);
    }
    if availabilities.is_empty() {
        // A caller that looks for available drivers does not want one whom a trip holds.
        availabilities = vec![v1::Availability::Free, v1::Availability::NotConnected];
    }
    let accepts = |status: &IndexedStatus| {
        let availability = public_availability(*status);
        (reported.is_empty() || reported.contains(&status.reported()))
            && (availability == v1::Availability::Unspecified || availabilities.contains(&availability))
    };
    let accepted: Vec<_> = IndexedStatus::ALL.into_iter().filter(accepts).collect();
    let mask = status_mask(&accepted);
    // A mask of 0 would accept any driver. No driver in the index is offline.
    Ok(if mask == 0 { 1 << DriverStatus::Offline as u8 } else { mask })
}

/// Converts a caller's filter at `now`. The caller passes the `Default` for an absent message.
///
/// An age of 0 means `stale_ms`. The largest valid age is `ttl_ms`.
pub fn driver_filter(
    wire: &v1::DriverFilter,
    catalog: &Catalog,
    (stale_ms, ttl_ms): (u32, u32),
    now: Timestamp,
) -> Result<DriverFilter, FieldError> {
    let mut filter = DriverFilter::ANY;
    filter.statuses = statuses(wire)?;
    for (i, name) in wire.vehicle_classes.iter().enumerate() {
        let class = catalog.vehicle_class(name);
        let class = class.map_err(|error| FieldError::new(at("vehicle_classes", i), error.description))?;
        filter.vehicle_classes |= 1 << class.0;
    }
    filter.capabilities = catalog.capabilities(&wire.capabilities)?;
    let age_ms = if wire.position_age_max_ms == 0 { stale_ms } else { wire.position_age_max_ms };
    if age_ms > ttl_ms {
        return Err(invalid("position_age_max_ms", age_ms, format_args!("at most {ttl_ms}")));
    }
    filter.time_min_ms = now - Millis::from(age_ms);
    Ok(filter)
}

/// Returns the public message of a position. `accuracy_dm` may be [`Motion::NOT_KNOWN`].
pub fn public_position(
    position: LatLng,
    update_version: UpdateVersion,
    motion: Motion,
    accuracy_dm: u16,
) -> v1::Position {
    let known = |value: u16| (value != Motion::NOT_KNOWN).then(|| f32::from(value));
    v1::Position {
        location: Some(position.into()),
        time_ms: update_version.time.as_millis(),
        sequence: update_version.sequence,
        heading_deg: known(motion.heading_cdeg).map(|value| value / 100.0),
        speed_mps: known(motion.speed_cmps).map(|value| value / 100.0),
        accuracy_m: known(accuracy_dm).map(|value| value / 10.0),
    }
}
