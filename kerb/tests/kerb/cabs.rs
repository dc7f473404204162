//! A city of riders and cabs that never give up, and the ledger of what they were told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::trip_action::Action;
use kerb_proto::v1::trip_event::Event;
use kerb_proto::v1::{
    AcceptOffer, ActionResult, Arrived, DroppedOff, LatLng, PickedUp, RequestRideRequest, TripEvent,
    TripState,
};

use crate::driver::{DriverStream, register, update};
use crate::eventually::beat;
use crate::process::channel;

/// Where the city's doors are now: for drivers, and for riders.
#[derive(Clone)]
pub(crate) struct Doors(Arc<Mutex<[String; 2]>>);

impl Doors {
    pub(crate) fn new(drivers: &str, riders: &str) -> Self {
        Self(Arc::new(Mutex::new([drivers.to_owned(), riders.to_owned()])))
    }

    pub(crate) fn moved(&self, drivers: &str, riders: &str) {
        *self.0.lock().expect("no panic") = [drivers.to_owned(), riders.to_owned()];
    }

    fn drivers(&self) -> String {
        self.0.lock().expect("no panic")[0].clone()
    }

    fn riders(&self) -> String {
        self.0.lock().expect("no panic")[1].clone()
    }
}

/// What was acknowledged.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Told>);

#[derive(Default)]
struct Told {
    /// Rider to trip.
    trips: BTreeMap<String, String>,
    /// Trip, driver and the state that the driver's action came to.
    actions: BTreeSet<(String, String, i32)>,
}

impl Ledger {
    /// How much was acknowledged.
    pub(crate) fn len(&self) -> usize {
        let told = self.0.lock().expect("no panic");
        told.trips.len() + told.actions.len()
    }

    fn requested(&self, rider: &str, trip: &str) {
        let first = self.0.lock().expect("no panic").trips.insert(rider.to_owned(), trip.to_owned());
        assert!(first.is_none_or(|first| first == trip), "one key, two trips");
    }

    fn acted(&self, driver: &str, result: &ActionResult) {
        let entry = (result.trip_id.clone(), driver.to_owned(), result.state);
        self.0.lock().expect("no panic").actions.insert(entry);
    }

    /// Everything that was acknowledged is in the events, and no driver and no trip was promised twice.
    pub(crate) fn judge(&self, events: &[TripEvent]) {
        let told = self.0.lock().expect("no panic");
        let requested: BTreeSet<_> = events
            .iter()
            .filter(|e| matches!(e.event, Some(Event::Requested(_))))
            .map(|e| &e.trip_id)
            .collect();
        assert_eq!(requested.len(), told.trips.len(), "a repeat under the same key is the same trip");
        assert!(told.trips.values().all(|trip| requested.contains(trip)), "an acknowledged request is lost");
        let mut promises = Promises::default();
        for event in events {
            promises.follow(event);
        }
        for (trip, driver, state) in &told.actions {
            let seen = promises.seen.contains(&(trip.clone(), driver.clone(), *state));
            assert!(seen, "acknowledged and lost: {driver} made {trip} {state}");
        }
    }
}

/// Who is promised to whom, event by event.
#[derive(Default)]
struct Promises {
    driver_of: BTreeMap<String, String>,
    trip_of: BTreeMap<String, String>,
    seen: BTreeSet<(String, String, i32)>,
}

