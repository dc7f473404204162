//! The conformance suite of [`DriverEvents`].
//!
//! [`driver_events_conformance!`](crate::driver_events_conformance) declares one test per case. A case receives a new
//! matcher with one trip, [`OFFERED_TRIP`], which is offered to the driver [`OFFERED_DRIVER`].

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::ready;
use kerb_geometry::LatLng;

use crate::{
    DriverAction, DriverEvents, DriverEventsError, DriverNotification, ErrorCode, PortFuture, TripAssignment,
};
use kerb_trips::{
    IdempotencyKey, IllegalEvent, ReturnReason, RideRequest, RiderId, Trip, TripEvent, TripId, TripState,
};
use kerb_types::{Capabilities, DriverId, Millis, Timestamp, TravelSource, VehicleClass};

/// The id of the only trip.
pub const OFFERED_TRIP: &str = "world-1";
/// The id of the driver who has the offer.
pub const OFFERED_DRIVER: &str = "driver-offered";

type Matcher = Arc<dyn DriverEvents>;

/// Declares a `#[tokio::test]` for every case. `$matcher` is an async function that returns
/// `(Arc<dyn DriverEvents>, impl Sized)`; the second value lives as long as the case.
#[macro_export]
macro_rules! driver_events_conformance {
    ($matcher:path) => {
        $crate::driver_events_conformance! { @cases $matcher;
            a_connecting_driver_receives_the_current_trip, actions_change_the_state_and_may_be_repeated,
            a_declined_offer_cannot_be_accepted, impossible_actions_are_rejected_by_kind,
            a_driver_keeps_the_trip_through_a_short_absence, an_unavailable_driver_returns_only_an_open_offer,
            the_offer_of_an_unavailable_driver_goes_back,
        }
    };
    (@cases $matcher:path; $($case:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $case() {
            let (matcher, _keep) = $matcher().await;
            $crate::conformance::driver_events::$case(matcher).await;
        }
    )+};
}

fn driver(id: &str) -> DriverId {
    DriverId::new(id).unwrap()
}

fn trip() -> TripId {
    OFFERED_TRIP.parse().unwrap()
}

async fn act(matcher: &Matcher, id: &str, action: DriverAction) -> Result<TripState, ErrorCode> {
    matcher.act(driver(id), trip(), action).await.map_err(|error| error.code())
}

/// `connected` returns the driver's current trip, or nothing.
pub async fn a_connecting_driver_receives_the_current_trip(matcher: Matcher) {
    let notification = matcher.connected(driver(OFFERED_DRIVER)).await.unwrap();
    let Some(DriverNotification::Assignment(assignment)) = notification else { panic!("{notification:?}") };
    assert_eq!((assignment.trip, assignment.state), (trip(), TripState::Offered));
    assert_eq!(matcher.connected(driver("nobody")).await, Ok(None));
}

/// Each action leads to its state, a repeated action returns the same state, and the current trip shows it.
pub async fn actions_change_the_state_and_may_be_repeated(matcher: Matcher) {
    let steps = [
        (DriverAction::Accept, TripState::EnRoute),
        (DriverAction::Arrived, TripState::Arrived),
        (DriverAction::PickedUp, TripState::OnTrip),
    ];
    for (action, state) in steps {
        for _ in 0..2 {
            assert_eq!(act(&matcher, OFFERED_DRIVER, action.clone()).await, Ok(state), "{action:?}");
        }
        let notification = matcher.connected(driver(OFFERED_DRIVER)).await.unwrap();
        assert!(
            matches!(&notification, Some(DriverNotification::Assignment(assignment)) if assignment.state == state),
            "{notification:?}"
        );
    }
    for _ in 0..2 {
        assert_eq!(act(&matcher, OFFERED_DRIVER, DriverAction::DroppedOff).await, Ok(TripState::Completed));
    }
}

