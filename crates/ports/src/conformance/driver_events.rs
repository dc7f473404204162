//! What every desk for drivers does.
//!
//! [`driver_events_conformance!`](crate::driver_events_conformance) makes one test of each case. A case gets a fresh desk
//! where the trip [`OFFERED`] is offered to the driver [`ASKED`] and there is no other.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::ready;
use kerb_geometry::LatLng;

use crate::{Answer, DriverAction, DriverEvents, DriverNotification, Error, ErrorCode, TripAssignment};
use kerb_trips::{IdempotencyKey, ReturnReason, RideRequest, RiderId, Trip, TripEvent, TripId, TripState};
use kerb_types::{Capabilities, DriverId, TravelSource, VehicleClass};

/// The trip.
pub const OFFERED: &str = "world-1";
/// The driver whom it is offered to.
pub const ASKED: &str = "driver-asked";

type Desk = Arc<dyn DriverEvents>;

/// Makes a `#[tokio::test]` of every case. `$desk` is an async function that answers
/// `(Arc<dyn DriverEvents>, impl Sized)`; the second value lives as long as the case.
#[macro_export]
macro_rules! driver_events_conformance {
    ($desk:path) => {
        $crate::driver_events_conformance! { @cases $desk;
            a_driver_who_connects_is_told_the_task, actions_lead_to_their_states_and_may_be_repeated,
            an_offer_that_is_declined_is_gone, what_cannot_be_is_refused_by_kind, who_is_away_may_come_back,
        }
    };
    (@cases $desk:path; $($case:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $case() {
            let (desk, _kept) = $desk().await;
            $crate::conformance::driver_events::$case(desk).await;
        }
    )+};
}

fn driver(id: &str) -> DriverId {
    DriverId::new(id).unwrap()
}

fn trip() -> TripId {
    OFFERED.parse().unwrap()
}

async fn act(desk: &Desk, id: &str, action: DriverAction) -> Result<TripState, ErrorCode> {
    desk.act(driver(id), trip(), action).await.map_err(|error| error.code())
}

/// Who has a task is told it, who has none is told nothing.
pub async fn a_driver_who_connects_is_told_the_task(desk: Desk) {
    let news = desk.connected(driver(ASKED)).await.unwrap();
    let Some(DriverNotification::Assignment(task)) = news else { panic!("{news:?}") };
    assert_eq!((task.trip, task.state), (trip(), TripState::Offered));
    assert_eq!(desk.connected(driver("nobody")).await, Ok(None));
}

/// Each action leads where the table says; a repeat is answered as the first, and so is what the task says.
pub async fn actions_lead_to_their_states_and_may_be_repeated(desk: Desk) {
    let steps = [
        (DriverAction::Accept, TripState::EnRoute),
        (DriverAction::Arrived, TripState::Arrived),
        (DriverAction::PickedUp, TripState::OnTrip),
    ];
    for (action, state) in steps {
        for _ in 0..2 {
            assert_eq!(act(&desk, ASKED, action.clone()).await, Ok(state), "{action:?}");
        }
        let news = desk.connected(driver(ASKED)).await.unwrap();
        assert!(
            matches!(&news, Some(DriverNotification::Assignment(task)) if task.state == state),
            "{news:?}"
        );
    }
    for _ in 0..2 {
        assert_eq!(act(&desk, ASKED, DriverAction::DroppedOff).await, Ok(TripState::Completed));
    }
}

/// A declined offer is not the driver's any more.
pub async fn an_offer_that_is_declined_is_gone(desk: Desk) {
    let decline = DriverAction::Decline { reason: "lunch".to_owned() };
    assert!(act(&desk, ASKED, decline).await.is_ok());
    assert_eq!(act(&desk, ASKED, DriverAction::Accept).await, Err(ErrorCode::FailedPrecondition));
    let news = desk.connected(driver(ASKED)).await.unwrap();
    assert!(!matches!(news, Some(DriverNotification::Assignment(_))), "{news:?}");
}

