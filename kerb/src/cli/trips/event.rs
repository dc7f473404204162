//! The JSON format of an exported event. Other programs depend on it: later releases may add a field, but never rename or
//! remove one or change its meaning. Every field of this release is always present; `null` means that there is no value.

use std::collections::HashMap;

use kerb_geometry::LatLng;
use kerb_trips::{
    CancelledBy, Change, MarketId, Receipt, Record, ReturnReason, RideRequest, RiderId, TripEvent, TripId,
    Version,
};
use kerb_types::{Capabilities, DriverId, Millis, Timestamp, TravelSource};
use serde::Serialize;

/// One line of an export. All times are milliseconds since the Unix epoch.
#[derive(Debug, Serialize)]
pub(super) struct ExportedEvent<'a> {
    /// The market whose journal holds the event.
    market: &'a str,
    /// The version of the record that holds the event, from 1.
    version: Version,
    /// The event's index in that record, from 0: the same position as in `TripEventService`.
    index: u32,
    /// The matcher's time of the decision.
    time_ms: Timestamp,
    /// The matcher that made the decision.
    matcher: &'a str,
    /// The trip; `null` for an event of the market itself.
    trip_id: Option<String>,
    /// The rider of the trip; `null` when the trip's request is not in the journal.
    rider_id: Option<String>,
    /// The driver that the event concerns, or else the trip's driver; `null` for none.
    driver_id: Option<String>,
    #[serde(flatten)]
    kind: EventKind<'a>,
}

/// The kind of event, in the field `event`, and the fields of that kind.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum EventKind<'a> {
    Requested {
        idempotency_key: &'a str,
        pickup: Position,
        dropoff: Position,
        /// The index of the class in the setting `fleet.vehicle_classes`, from 0.
        vehicle_class_number: u8,
        /// The indices of the capabilities in the setting `fleet.capabilities`, from 0.
        capability_numbers: Vec<u8>,
        party_size: u8,
        wait_max_ms: Millis,
    },
    Offered {
        pickup_eta_s: u32,
        /// `roads` or `straight_line`; `null` in an offer that is older than this field.
        travel_source: Option<TravelSource>,
        /// The offer is void from this time on.
        expires_ms: Timestamp,
    },
    OfferReturned {
        /// One of the names in [`return_reason`].
        why: &'static str,
        /// The driver's own text; may be empty.
        reason: &'a str,
    },
    Accepted,
    /// A nearer driver, `driver_id`, gets an offer to take the trip over.
    ReassignmentOffered {
        pickup_eta_s: u32,
        /// `roads` or `straight_line`.
        travel_source: TravelSource,
        /// The offer is void from this time on.
        expires_ms: Timestamp,
    },
    ReassignmentReturned {
        /// The same as in `offer_returned`.
        why: &'static str,
        /// The same as in `offer_returned`.
        reason: &'a str,
    },
    /// The trip moved to `driver_id`.
    Reassigned {
        /// The previous driver of the trip.
        from_driver_id: &'a str,
    },
    DriverLost,
    Arrived,
    PickedUp {
        /// The driver's position; `null` when the driver did not report the pick-up.
        place: Option<Position>,
    },
    /// A checkpoint of the running meter.
    Metered {
        /// Meters since the pick-up.
        distance_m: f64,
        place: Position,
    },
    /// The receipt. `rider_id` is charged and `driver_id` is paid.
    Completed {
        vehicle_class_number: u8,
        /// The positions of the pick-up and the drop-off.
        pickup: Position,
        dropoff: Position,
        requested_ms: Timestamp,
        accepted_ms: Timestamp,
        /// `null` when the driver did not report its arrival.
        arrived_ms: Option<Timestamp>,
        picked_up_ms: Timestamp,
        dropped_off_ms: Timestamp,
        /// Meters with the rider in the vehicle.
        distance_m: f64,
        /// Time that the driver waited at the pickup, a duration.
        wait_ms: Millis,
        /// Time with the rider in the vehicle, a duration.
        ride_ms: Millis,
    },
    Expired,
    Cancelled {
        /// `rider`, `driver` or `operator`.
        by: &'static str,
        /// The canceling side's own text; may be empty.
        reason: &'a str,
    },
    MarketPaused,
    MarketResumed,
}