/// A driver who declined an offer no longer has it.
pub async fn a_declined_offer_cannot_be_accepted(matcher: Matcher) {
    let decline = DriverAction::Decline { reason: "lunch".to_owned() };
    assert!(act(&matcher, OFFERED_DRIVER, decline).await.is_ok());
    assert_eq!(act(&matcher, OFFERED_DRIVER, DriverAction::Accept).await, Err(ErrorCode::FailedPrecondition));
    let notification = matcher.connected(driver(OFFERED_DRIVER)).await.unwrap();
    assert!(!matches!(notification, Some(DriverNotification::Assignment(_))), "{notification:?}");
}

/// Another driver's trip, an action in the wrong state and an unknown trip have different errors.
pub async fn impossible_actions_are_rejected_by_kind(matcher: Matcher) {
    assert_eq!(act(&matcher, "other", DriverAction::Accept).await, Err(ErrorCode::FailedPrecondition));
    assert_eq!(
        act(&matcher, OFFERED_DRIVER, DriverAction::DroppedOff).await,
        Err(ErrorCode::FailedPrecondition)
    );
    for unknown in ["world-999", "elsewhere-1"] {
        let error = matcher
            .act(driver(OFFERED_DRIVER), unknown.parse().unwrap(), DriverAction::Accept)
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotFound, "{error}");
    }
    assert_eq!(
        act(&matcher, OFFERED_DRIVER, DriverAction::Accept).await,
        Ok(TripState::EnRoute),
        "the trip has not changed"
    );
}

/// A driver who accepted keeps the trip while disconnected for a short time.
pub async fn a_driver_keeps_the_trip_through_a_short_absence(matcher: Matcher) {
    assert_eq!(act(&matcher, OFFERED_DRIVER, DriverAction::Accept).await, Ok(TripState::EnRoute));
    assert_eq!(matcher.disconnected(driver("nobody")).await, Ok(()));
    assert_eq!(matcher.disconnected(driver(OFFERED_DRIVER)).await, Ok(()));
    let notification = matcher.connected(driver(OFFERED_DRIVER)).await.unwrap();
    assert!(
        matches!(&notification, Some(DriverNotification::Assignment(assignment)) if assignment.state == TripState::EnRoute),
        "{notification:?}"
    );
    assert_eq!(act(&matcher, OFFERED_DRIVER, DriverAction::PickedUp).await, Ok(TripState::OnTrip));
}

/// A driver who takes no offers returns the offer of the named trip. A trip that the driver has accepted stays.
pub async fn an_unavailable_driver_returns_only_an_open_offer(matcher: Matcher) {
    let unavailable = |id: &str, trip: TripId| matcher.unavailable(driver(id), trip);
    assert_eq!(unavailable("other", trip()).await, Ok(()));
    assert_eq!(unavailable(OFFERED_DRIVER, "world-999".parse().unwrap()).await, Ok(()));
    assert_eq!(act(&matcher, OFFERED_DRIVER, DriverAction::Accept).await, Ok(TripState::EnRoute));
    assert_eq!(unavailable(OFFERED_DRIVER, trip()).await, Ok(()));
    assert_eq!(act(&matcher, OFFERED_DRIVER, DriverAction::Arrived).await, Ok(TripState::Arrived));
}

/// An open offer goes back at once, and cannot be accepted any more.
pub async fn the_offer_of_an_unavailable_driver_goes_back(matcher: Matcher) {
    for _ in 0..2 {
        assert_eq!(
            matcher.unavailable(driver(OFFERED_DRIVER), trip()).await,
            Ok(()),
            "a repeat changes nothing"
        );
    }
    assert_eq!(act(&matcher, OFFERED_DRIVER, DriverAction::Accept).await, Err(ErrorCode::FailedPrecondition));
}

/// Returns a matcher with one trip, in memory. It does what the suite requires and no more.
pub fn one_offer() -> Matcher {
    let position = |lat_deg| LatLng::new(lat_deg, 8.0).unwrap();
    let request = RideRequest {
        rider: RiderId::new("rider").unwrap(),
        key: IdempotencyKey::new("key").unwrap(),
        pickup: position(50.0),
        dropoff: position(50.1),
        vehicle_class: VehicleClass(0),
        capabilities: Capabilities(0),
        party_size: 1,
        wait_max_ms: Millis::new(300_000),
    };
    let mut trip = Trip::requested(trip(), request, Timestamp::default());
    let offered = TripEvent::Offered {
        driver: driver(OFFERED_DRIVER),
        pickup_eta_s: 60,
        travel_source: Some(TravelSource::Roads),
        expires_ms: Timestamp::from_millis(15_000),
    };
    trip.apply(&offered, Timestamp::default()).unwrap();
    Arc::new(OneTripMatcher(Mutex::new(trip)))
}

