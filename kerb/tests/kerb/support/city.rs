//! A city of riders and cabs that retry until they succeed, and the ledger of what the service acknowledged to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::trip_action::Action;
use kerb_proto::v1::trip_event::Event;
use kerb_proto::v1::{
    AcceptOffer, ActionResult, ArriveAtPickup, DropOffRider, LatLng, PickUpRider, RequestRideRequest,
    TripEvent, TripState,
};

use crate::support::driver::{DriverStream, register, update};
use crate::support::eventually::ticks;
use crate::support::process::channel;

/// The present addresses of the nodes that drivers and riders call.
#[derive(Clone)]
pub(crate) struct Endpoints(Arc<Mutex<[String; 2]>>);

impl Endpoints {
    pub(crate) fn new(drivers: &str, riders: &str) -> Self {
        Self(Arc::new(Mutex::new([drivers.to_owned(), riders.to_owned()])))
    }

    pub(crate) fn set(&self, drivers: &str, riders: &str) {
        *self.0.lock().expect("no panic") = [drivers.to_owned(), riders.to_owned()];
    }

    fn drivers(&self) -> String {
        self.0.lock().expect("no panic")[0].clone()
    }

    fn riders(&self) -> String {
        self.0.lock().expect("no panic")[1].clone()
    }
}

/// The requests and actions that the service acknowledged.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<LedgerEntries>);

#[derive(Default)]
struct LedgerEntries {
    /// The trip of each rider.
    trips: BTreeMap<String, String>,
    /// Trip, driver, and the state after the driver's action.
    actions: BTreeSet<(String, String, i32)>,
}

impl Ledger {
    /// Returns the number of acknowledgements.
    pub(crate) fn len(&self) -> usize {
        let entries = self.0.lock().expect("no panic");
        entries.trips.len() + entries.actions.len()
    }

    fn add_request(&self, rider: &str, trip: &str) {
        let first = self.0.lock().expect("no panic").trips.insert(rider.to_owned(), trip.to_owned());
        assert!(first.is_none_or(|first| first == trip), "one key, two trips");
    }

    fn add_action(&self, driver: &str, result: &ActionResult) {
        let entry = (result.trip_id.clone(), driver.to_owned(), result.state);
        self.0.lock().expect("no panic").actions.insert(entry);
    }

    /// Asserts that all acknowledged requests and actions are in the events, and that no driver and no trip was assigned
    /// twice.
    pub(crate) fn check(&self, events: &[TripEvent]) {
        let entries = self.0.lock().expect("no panic");
        let requested: BTreeSet<_> = events
            .iter()
            .filter(|e| matches!(e.event, Some(Event::Requested(_))))
            .map(|e| &e.trip_id)
            .collect();
        assert_eq!(requested.len(), entries.trips.len(), "a repeat under the same key is the same trip");
        assert!(
            entries.trips.values().all(|trip| requested.contains(trip)),
            "an acknowledged request is lost"
        );
        let mut assignments = Assignments::default();
        for event in events {
            assignments.apply(event);
        }
        for (trip, driver, state) in &entries.actions {
            let seen = assignments.seen.contains(&(trip.clone(), driver.clone(), *state));
            assert!(seen, "acknowledged and lost: {driver} changed {trip} to {state}");
        }
    }
}

/// The drivers of trips and the trips of drivers, event by event.
#[derive(Default)]
struct Assignments {
    driver_of: BTreeMap<String, String>,
    trip_of: BTreeMap<String, String>,
    seen: BTreeSet<(String, String, i32)>,
}

impl Assignments {
    fn apply(&mut self, event: &TripEvent) {
        let trip = &event.trip_id;
        // The number of the state on the wire.
        let now = |state: TripState| state as i32;
        match event.event.as_ref().expect("an event") {
            Event::Offered(offered) => {
                let driver = &offered.driver_id;
                let before = self.driver_of.insert(trip.clone(), driver.clone());
                assert_eq!(before, None, "{trip} is assigned twice");
                let before = self.trip_of.insert(driver.clone(), trip.clone());
                assert_eq!(before, None, "{driver} is assigned twice");
            }
            Event::Accepted(e) => self.record_state(trip, &e.driver_id, now(TripState::EnRoute)),
            Event::Arrived(e) => {
                self.trip_of.retain(|driver, of| of != trip || *driver == e.driver_id);
                self.record_state(trip, &e.driver_id, now(TripState::Arrived));
            }
            Event::PickedUp(e) => {
                self.trip_of.retain(|driver, of| of != trip || *driver == e.driver_id);
                self.record_state(trip, &e.driver_id, now(TripState::OnTrip));
            }
            Event::Completed(receipt) => {
                self.record_state(trip, &receipt.driver_id, now(TripState::Completed));
                self.free(trip);
            }
            Event::OfferReturned(_) | Event::DriverLost(_) | Event::Expired(_) | Event::Cancelled(_) => {
                self.free(trip);
            }
            Event::ReassignmentOffered(offered) => {
                let before = self.trip_of.insert(offered.driver_id.clone(), trip.clone());
                assert_eq!(before, None, "{} is assigned twice", offered.driver_id);
            }
            Event::ReassignmentReturned(returned) => _ = self.trip_of.remove(&returned.driver_id),
            Event::Reassigned(e) => {
                let before = self.driver_of.insert(trip.clone(), e.driver_id.clone());
                assert_eq!(before.as_ref(), Some(&e.from_driver_id), "{trip} had another driver");
                assert_eq!(self.trip_of.get(&e.driver_id), Some(trip), "{} had no offer", e.driver_id);
                self.trip_of.remove(&e.from_driver_id);
                self.record_state(trip, &e.driver_id, now(TripState::EnRoute));
            }
            Event::Requested(_) | Event::Metered(_) => {}
        }
    }

