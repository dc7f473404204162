//! The service behind gRPC: any running Kerb, as apps see it. A stream for every driver, calls for the riders.

mod events;
mod phone;

use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, poll_fn};
use futures::stream::{self, BoxStream, FuturesUnordered, SelectAll};
use futures::{FutureExt, StreamExt};
use kerb_proto::v1;
use kerb_proto::v1::dispatch_admin_service_client::DispatchAdminServiceClient;
use kerb_proto::v1::nearby_service_client::NearbyServiceClient;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;
use tonic::{Response, Status};

use self::events::Events;
use self::phone::{Came, Opened, Phone};
use super::calls::{Calls, Done};
use super::message::{DriverNumber, Outcome, Said};
use super::names::Names;
use super::service::{News, Row, Service, Updates};
use super::trips::Trips;
use super::wire;
use kerb_loadgen::connect::Endpoints;

/// Streams that are opened at one time.
const OPENING_MAX: usize = 256;
/// A call is answered in this time, or counts as failed.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Streams are ended in this time.
const GOODBYE_MAX: Duration = Duration::from_secs(10);
/// A request is sent so many times, until it is answered,
const TRIES: u32 = 10;
/// with this between.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// The service's shortest wait, milliseconds.
const WAIT_MIN_MS: u32 = 1_000;

/// How the city's time is the service's.
#[derive(Clone, Copy, Debug)]
pub struct TimeScale {
    /// When the city's time begins.
    pub city_begins_ms: i64,
    /// The service's time then.
    pub server_begins_ms: i64,
    /// The city's time over the service's.
    pub speed_up: f64,
}

/// A running Kerb.
pub struct LiveService {
    endpoints: Endpoints,
    names: Names,
    scale: TimeScale,
    classes: Vec<String>,
    phones: Vec<Phone>,
    coming: SelectAll<BoxStream<'static, Came>>,
    opening: FuturesUnordered<BoxFuture<'static, Result<Opened, (DriverNumber, Status)>>>,
    events: Events,
    calls: Calls,
    trips: Trips,
    /// News that were there at once.
    ready: Vec<News>,
    updates: Updates,
    /// Streams that broke and were opened again.
    pub reconnects: u64,
}

impl LiveService {
    /// Opens a stream for every driver and subscribes to the events. An error in words says what is not there.
    pub async fn connect(
        endpoints: Endpoints,
        names: Names,
        scale: TimeScale,
        classes: &[String],
    ) -> Result<Self, String> {
        let events = Events::subscribe(endpoints.get(0, 0)).await;
        let events = events.map_err(|status| format!("no events of trips: {status}"))?;
        let mut service = Self {
            trips: Trips::new(names.clone()),
            phones: classes.iter().map(|_| Phone::default()).collect(),
            endpoints,
            names,
            scale,
            classes: classes.to_vec(),
            coming: SelectAll::new(),
            opening: FuturesUnordered::new(),
            events,
            calls: Calls::default(),
            ready: Vec::new(),
            updates: Updates::default(),
            reconnects: 0,
        };
        service.open_all().await?;
        Ok(service)
    }

    /// The city's time begins now, not when the streams were opened.
    pub fn begin_at(&mut self, scale: TimeScale) {
        self.scale = scale;
    }

    async fn open_all(&mut self) -> Result<(), String> {
        let all: Vec<_> = (0..self.phones.len() as DriverNumber).map(|driver| self.open(driver)).collect();
        let mut opening = stream::iter(all).buffer_unordered(OPENING_MAX);
        let mut opened = Vec::new();
        while let Some(one) = opening.next().await {
            let failed = |(driver, status)| format!("driver {driver} cannot connect: {status}");
            opened.push(one.map_err(failed)?);
        }
        drop(opening);
        for opened in opened {
            self.connected(opened);
        }
        Ok(())
    }

    fn open(
        &self,
        driver: DriverNumber,
    ) -> impl Future<Output = Result<Opened, (DriverNumber, Status)>> + use<> {
        let (node, number) = (driver as usize, driver as usize / self.endpoints.nodes());
        let register = v1::Register {
            driver_id: self.names.driver(driver),
            vehicle_class: self.classes[driver as usize].clone(),
            resume_token: self.phones[driver as usize].resume_token.clone(),
            ..v1::Register::default()
        };
        phone::open(driver, self.endpoints.get(node, number), register)
    }

    fn connected(&mut self, opened: Opened) {
        self.phones[opened.driver as usize].connect(&opened);
        self.coming.push(opened.incoming);
    }

    fn channel(&self, number: u32) -> Channel {
        self.endpoints.get(number as usize, number as usize / self.endpoints.nodes())
    }

