//! Validates the requests of riders. The error names every wrong field. No I/O.

use kerb_geometry::LatLng;
use kerb_proto::v1::{LatLng as WireLatLng, QuoteRideRequest, RequestRideRequest};
use kerb_trips::{IdempotencyKey, RideRequest, RiderId};
use kerb_types::{Capabilities, Catalog, FieldError, Millis, VehicleClass};

use crate::error::MatcherError;
use crate::options::{Options, WAIT_MIN_MS};
use crate::quote::QuoteRequest;

/// Maximum number of riders of a trip.
pub const PARTY_SIZE_MAX: u32 = 16;

/// Validates a ride request. The error names every wrong field.
pub fn ride_request(
    wire: &RequestRideRequest,
    catalog: &Catalog,
    options: &Options,
) -> Result<RideRequest, MatcherError> {
    let mut errors = Vec::new();
    let rider = keep(RiderId::new(&wire.rider_id), &mut errors);
    let key = keep(IdempotencyKey::new(&wire.idempotency_key), &mut errors);
    let quote = QuoteRideRequest {
        pickup: wire.pickup,
        dropoff: wire.dropoff,
        vehicle_class: wire.vehicle_class.clone(),
        capabilities: wire.capabilities.clone(),
        party_size: wire.party_size,
    };
    let ride = ride(&quote, catalog, &mut errors);
    let wait_max_ms = keep(wait(wire.wait_max_ms, options), &mut errors);
    let checked = || {
        let QuoteRequest { pickup, dropoff, vehicle_class, capabilities, party_size } = ride?;
        Some(RideRequest {
            rider: rider?,
            key: key?,
            pickup,
            dropoff,
            vehicle_class,
            capabilities,
            party_size,
            wait_max_ms: wait_max_ms?,
        })
    };
    match checked() {
        Some(request) if errors.is_empty() => Ok(request),
        _ => Err(MatcherError::Invalid(errors)),
    }
}

/// Validates a quote request. The error names every wrong field.
pub fn quote_request(wire: &QuoteRideRequest, catalog: &Catalog) -> Result<QuoteRequest, MatcherError> {
    let mut errors = Vec::new();
    match ride(wire, catalog, &mut errors) {
        Some(request) if errors.is_empty() => Ok(request),
        _ => Err(MatcherError::Invalid(errors)),
    }
}

/// Validates the fields that ride and quote requests share.
fn ride(wire: &QuoteRideRequest, catalog: &Catalog, errors: &mut Vec<FieldError>) -> Option<QuoteRequest> {
    let pickup = keep(point("pickup", wire.pickup), errors);
    let dropoff = keep(point("dropoff", wire.dropoff), errors);
    if pickup.is_some() && pickup == dropoff {
        errors.push(FieldError::new("dropoff", "the same place as pickup, must be another"));
    }
    let vehicle_class = keep(class(&wire.vehicle_class, catalog), errors);
    let capabilities = keep(capabilities(&wire.capabilities, catalog), errors);
    let party_size = keep(party_size(wire.party_size, vehicle_class, catalog), errors);
    Some(QuoteRequest {
        pickup: pickup?,
        dropoff: dropoff?,
        vehicle_class: vehicle_class?,
        capabilities: capabilities?,
        party_size: party_size?,
    })
}

fn keep<T>(checked: Result<T, FieldError>, errors: &mut Vec<FieldError>) -> Option<T> {
    checked.map_err(|error| errors.push(error)).ok()
}

fn point(field: &'static str, wire: Option<WireLatLng>) -> Result<LatLng, FieldError> {
    let wire = wire.ok_or_else(|| FieldError::new(field, "absent, must be given"))?;
    LatLng::try_from(wire).map_err(|error| error.within(field))
}

fn class(name: &str, catalog: &Catalog) -> Result<VehicleClass, FieldError> {
    if name.is_empty() { Ok(VehicleClass(0)) } else { catalog.vehicle_class(name) }
}

fn capabilities(names: &[String], catalog: &Catalog) -> Result<Capabilities, FieldError> {
    catalog.capabilities(names)
}

/// Returns the number of riders, which the class must have seats for. Without a legal class, any class counts.
fn party_size(persons: u32, class: Option<VehicleClass>, catalog: &Catalog) -> Result<u8, FieldError> {
    let seats = class.map_or(u8::MAX, |class| catalog.seats(class));
    let max = PARTY_SIZE_MAX.min(u32::from(seats));
    match persons {
        0 => Ok(1),
        // The maximum is at most 255.
        _ if persons <= max => Ok(persons as u8),
        _ => {
            let class = class.map(|class| catalog.vehicle_class_name(class));
            let of =
                class.filter(|_| max < PARTY_SIZE_MAX).map_or(String::new(), |name| format!(" for {name}"));
            Err(FieldError::new("party_size", format!("{persons}, must be 1 to {max}{of}, or 0 for 1")))
        }
    }
}

fn wait(wait_ms: u32, options: &Options) -> Result<Millis, FieldError> {
    let (max_ms, default_ms) = (options.wait_max_ms, options.wait_default_ms);
    match wait_ms {
        0 => Ok(Millis::from(default_ms)),
        _ if (WAIT_MIN_MS..=max_ms).contains(&wait_ms) => Ok(Millis::from(wait_ms)),
        _ => {
            let text = format!("{wait_ms}, must be {WAIT_MIN_MS} to {max_ms}, or 0 for {default_ms}");
            Err(FieldError::new("wait_max_ms", text))
        }
    }
}
