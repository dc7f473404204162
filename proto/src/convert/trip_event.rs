//! The public messages of trip events.

use kerb_trips::{CancelledBy, ReturnReason, Trip, TripEvent, TripId, Version};
use kerb_types::{Catalog, DriverId, Timestamp, TravelSource};

use super::public::travel_source_number;
use super::trip::{canceller, public_receipt, public_trip, return_reason};
use crate::v1;
use crate::v1::trip_event::Event;

/// Returns the public message of an event: change `index` of record `version` of the trip's market, decided at `at_ms`.
pub fn public_event(
    (version, index): (Version, u32),
    at_ms: Timestamp,
    trip: &TripId,
    event: &TripEvent,
    catalog: &Catalog,
) -> v1::TripEvent {
    v1::TripEvent {
        position: Some(v1::EventPosition { version: version.get(), index }),
        at_ms: at_ms.as_millis(),
        trip_id: trip.to_string(),
        event: Some(event_of(at_ms, trip, event, catalog)),
    }
}

fn event_of(at_ms: Timestamp, trip: &TripId, event: &TripEvent, catalog: &Catalog) -> Event {
    match event {
        TripEvent::Requested(request) => {
            let trip = Trip::requested(trip.clone(), (**request).clone(), at_ms);
            Event::Requested(public_trip(&trip, catalog))
        }
        TripEvent::Offered { driver, pickup_eta_s, travel_source, expires_ms } => {
            Event::Offered(offered(driver, *pickup_eta_s, *travel_source, *expires_ms))
        }
        TripEvent::ReassignmentOffered { driver, pickup_eta_s, travel_source, expires_ms } => {
            Event::ReassignmentOffered(offered(driver, *pickup_eta_s, Some(*travel_source), *expires_ms))
        }
        TripEvent::ReassignmentReturned { driver, why } => Event::ReassignmentReturned(returned(driver, why)),
        TripEvent::Reassigned { driver, from } => Event::Reassigned(v1::ReassignedEvent {
            driver_id: driver.as_str().to_owned(),
            from_driver_id: from.as_str().to_owned(),
        }),
        TripEvent::OfferReturned { driver, why } => Event::OfferReturned(returned(driver, why)),
        TripEvent::Accepted { driver } => Event::Accepted(of_driver(driver)),
        TripEvent::DriverLost { driver } => Event::DriverLost(of_driver(driver)),
        TripEvent::Arrived { driver } => Event::Arrived(of_driver(driver)),
        TripEvent::PickedUp { driver, .. } => Event::PickedUp(of_driver(driver)),
        TripEvent::Metered { distance_m, at } => {
            Event::Metered(v1::MeteredEvent { distance_m: *distance_m, location: Some((*at).into()) })
        }
        TripEvent::DroppedOff { receipt, .. } => Event::Completed(public_receipt(receipt, catalog)),
        TripEvent::Expired => Event::Expired(v1::ExpiredEvent {}),
        TripEvent::Cancelled { by, reason } => Event::Cancelled(v1::CancelledEvent {
            by: canceller(by).to_owned(),
            reason: reason.clone(),
            driver_id: match by {
                CancelledBy::Driver { driver } => driver.as_str().to_owned(),
                CancelledBy::Rider | CancelledBy::Operator => String::new(),
            },
        }),
    }
}

fn offered(
    driver: &DriverId,
    pickup_eta_s: u32,
    travel_source: Option<TravelSource>,
    expires_ms: Timestamp,
) -> v1::OfferedEvent {
    v1::OfferedEvent {
        driver_id: driver.as_str().to_owned(),
        pickup_eta_s,
        travel_source: travel_source_number(travel_source),
        expires_ms: expires_ms.as_millis(),
    }
}

fn returned(driver: &DriverId, why: &ReturnReason) -> v1::DriverEvent {
    v1::DriverEvent { driver_id: driver.as_str().to_owned(), reason: return_reason(why) }
}

/// Returns the message of an event that only names its driver.
fn of_driver(driver: &DriverId) -> v1::DriverEvent {
    v1::DriverEvent { driver_id: driver.as_str().to_owned(), reason: String::new() }
}