    /// All drivers leave the index and end their streams. What they are told meanwhile is not heard.
    pub async fn sign_off(mut self) {
        for phone in &mut self.phones {
            phone.sign_off();
        }
        let ends = async { while self.coming.next().await.is_some() {} };
        // A service that does not end a stream loses it when it is dropped here.
        _ = timeout(GOODBYE_MAX, ends).await;
    }

    fn came(&mut self, (driver, message): Came, news: &mut Vec<News>) {
        let phone = &mut self.phones[driver as usize];
        if let Some(message) = message {
            self.updates.failed += phone.heard(driver, message, news);
        } else {
            phone.broke(driver, news);
            self.reconnects += 1;
            self.opening.push(self.open(driver).boxed());
        }
    }

    fn poll_news(&mut self, context: &mut Context<'_>, news: &mut Vec<News>) -> Poll<()> {
        news.append(&mut self.ready);
        self.calls.poll(context, &mut self.trips, news);
        while let Poll::Ready(event) = self.events.poll(context) {
            self.trips.event(event, news);
        }
        while let Poll::Ready(Some(came)) = self.coming.poll_next_unpin(context) {
            self.came(came, news);
        }
        while let Poll::Ready(Some(opened)) = self.opening.poll_next_unpin(context) {
            match opened {
                Ok(opened) => {
                    self.connected(opened);
                    context.waker().wake_by_ref();
                }
                Err((driver, status)) => {
                    news.push(News::Fault(format!("driver {driver} cannot connect: {status}")));
                }
            }
        }
        if news.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Service for LiveService {
    fn server_ms(&self, city_ms: i64) -> i64 {
        let TimeScale { city_begins_ms, server_begins_ms, speed_up } = self.scale;
        server_begins_ms + ((city_ms - city_begins_ms) as f64 / speed_up) as i64
    }

    fn report(&mut self, rows: &[Row]) {
        self.updates.sent += rows.len() as u64;
        let lost = rows.iter().filter(|row| !self.phones[row.driver as usize].report(row)).count();
        self.updates.failed += lost as u64;
    }

    fn say(&mut self, said: Said) {
        match said {
            Said::Report { .. } => {}
            Said::Request { request, pickup, dropoff, passengers, vehicle_class, wait_max_ms } => {
                let wait_ms = (f64::from(wait_max_ms) / self.scale.speed_up) as u32;
                let (ways, wanted) = ((pickup, dropoff), (passengers, vehicle_class));
                let wire = wire::request(&self.names, request, ways, wanted, wait_ms.max(WAIT_MIN_MS));
                let client = RideServiceClient::new(self.channel(request));
                self.calls.begin("request", async move {
                    Done::Requested(request, Box::new(ask_until_answered(client, wire).await))
                });
            }
            Said::Cancel { request } => {
                let rider_id = self.names.rider(request);
                let Some(trip_id) = self.trips.of(request) else { return };
                let call = v1::CancelTripRequest { rider_id, trip_id, reason: "takes too long".to_owned() };
                let mut client = RideServiceClient::new(self.channel(request));
                self.calls.begin("cancel", async move {
                    _ = in_time(client.cancel_trip(call)).await;
                    Done::Cancelled
                });
            }
            Said::Act { driver, trip, action } => {
                let news = self.phones[driver as usize].act(driver, trip, action);
                self.ready.extend(news);
            }
            Said::Switch { .. } => {
                self.ready.push(News::Fault("a running node does not change its policy".to_owned()));
            }
        }
    }

    fn ask(&mut self, number: u64, query: v1::FindNearbyRequest) {
        let mut client = NearbyServiceClient::new(self.channel(number as u32));
        self.calls
            .begin("search", async move { Done::Found(number, in_time(client.find_nearby(query)).await) });
    }

    fn look(&mut self) {
        let mut client = DispatchAdminServiceClient::new(self.channel(0));
        self.calls.begin("look", async move {
            Done::Looked(in_time(client.list_markets(v1::ListMarketsRequest {})).await)
        });
    }

    async fn next(&mut self, news: &mut Vec<News>) {
        poll_fn(|context| self.poll_news(context, news)).await;
    }

    fn updates(&self) -> Updates {
        self.updates
    }
}

/// Under one key, so that a repeat is the same request.
async fn ask_until_answered(
    mut client: RideServiceClient<Channel>,
    request: v1::RequestRideRequest,
) -> Result<v1::Trip, Status> {
    let mut tries = 0;
    loop {
        tries += 1;
        match in_time(client.request_ride(request.clone())).await {
            Err(status) if tries < TRIES && wire::outcome(status.code()) == Outcome::Again => {
                sleep(AGAIN_AFTER).await;
            }
            answer => return answer,
        }
    }
}

async fn in_time<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Status> {
    let answer = timeout(ANSWER_MAX, call).await;
    Ok(answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer")))?.into_inner())
}