/// Another's trip, a step too early and an unknown trip are told apart.
pub async fn what_cannot_be_is_refused_by_kind(desk: Desk) {
    assert_eq!(act(&desk, "other", DriverAction::Accept).await, Err(ErrorCode::FailedPrecondition));
    assert_eq!(act(&desk, ASKED, DriverAction::DroppedOff).await, Err(ErrorCode::FailedPrecondition));
    for unknown in ["world-999", "elsewhere-1"] {
        let error =
            desk.act(driver(ASKED), unknown.parse().unwrap(), DriverAction::Accept).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotFound, "{error}");
    }
    assert_eq!(act(&desk, ASKED, DriverAction::Accept).await, Ok(TripState::EnRoute), "nothing has changed");
}

/// A driver who accepted keeps the trip over a short absence.
pub async fn who_is_away_may_come_back(desk: Desk) {
    assert_eq!(act(&desk, ASKED, DriverAction::Accept).await, Ok(TripState::EnRoute));
    assert_eq!(desk.disconnected(driver("nobody")).await, Ok(()));
    assert_eq!(desk.disconnected(driver(ASKED)).await, Ok(()));
    let news = desk.connected(driver(ASKED)).await.unwrap();
    assert!(
        matches!(&news, Some(DriverNotification::Assignment(task)) if task.state == TripState::EnRoute),
        "{news:?}"
    );
    assert_eq!(act(&desk, ASKED, DriverAction::PickedUp).await, Ok(TripState::OnTrip));
}

/// A desk of one trip, in memory: what the suite asks for and no more.
pub fn one_offer() -> Desk {
    let place = |lat_deg| LatLng::new(lat_deg, 8.0).unwrap();
    let request = RideRequest {
        rider: RiderId::new("rider").unwrap(),
        key: IdempotencyKey::new("key").unwrap(),
        pickup: place(50.0),
        dropoff: place(50.1),
        vehicle_class: VehicleClass(0),
        capabilities: Capabilities(0),
        party_size: 1,
        wait_max_ms: 300_000,
    };
    let mut trip = Trip::requested(trip(), request, 0);
    let offered = TripEvent::Offered {
        driver: driver(ASKED),
        pickup_eta_s: 60,
        travel_source: Some(TravelSource::Roads),
        expires_ms: 15_000,
    };
    trip.apply(&offered, 0).unwrap();
    Arc::new(OneTrip(Mutex::new(trip)))
}

struct OneTrip(Mutex<Trip>);

impl OneTrip {
    fn take(&self, by: DriverId, id: &TripId, action: DriverAction) -> Result<TripState, Error> {
        let mut trip = self.0.lock().unwrap();
        if trip.id != *id {
            return Err(Error::NotFound { what: "trip", id: id.to_string() });
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
                None => return Err(Error::FailedPrecondition(format!("trip {id} is {}", trip.state))),
            },
            DriverAction::Cancel { reason } => {
                TripEvent::Cancelled { by: kerb_trips::CancelledBy::Driver { driver: by }, reason }
            }
        };
        trip.apply(&event, 0)?;
        Ok(trip.state)
    }

    fn task(&self, of: &DriverId) -> Option<DriverNotification> {
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
    kerb_trips::Receipt::of(trip, 0.0, trip.request.dropoff, 0).map(Box::new)
}

impl DriverEvents for OneTrip {
    fn act(&self, driver: DriverId, trip: TripId, action: DriverAction) -> Answer<'_, TripState> {
        ready(self.take(driver, &trip, action)).boxed()
    }

    fn connected(&self, driver: DriverId) -> Answer<'_, Option<DriverNotification>> {
        ready(Ok(self.task(&driver))).boxed()
    }

    fn disconnected(&self, _driver: DriverId) -> Answer<'_, ()> {
        ready(Ok(())).boxed()
    }
}