    fn record_state(&mut self, trip: &str, driver: &str, state: i32) {
        assert_eq!(
            self.driver_of.get(trip).map(String::as_str),
            Some(driver),
            "{driver} is not the driver of {trip}"
        );
        self.seen.insert((trip.to_owned(), driver.to_owned(), state));
    }

    fn free(&mut self, trip: &str) {
        self.driver_of.remove(trip);
        self.trip_of.retain(|_, of| of != trip);
    }
}

/// Returns the next action of a driver in this state of the trip.
pub(crate) fn next_action(state: TripState) -> Option<Action> {
    match state {
        TripState::Offered => Some(Action::Accept(AcceptOffer {})),
        TripState::EnRoute => Some(Action::Arrived(ArriveAtPickup {})),
        TripState::Arrived => Some(Action::PickedUp(PickUpRider {})),
        TripState::OnTrip => Some(Action::DroppedOff(DropOffRider {})),
        _ => None,
    }
}

/// Simulates a cab that accepts every offer, completes every trip, and reconnects when its stream breaks. It never ends.
pub(crate) async fn cab(endpoints: Endpoints, id: String, position: (f64, f64), ledger: Arc<Ledger>) {
    let mut attempts = ticks(Duration::from_millis(100));
    let mut sequence = 0;
    loop {
        attempts.tick().await;
        let opened = DriverStream::open(channel(&endpoints.drivers()), register(&id)).await;
        let Ok(mut stream) = opened else { continue };
        sequence = stream.registered.last_sequence.max(sequence);
        let mut reports = ticks(Duration::from_secs(1));
        loop {
            let is_open = tokio::select! {
                _ = reports.tick() => {
                    sequence += 1;
                    stream.send(update(sequence, position.0, position.1)).await
                }
                message = stream.next() => match message {
                    Ok(Down::Assignment(assignment)) => {
                        send_next_action(&mut stream, &assignment.trip_id, assignment.state()).await
                    }
                    Ok(Down::Result(result)) if result.code == 0 => {
                        ledger.add_action(&id, &result);
                        send_next_action(&mut stream, &result.trip_id, result.state()).await
                    }
                    // These codes mean that the matcher is not reachable. After a reconnect, it sends the trip again.
                    Ok(Down::Result(result)) => ![4, 8, 14].contains(&result.code),
                    Ok(_) => true,
                    Err(_) => false,
                },
            };
            if !is_open {
                break;
            }
        }
    }
}

async fn send_next_action(stream: &mut DriverStream, trip_id: &str, state: TripState) -> bool {
    match next_action(state) {
        Some(action) => stream.send_action(trip_id, action).await,
        None => true,
    }
}

/// Makes the request of a ride of 1.1 km.
pub(crate) fn ride_request(rider: &str, pickup: (f64, f64)) -> RequestRideRequest {
    let at = |(latitude_deg, longitude_deg)| Some(LatLng { latitude_deg, longitude_deg });
    RequestRideRequest {
        rider_id: rider.to_owned(),
        idempotency_key: "ride".to_owned(),
        pickup: at(pickup),
        dropoff: at((pickup.0 + 0.01, pickup.1)),
        ..RequestRideRequest::default()
    }
}

/// Simulates a rider who repeats a request until it is acknowledged.
pub(crate) async fn rider(endpoints: Endpoints, id: String, pickup: (f64, f64), ledger: Arc<Ledger>) {
    let mut attempts = ticks(Duration::from_millis(100));
    loop {
        attempts.tick().await;
        let mut rides = RideServiceClient::new(channel(&endpoints.riders()));
        if let Ok(trip) = rides.request_ride(ride_request(&id, pickup)).await {
            return ledger.add_request(&id, &trip.into_inner().trip_id);
        }
    }
}