/// A position, WGS 84.
#[derive(Debug, Serialize)]
struct Position {
    latitude_deg: f64,
    longitude_deg: f64,
}

impl<'a> ExportedEvent<'a> {
    /// Converts the change with this index in the record.
    pub(super) fn new(
        market: &'a MarketId,
        version: Version,
        index: u32,
        record: &'a Record,
        change: &'a Change,
        parties: EventParties,
    ) -> Self {
        Self {
            market: market.as_str(),
            version,
            index,
            time_ms: record.at_ms,
            matcher: &record.matcher,
            trip_id: match change {
                Change::Trip { trip, .. } => Some(trip.to_string()),
                Change::MarketPaused { .. } => None,
            },
            rider_id: parties.rider.map(|rider| rider.to_string()),
            driver_id: parties.driver.map(|driver| driver.to_string()),
            kind: match change {
                Change::Trip { event, .. } => EventKind::from_event(event),
                Change::MarketPaused { paused: true } => EventKind::MarketPaused,
                Change::MarketPaused { paused: false } => EventKind::MarketResumed,
            },
        }
    }
}

impl<'a> EventKind<'a> {
    fn from_event(event: &'a TripEvent) -> Self {
        match event {
            TripEvent::Requested(request) => Self::requested(request),
            TripEvent::Offered { pickup_eta_s, travel_source, expires_ms, .. } => Self::Offered {
                pickup_eta_s: *pickup_eta_s,
                travel_source: *travel_source,
                expires_ms: *expires_ms,
            },
            TripEvent::OfferReturned { why, .. } => {
                let (why, reason) = return_reason(why);
                Self::OfferReturned { why, reason }
            }
            TripEvent::ReassignmentOffered { pickup_eta_s, travel_source, expires_ms, .. } => {
                Self::ReassignmentOffered {
                    pickup_eta_s: *pickup_eta_s,
                    travel_source: *travel_source,
                    expires_ms: *expires_ms,
                }
            }
            TripEvent::ReassignmentReturned { why, .. } => {
                let (why, reason) = return_reason(why);
                Self::ReassignmentReturned { why, reason }
            }
            TripEvent::Reassigned { from, .. } => Self::Reassigned { from_driver_id: from.as_str() },
            TripEvent::Accepted { .. } => Self::Accepted,
            TripEvent::DriverLost { .. } => Self::DriverLost,
            TripEvent::Arrived { .. } => Self::Arrived,
            TripEvent::PickedUp { at, .. } => Self::PickedUp { place: at.map(Position::from) },
            TripEvent::Metered { distance_m, at } => {
                Self::Metered { distance_m: *distance_m, place: (*at).into() }
            }
            TripEvent::DroppedOff { receipt, .. } => Self::completed(receipt),
            TripEvent::Expired => Self::Expired,
            TripEvent::Cancelled { by, reason } => {
                let by = match by {
                    CancelledBy::Rider => "rider",
                    CancelledBy::Driver { .. } => "driver",
                    CancelledBy::Operator => "operator",
                };
                Self::Cancelled { by, reason }
            }
        }
    }

    fn requested(request: &'a RideRequest) -> Self {
        let Capabilities(bits) = request.capabilities;
        Self::Requested {
            idempotency_key: request.key.as_str(),
            pickup: request.pickup.into(),
            dropoff: request.dropoff.into(),
            vehicle_class_number: request.vehicle_class.0,
            capability_numbers: (0..16).filter(|number| bits >> number & 1 == 1).collect(),
            party_size: request.party_size,
            wait_max_ms: request.wait_max_ms,
        }
    }

