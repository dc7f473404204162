//! The events of trips, for those who must miss none.

use kerb_fleet::{CancelledBy, Catalog, DriverId, Trip, TripEvent, TripId, Version};

use super::public::travel_source_number;
use super::trip::{canceller, public_receipt, public_trip, return_reason};
use crate::v1;
use crate::v1::trip_event::Event;

/// The public message of an event: change `index` of record `version` of the trip's market, decided at `at_ms`.
pub fn public_event(
    (version, index): (Version, u32),
    at_ms: i64,
    trip: &TripId,
    event: &TripEvent,
    catalog: &Catalog,
) -> v1::TripEvent {
    v1::TripEvent {
        position: Some(v1::EventPosition { version, index }),
        at_ms,
        trip_id: trip.to_string(),
        event: Some(event_of(at_ms, trip, event, catalog)),
    }
}

fn event_of(at_ms: i64, trip: &TripId, event: &TripEvent, catalog: &Catalog) -> Event {
    match event {
        TripEvent::Requested(request) => {
            let trip = Trip::requested(trip.clone(), (**request).clone(), at_ms);
            Event::Requested(public_trip(&trip, catalog))
        }
        TripEvent::Offered { driver, pickup_eta_s, travel_source, expires_ms } => {
            Event::Offered(v1::OfferedEvent {
                driver_id: driver.as_str().to_owned(),
                pickup_eta_s: *pickup_eta_s,
                travel_source: travel_source_number(*travel_source),
                expires_ms: *expires_ms,
            })
        }
        TripEvent::OfferReturned { driver, why } => Event::OfferReturned(v1::DriverEvent {
            driver_id: driver.as_str().to_owned(),
            reason: return_reason(why),
        }),
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

/// Where the event says all by itself.
fn of_driver(driver: &DriverId) -> v1::DriverEvent {
    v1::DriverEvent { driver_id: driver.as_str().to_owned(), reason: String::new() }
}
