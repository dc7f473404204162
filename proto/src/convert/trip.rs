//! The public messages of trips, receipts and steps.

use kerb_trips::{CancelledBy, Receipt, ReturnReason, StepNote, Trip, TripId, TripState, TripStep};
use kerb_types::{Catalog, DriverId, FieldError, Timestamp};

use super::field::invalid;
use super::public::travel_source_number;
use crate::v1;

/// Returns the public name of a state.
pub fn public_state(state: TripState) -> v1::TripState {
    match state {
        TripState::Requested => v1::TripState::Requested,
        TripState::Offered => v1::TripState::Offered,
        TripState::EnRoute => v1::TripState::EnRoute,
        TripState::Arrived => v1::TripState::Arrived,
        TripState::OnTrip => v1::TripState::OnTrip,
        TripState::Completed => v1::TripState::Completed,
        TripState::Expired => v1::TripState::Expired,
        TripState::Cancelled => v1::TripState::Cancelled,
    }
}

/// Returns the state with this number of `kerb.v1.TripState`, or an error of `state`.
pub fn trip_state(number: impl Into<i64>) -> Result<TripState, FieldError> {
    let number = number.into();
    let state = TripState::ALL.into_iter().find(|state| public_state(*state) as i64 == number);
    state.ok_or_else(|| invalid("state", number, "1 to 8"))
}

/// Parses a trip's id; an error names `trip_id`.
pub(super) fn trip_id(text: &str) -> Result<TripId, FieldError> {
    text.parse()
}

/// Returns the public message of a trip.
pub fn public_trip(trip: &Trip, catalog: &Catalog) -> v1::Trip {
    let (request, times) = (&trip.request, &trip.times);
    v1::Trip {
        trip_id: trip.id.to_string(),
        rider_id: request.rider.as_str().to_owned(),
        state: public_state(trip.state).into(),
        pickup: Some(request.pickup.into()),
        dropoff: Some(request.dropoff.into()),
        vehicle_class: catalog.vehicle_class_name(request.vehicle_class).to_owned(),
        capabilities: catalog.capability_names(request.capabilities).map(str::to_owned).collect(),
        party_size: u32::from(request.party_size),
        wait_max_ms: request.wait_max_ms.to_u32(),
        driver_id: driver_id_text(trip.driver.as_ref()),
        pickup_eta_s: trip.offer.map_or(0, |offer| offer.pickup_eta_s),
        travel_source: travel_source_number(trip.offer.and_then(|offer| offer.travel_source)),
        offers: trip.offers,
        requested_ms: times.requested_ms.as_millis(),
        accepted_ms: times.accepted_ms.map_or(0, Timestamp::as_millis),
        arrived_ms: times.arrived_ms.map_or(0, Timestamp::as_millis),
        picked_up_ms: times.picked_up_ms.map_or(0, Timestamp::as_millis),
        ended_ms: times.ended_ms.map_or(0, Timestamp::as_millis),
        number: trip.steps.len() as u64,
        receipt: trip.receipt.as_ref().map(|receipt| public_receipt(receipt, catalog)),
        cancelled_by: trip.cancelled_by.as_ref().map_or("", canceller).to_owned(),
        cancel_reason: trip.cancel_reason.clone(),
    }
}

/// Returns the public message of a receipt.
pub fn public_receipt(receipt: &Receipt, catalog: &Catalog) -> v1::Receipt {
    v1::Receipt {
        rider_id: receipt.rider.as_str().to_owned(),
        driver_id: receipt.driver.as_str().to_owned(),
        vehicle_class: catalog.vehicle_class_name(receipt.vehicle_class).to_owned(),
        pickup: Some(receipt.pickup.into()),
        dropoff: Some(receipt.dropoff.into()),
        requested_ms: receipt.requested_ms.as_millis(),
        accepted_ms: receipt.accepted_ms.as_millis(),
        arrived_ms: receipt.arrived_ms.map_or(0, Timestamp::as_millis),
        picked_up_ms: receipt.picked_up_ms.as_millis(),
        dropped_off_ms: receipt.dropped_off_ms.as_millis(),
        distance_m: receipt.distance_m,
        wait_ms: receipt.wait_ms.get(),
        ride_ms: receipt.ride_ms.get(),
    }
}

/// Returns the public message of a step; `number` counts from 1.
pub fn public_step(number: u64, step: &TripStep) -> v1::TripChange {
    let note = match &step.note {
        StepNote::None => String::new(),
        StepNote::OfferReturned { why } => return_reason(why),
        StepNote::DriverLost => "the driver was disconnected for too long".to_owned(),
        StepNote::Reassigned { from } => format!("a nearer driver took it over from {}", from.as_str()),
        StepNote::Cancelled { by, reason } => with_reason(&format!("cancelled by {}", canceller(by)), reason),
    };
    v1::TripChange {
        number,
        at_ms: step.at_ms.as_millis(),
        state: public_state(step.state).into(),
        driver_id: driver_id_text(step.driver.as_ref()),
        note,
    }
}

/// Describes why an offer ended without acceptance.
pub(super) fn return_reason(why: &ReturnReason) -> String {
    match why {
        ReturnReason::Declined { reason } => with_reason("declined", reason),
        ReturnReason::Expired => "not answered in time".to_owned(),
        ReturnReason::DriverDisconnected => "the driver was disconnected".to_owned(),
        ReturnReason::Withdrawn => "withdrawn".to_owned(),
        ReturnReason::DriverUnavailable => "the driver was not available".to_owned(),
    }
}

/// Returns the name of the party that cancelled a trip.
pub(super) fn canceller(by: &CancelledBy) -> &'static str {
    match by {
        CancelledBy::Rider => "rider",
        CancelledBy::Driver { .. } => "driver",
        CancelledBy::Operator => "operator",
    }
}

fn with_reason(what: &str, reason: &str) -> String {
    if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") }
}

/// Returns the driver's id; empty for none.
fn driver_id_text(driver: Option<&DriverId>) -> String {
    driver.map_or(String::new(), |driver| driver.as_str().to_owned())
}