    fn completed(receipt: &Receipt) -> Self {
        Self::Completed {
            vehicle_class_number: receipt.vehicle_class.0,
            pickup: receipt.pickup.into(),
            dropoff: receipt.dropoff.into(),
            requested_ms: receipt.requested_ms,
            accepted_ms: receipt.accepted_ms,
            arrived_ms: receipt.arrived_ms,
            picked_up_ms: receipt.picked_up_ms,
            dropped_off_ms: receipt.dropped_off_ms,
            distance_m: receipt.distance_m,
            wait_ms: receipt.wait_ms,
            ride_ms: receipt.ride_ms,
        }
    }
}

/// Returns the name of the reason why an offer was returned, and the driver's own text.
fn return_reason(why: &ReturnReason) -> (&'static str, &str) {
    match why {
        ReturnReason::Declined { reason } => ("declined", reason),
        ReturnReason::Expired => ("expired", ""),
        ReturnReason::DriverDisconnected => ("driver_gone", ""),
        ReturnReason::Withdrawn => ("withdrawn", ""),
        ReturnReason::DriverUnavailable => ("driver_unavailable", ""),
    }
}

impl From<LatLng> for Position {
    fn from(position: LatLng) -> Self {
        Self { latitude_deg: position.lat_deg(), longitude_deg: position.lon_deg() }
    }
}

/// The rider and the driver that an event concerns.
#[derive(Debug, Default)]
pub(super) struct EventParties {
    rider: Option<RiderId>,
    driver: Option<DriverId>,
}

/// The rider and the driver of each live trip, because most events do not name them.
#[derive(Debug, Default)]
pub(super) struct TripParties {
    live: HashMap<TripId, (RiderId, Option<DriverId>)>,
}

impl TripParties {
    /// Applies the next change of a market and returns its rider and driver. An illegal change is applied, too: the command
    /// `verify` reports it.
    pub(super) fn apply(&mut self, change: &Change) -> EventParties {
        let Change::Trip { trip, event } = change else { return EventParties::default() };
        let (rider, current) = match self.live.get(trip) {
            Some((rider, driver)) => (Some(rider.clone()), driver.clone()),
            None => (None, None),
        };
        let named = event.required_driver().cloned();
        match event {
            TripEvent::Requested(request) => {
                self.live.insert(trip.clone(), (request.rider.clone(), None));
                EventParties { rider: Some(request.rider.clone()), driver: None }
            }
            TripEvent::Offered { driver, .. } | TripEvent::Reassigned { driver, .. } => {
                self.set_driver(trip, Some(driver));
                EventParties { rider, driver: Some(driver.clone()) }
            }
            TripEvent::OfferReturned { .. } | TripEvent::DriverLost { .. } => {
                self.set_driver(trip, None);
                EventParties { rider, driver: named }
            }
            TripEvent::ReassignmentOffered { driver, .. }
            | TripEvent::ReassignmentReturned { driver, .. } => {
                EventParties { rider, driver: Some(driver.clone()) }
            }
            TripEvent::DroppedOff { receipt, .. } => {
                self.live.remove(trip);
                EventParties { rider: Some(receipt.rider.clone()), driver: Some(receipt.driver.clone()) }
            }
            TripEvent::Expired | TripEvent::Cancelled { .. } => {
                self.live.remove(trip);
                EventParties { rider, driver: named.or(current) }
            }
            TripEvent::Accepted { .. }
            | TripEvent::Arrived { .. }
            | TripEvent::PickedUp { .. }
            | TripEvent::Metered { .. } => EventParties { rider, driver: named.or(current) },
        }
    }

    fn set_driver(&mut self, trip: &TripId, driver: Option<&DriverId>) {
        if let Some((_, has)) = self.live.get_mut(trip) {
            *has = driver.cloned();
        }
    }
}