impl Promises {
    fn follow(&mut self, event: &TripEvent) {
        let trip = &event.trip_id;
        let now = |state: TripState| state as i32;
        match event.event.as_ref().expect("an event") {
            Event::Offered(offered) => {
                let driver = &offered.driver_id;
                let before = self.driver_of.insert(trip.clone(), driver.clone());
                assert_eq!(before, None, "{trip} is promised twice");
                let before = self.trip_of.insert(driver.clone(), trip.clone());
                assert_eq!(before, None, "{driver} is promised twice");
            }
            Event::Accepted(e) => self.made(trip, &e.driver_id, now(TripState::EnRoute)),
            Event::Arrived(e) => {
                self.trip_of.retain(|driver, of| of != trip || *driver == e.driver_id);
                self.made(trip, &e.driver_id, now(TripState::Arrived));
            }
            Event::PickedUp(e) => {
                self.trip_of.retain(|driver, of| of != trip || *driver == e.driver_id);
                self.made(trip, &e.driver_id, now(TripState::OnTrip));
            }
            Event::Completed(receipt) => {
                self.made(trip, &receipt.driver_id, now(TripState::Completed));
                self.free(trip);
            }
            Event::OfferReturned(_) | Event::DriverLost(_) | Event::Expired(_) | Event::Cancelled(_) => {
                self.free(trip);
            }
            Event::ReassignmentOffered(offered) => {
                let before = self.trip_of.insert(offered.driver_id.clone(), trip.clone());
                assert_eq!(before, None, "{} is promised twice", offered.driver_id);
            }
            Event::ReassignmentReturned(returned) => _ = self.trip_of.remove(&returned.driver_id),
            Event::Reassigned(e) => {
                let before = self.driver_of.insert(trip.clone(), e.driver_id.clone());
                assert_eq!(before.as_ref(), Some(&e.from_driver_id), "{trip} was another's");
                assert_eq!(self.trip_of.get(&e.driver_id), Some(trip), "{} was not asked", e.driver_id);
                self.trip_of.remove(&e.from_driver_id);
                self.made(trip, &e.driver_id, now(TripState::EnRoute));
            }
            Event::Requested(_) | Event::Metered(_) => {}
        }
    }

    fn made(&mut self, trip: &str, driver: &str, state: i32) {
        assert_eq!(self.driver_of.get(trip).map(String::as_str), Some(driver), "{trip} is not {driver}'s");
        self.seen.insert((trip.to_owned(), driver.to_owned(), state));
    }

    fn free(&mut self, trip: &str) {
        self.driver_of.remove(trip);
        self.trip_of.retain(|_, of| of != trip);
    }
}

/// What a driver does next about a trip in this state.
pub(crate) fn next_action(state: TripState) -> Option<Action> {
    match state {
        TripState::Offered => Some(Action::Accept(AcceptOffer {})),
        TripState::EnRoute => Some(Action::Arrived(Arrived {})),
        TripState::Arrived => Some(Action::PickedUp(PickedUp {})),
        TripState::OnTrip => Some(Action::DroppedOff(DroppedOff {})),
        _ => None,
    }
}

/// A cab that takes every offer and drives it to its end, and comes back when its stream breaks.
pub(crate) async fn cab(doors: Doors, id: String, place: (f64, f64), ledger: Arc<Ledger>) {
    let mut attempts = beat(Duration::from_millis(100));
    let mut sequence = 0;
    loop {
        attempts.tick().await;
        let opened = DriverStream::open(channel(&doors.drivers()), register(&id)).await;
        let Ok(mut stream) = opened else { continue };
        sequence = stream.registered.last_sequence.max(sequence);
        let mut reports = beat(Duration::from_secs(1));
        loop {
            let is_open = tokio::select! {
                _ = reports.tick() => {
                    sequence += 1;
                    stream.send(update(sequence, place.0, place.1)).await
                }
                news = stream.next() => match news {
                    Ok(Down::Assignment(task)) => go_on(&mut stream, &task.trip_id, task.state()).await,
                    Ok(Down::Result(result)) if result.code == 0 => {
                        ledger.acted(&id, &result);
                        go_on(&mut stream, &result.trip_id, result.state()).await
                    }
                    // A matcher that is away: as a reconnect, it is asked again what there is to do.
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

async fn go_on(stream: &mut DriverStream, trip_id: &str, state: TripState) -> bool {
    match next_action(state) {
        Some(action) => stream.say(trip_id, action).await,
        None => true,
    }
}

/// A ride across the city.
pub(crate) fn wish(rider: &str, pickup: (f64, f64)) -> RequestRideRequest {
    let at = |(latitude_deg, longitude_deg)| Some(LatLng { latitude_deg, longitude_deg });
    RequestRideRequest {
        rider_id: rider.to_owned(),
        idempotency_key: "ride".to_owned(),
        pickup: at(pickup),
        dropoff: at((pickup.0 + 0.01, pickup.1)),
        ..RequestRideRequest::default()
    }
}

/// A rider who asks until there is an answer.
pub(crate) async fn rider(doors: Doors, id: String, pickup: (f64, f64), ledger: Arc<Ledger>) {
    let mut attempts = beat(Duration::from_millis(100));
    loop {
        attempts.tick().await;
        let mut rides = RideServiceClient::new(channel(&doors.riders()));
        if let Ok(trip) = rides.request_ride(wish(&id, pickup)).await {
            return ledger.requested(&id, &trip.into_inner().trip_id);
        }
    }
}
