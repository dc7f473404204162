//! A rider's app: asks under one key until it is answered, watches the trip to its end, and may give up.

use std::sync::Arc;
use std::time::Duration;

use kerb_fleet::TripState;
use kerb_proto::v1;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::watch_trip_response::News;
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::city::City;
use super::rider::{Plan, Step};
use super::wire;
use crate::question::lat_lng;

/// A request is sent so many times, until it is answered.
const TRIES: u32 = 10;
/// Between two tries.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// An answer comes in this time, or the call counts as failed.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// At the end, the newest change of a trip comes down its watch in this time.
const CATCH_UP_MAX: Duration = Duration::from_secs(5);

struct Rider {
    plan: Plan,
    city: Arc<City>,
    id: String,
    service: RideServiceClient<Channel>,
    trip: String,
    gave_up: bool,
}

/// How following a watch ended.
enum Followed {
    /// With the trip.
    Ended,
    /// With the run.
    Over,
}

/// Rides as planned. From `over` on nothing new is begun, only the newest changes are looked at.
pub(super) async fn ride(city: Arc<City>, plan: Plan, over: CancellationToken) {
    tokio::select! {
        () = over.cancelled() => return,
        () = sleep_until(city.clock.instant_of(plan.at_ms)) => {}
    }
    let service = RideServiceClient::new(city.riders.get(plan.number, plan.number / city.riders.nodes()));
    let id = city.rider_id(plan.number);
    let mut rider = Rider { plan, city, id, service, trip: String::new(), gave_up: false };
    match rider.ask().await {
        Ok(trip) => {
            rider.trip.clone_from(&trip.trip_id);
            rider.city.book.lock().begin(rider.plan.number, trip.trip_id);
            rider.watch(&over).await;
        }
        Err(status) => {
            let mut book = rider.city.book.lock();
            *book.seen.requests_refused.entry(format!("{:?}", status.code())).or_default() += 1;
            book.note(format!("{} was refused: {}: {}", rider.id, status.code(), status.message()));
        }
    }
}

impl Rider {
    async fn ask(&mut self) -> Result<v1::Trip, Status> {
        let request = v1::RequestRideRequest {
            rider_id: self.id.clone(),
            idempotency_key: self.city.key(self.plan.number),
            pickup: Some(lat_lng(self.plan.pickup)),
            dropoff: Some(lat_lng(self.plan.dropoff)),
            vehicle_class: self.city.options.vehicle_class.clone(),
            party_size: self.plan.party_size,
            wait_max_ms: self.city.real_ms(self.city.options.wait_max_ms),
            ..v1::RequestRideRequest::default()
        };
        let mut tries = 0;
        loop {
            tries += 1;
            match in_time(self.service.request_ride(request.clone())).await {
                Err(status) if tries < TRIES && wire::may_pass(&status) => sleep(AGAIN_AFTER).await,
                answered => return answered,
            }
        }
    }

    /// Watches to the trip's end, or to the newest change at the end of the run.
    async fn watch(&mut self, over: &CancellationToken) {
        loop {
            match self.follow(over).await {
                Ok(Followed::Ended) => return,
                Ok(Followed::Over) => break,
                Err(status) => {
                    let mut book = self.city.book.lock();
                    book.seen.watches_reopened += 1;
                    let text =
                        format!("the watch of {} broke: {}: {}", self.id, status.code(), status.message());
                    book.note(text);
                }
            }
            tokio::select! {
                () = over.cancelled() => break,
                () = sleep(AGAIN_AFTER) => {}
            }
        }
        if let Err(status) = timeout(CATCH_UP_MAX, self.catch_up()).await.unwrap_or_else(|_| {
            Err(Status::deadline_exceeded("the newest change did not come down the watch"))
        }) {
            let text = format!("{} did not learn how its trip stands: {}", self.id, status.message());
            self.city.book.lock().note(text);
        }
    }

    async fn follow(&mut self, over: &CancellationToken) -> Result<Followed, Status> {
        let mut news = self.open_watch().await?;
        let gives_up = self.city.clock.instant_of(self.plan.gives_up_ms.unwrap_or(i64::MAX));
        loop {
            tokio::select! {
                message = news.message() => match message? {
                    Some(message) => self.heard(message),
                    None if self.state().is_live() => {
                        return Err(Status::cancelled("the server ended the watch of a live trip"));
                    }
                    None => return Ok(Followed::Ended),
                },
                () = sleep_until(gives_up), if !self.gave_up => self.give_up().await,
                () = over.cancelled() => return Ok(Followed::Over),
            }
        }
    }

    async fn open_watch(&mut self) -> Result<Streaming<v1::WatchTripResponse>, Status> {
        let after_number = self.city.book.lock().ride(self.plan.number).number();
        let (rider_id, trip_id) = (self.id.clone(), self.trip.clone());
        in_time(self.service.watch_trip(v1::WatchTripRequest { rider_id, trip_id, after_number })).await
    }

    /// Reads the watch up to what the trip itself says is its newest change.
    async fn catch_up(&mut self) -> Result<(), Status> {
        let (rider_id, trip_id) = (self.id.clone(), self.trip.clone());
        let trip = in_time(self.service.get_trip(v1::GetTripRequest { rider_id, trip_id })).await?;
        let seen = |rider: &Self| rider.city.book.lock().ride(rider.plan.number).number();
        if seen(self) >= trip.number {
            return Ok(());
        }
        let mut news = self.open_watch().await?;
        while seen(self) < trip.number {
            let message = news.message().await?;
            self.heard(message.ok_or_else(|| Status::cancelled("the watch ended too early"))?);
        }
        Ok(())
    }

    /// Too late is no fault: the rider is in the vehicle, or nobody came in time.
    async fn give_up(&mut self) {
        self.gave_up = true;
        let request = v1::CancelTripRequest {
            rider_id: self.id.clone(),
            trip_id: self.trip.clone(),
            reason: "takes too long".to_owned(),
        };
        if let Err(status) = in_time(self.service.cancel_trip(request)).await
            && wire::may_pass(&status)
        {
            self.city.book.lock().note(format!("{} could not cancel: {}", self.id, status.message()));
        }
    }

    fn state(&self) -> TripState {
        self.city.book.lock().ride(self.plan.number).state()
    }

    fn heard(&mut self, message: v1::WatchTripResponse) {
        let Some(News::Change(change)) = message.news else { return };
        let Some((number, step)) = wire::step(change) else { return };
        let mut book = self.city.book.lock();
        let told = self.told(&step);
        if !book.ride(self.plan.number).see(number, step) {
            book.seen.watch_gaps += 1;
        }
        if let Some(told) = told {
            book.tell(told);
        }
    }

    /// What the news may tell of a change.
    fn told(&self, step: &Step) -> Option<String> {
        let (rider, driver) = (self.plan.number, &step.driver);
        let after_s = (self.city.clock.now_ms() - self.plan.at_ms).max(0) / 1_000;
        let after = format!("{} min {:02} s after the request", after_s / 60, after_s % 60);
        match step.state {
            TripState::EnRoute => Some(format!("{driver} takes rider {rider}, {after}")),
            TripState::Arrived => Some(format!("{driver} stands at the pickup of rider {rider}, {after}")),
            TripState::Completed => Some(format!("{driver} has brought rider {rider} there, {after}")),
            _ => None,
        }
    }
}

async fn in_time<T>(call: impl Future<Output = Result<tonic::Response<T>, Status>>) -> Result<T, Status> {
    let answer = timeout(ANSWER_MAX, call).await;
    Ok(answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer")))?.into_inner())
}