struct OneTripMatcher(Mutex<Trip>);

impl OneTripMatcher {
    fn apply(&self, by: DriverId, id: &TripId, action: DriverAction) -> Result<TripState, DriverEventsError> {
        let mut trip = self.0.lock().unwrap();
        if trip.id != *id {
            return Err(DriverEventsError::NotFound { what: "trip", id: id.to_string() });
        }
        let event = match action {
            DriverAction::Accept => TripEvent::Accepted { driver: by },
            DriverAction::Decline { reason } => {
                TripEvent::OfferReturned { driver: by, why: ReturnReason::Declined { reason } }
            }
            DriverAction::Arrived => TripEvent::Arrived { driver: by },
            DriverAction::PickedUp => TripEvent::PickedUp { driver: by, at: None },
            DriverAction::DroppedOff => match trip.receipt.clone().or_else(|| receipt(&trip)) {
                Some(receipt) => TripEvent::DroppedOff { driver: by, receipt },
                None => {
                    return Err(DriverEventsError::FailedPrecondition(format!(
                        "trip {id} is {}",
                        trip.state
                    )));
                }
            },
            DriverAction::Cancel { reason } => {
                TripEvent::Cancelled { by: kerb_trips::CancelledBy::Driver { driver: by }, reason }
            }
        };
        let illegal = |illegal: IllegalEvent| DriverEventsError::FailedPrecondition(illegal.to_string());
        trip.apply(&event, Timestamp::default()).map_err(illegal)?;
        Ok(trip.state)
    }

    fn return_offer(&self, driver: DriverId, id: &TripId) -> Result<(), IllegalEvent> {
        let mut trip = self.0.lock().unwrap();
        if trip.id == *id {
            let event = TripEvent::OfferReturned { driver, why: ReturnReason::DriverUnavailable };
            trip.apply(&event, Timestamp::default())?;
        }
        Ok(())
    }

    fn assignment(&self, of: &DriverId) -> Option<DriverNotification> {
        let trip = self.0.lock().unwrap();
        let offer = trip.offer.filter(|_| trip.state.has_driver() && trip.driver.as_ref() == Some(of))?;
        Some(DriverNotification::Assignment(Box::new(TripAssignment {
            trip: trip.id.clone(),
            state: trip.state,
            pickup: trip.request.pickup,
            dropoff: trip.request.dropoff,
            pickup_eta_s: offer.pickup_eta_s,
            travel_source: offer.travel_source,
            expires_ms: offer.expires_ms,
            party_size: trip.request.party_size,
        })))
    }
}

fn receipt(trip: &Trip) -> Option<Box<kerb_trips::Receipt>> {
    kerb_trips::Receipt::of(trip, 0.0, trip.request.dropoff, Timestamp::default()).map(Box::new)
}

impl DriverEvents for OneTripMatcher {
    fn act(
        &self,
        driver: DriverId,
        trip: TripId,
        action: DriverAction,
    ) -> PortFuture<'_, TripState, DriverEventsError> {
        ready(self.apply(driver, &trip, action)).boxed()
    }

    fn connected(&self, driver: DriverId) -> PortFuture<'_, Option<DriverNotification>, DriverEventsError> {
        ready(Ok(self.assignment(&driver))).boxed()
    }

    fn unavailable(&self, driver: DriverId, trip: TripId) -> PortFuture<'_, (), DriverEventsError> {
        // Only an open offer of this driver can be returned; everything else stays.
        let _illegal = self.return_offer(driver, &trip);
        ready(Ok(())).boxed()
    }

    fn disconnected(&self, _driver: DriverId) -> PortFuture<'_, (), DriverEventsError> {
        ready(Ok(())).boxed()
    }
}
