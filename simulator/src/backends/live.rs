//! The service behind gRPC: running nodes, as apps see them. Each driver has a stream, and riders make calls.

mod driver_stream;
mod trip_events;

use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, poll_fn};
use futures::stream::{self, BoxStream, FuturesUnordered, SelectAll};
use futures::{FutureExt, StreamExt};
use kerb_loadgen::connect::Endpoints;
use kerb_proto::v1;
use kerb_proto::v1::dispatch_admin_service_client::DispatchAdminServiceClient;
use kerb_proto::v1::nearby_service_client::NearbyServiceClient;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;
use tonic::{Response, Status};

use self::driver_stream::{DriverStream, OpenStream, StreamMessage};
use self::trip_events::TripEvents;
use super::in_flight::{CallResult, InFlightCalls};
use super::trip_tracker::TripTracker;
use super::wire;
use crate::agents::agent_ids::AgentIds;
use crate::agents::messages::{ActionOutcome, AgentAction, DriverNumber};
use crate::checkers::position_log::PositionReport;
use crate::run::service::{Service, ServiceEvent, UpdateCounts};

/// Maximum streams that connect at the same time.
const CONNECTING_MAX: usize = 256;
/// Timeout of a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout for the end of all streams.
const SIGN_OFF_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum attempts of a ride request.
const REQUEST_ATTEMPTS_MAX: u32 = 10;
/// Interval between two attempts of a ride request.
const REQUEST_RETRY: Duration = Duration::from_millis(200);
/// The shortest `wait_max_ms` that the service accepts, milliseconds.
const WAIT_MIN_MS: u32 = 1_000;

/// The relation of the city's time to the service's time.
#[derive(Clone, Copy, Debug)]
pub struct TimeScale {
    /// Beginning of the run in the city's time.
    pub city_begins_ms: i64,
    /// Beginning of the run in the service's time.
    pub server_begins_ms: i64,
    /// Ratio of the city's time to the service's.
    pub speed_up: f64,
}

/// A client of running nodes.
pub struct LiveService {
    endpoints: Endpoints,
    ids: AgentIds,
    scale: TimeScale,
    classes: Vec<String>,
    streams: Vec<DriverStream>,
    messages: SelectAll<BoxStream<'static, StreamMessage>>,
    connecting: FuturesUnordered<BoxFuture<'static, Result<OpenStream, (DriverNumber, Status)>>>,
    trip_events: TripEvents,
    calls: InFlightCalls,
    trips: TripTracker,
    /// Events that arose without waiting.
    ready: Vec<ServiceEvent>,
    updates: UpdateCounts,
    /// Number of broken streams that connected again.
    pub reconnects: u64,
}

impl LiveService {
    /// Connects a stream for every driver and subscribes to the trip events of all markets.
    pub async fn connect(
        endpoints: Endpoints,
        ids: AgentIds,
        scale: TimeScale,
        classes: &[String],
    ) -> Result<Self, String> {
        let trip_events = TripEvents::subscribe(endpoints.get(0, 0)).await;
        let trip_events = trip_events.map_err(|status| format!("no events of trips: {status}"))?;
        let mut service = Self {
            trips: TripTracker::new(ids.clone()),
            streams: classes.iter().map(|_| DriverStream::default()).collect(),
            endpoints,
            ids,
            scale,
            classes: classes.to_vec(),
            messages: SelectAll::new(),
            connecting: FuturesUnordered::new(),
            trip_events,
            calls: InFlightCalls::default(),
            ready: Vec::new(),
            updates: UpdateCounts::default(),
            reconnects: 0,
        };
        service.connect_all().await?;
        Ok(service)
    }

    /// Sets the time scale. The city's time begins once all streams are connected.
    pub fn set_time_scale(&mut self, scale: TimeScale) {
        self.scale = scale;
    }

    async fn connect_all(&mut self) -> Result<(), String> {
        let all: Vec<_> =
            (0..).zip(&self.streams).map(|(driver, _)| self.connect_driver(DriverNumber(driver))).collect();
        let mut connecting = stream::iter(all).buffer_unordered(CONNECTING_MAX);
        let mut open = Vec::new();
        while let Some(connected) = connecting.next().await {
            let failed = |(driver, status)| format!("driver {driver} cannot connect: {status}");
            open.push(connected.map_err(failed)?);
        }
        drop(connecting);
        for stream in open {
            self.on_connected(stream);
        }
        Ok(())
    }

    fn connect_driver(
        &self,
        driver: DriverNumber,
    ) -> impl Future<Output = Result<OpenStream, (DriverNumber, Status)>> + use<> {
        let (node, number) = (driver.index(), driver.index() / self.endpoints.nodes());
        let register = v1::Register {
            driver_id: self.ids.driver(driver),
            vehicle_class: self.classes[driver.index()].clone(),
            resume_token: self.streams[driver.index()].resume_token.clone(),
            ..v1::Register::default()
        };
        driver_stream::connect(driver, self.endpoints.get(node, number), register)
    }

    fn on_connected(&mut self, stream: OpenStream) {
        self.streams[stream.driver.index()].on_connected(&stream);
        self.messages.push(stream.incoming);
    }

    /// Returns the channel of a rider or of a search.
    fn channel(&self, number: u32) -> Channel {
        self.endpoints.get(number as usize, number as usize / self.endpoints.nodes())
    }

    /// Removes all drivers from the index and ends their streams. Messages that arrive meanwhile are dropped.
    pub async fn sign_off(mut self) {
        for stream in &mut self.streams {
            stream.sign_off();
        }
        let ends = async { while self.messages.next().await.is_some() {} };
        // A stream that the service does not end in time is dropped here.
        _ = timeout(SIGN_OFF_TIMEOUT, ends).await;
    }

    fn on_message(&mut self, (driver, message): StreamMessage, events: &mut Vec<ServiceEvent>) {
        let stream = &mut self.streams[driver.index()];
        if let Some(message) = message {
            self.updates.failed += stream.on_message(driver, message, events);
        } else {
            stream.on_closed(driver, events);
            self.reconnects += 1;
            self.connecting.push(self.connect_driver(driver).boxed());
        }
    }

    fn poll_events(&mut self, context: &mut Context<'_>, events: &mut Vec<ServiceEvent>) -> Poll<()> {
        events.append(&mut self.ready);
        self.calls.poll(context, events);
        while let Poll::Ready(event) = self.trip_events.poll(context) {
            self.trips.on_event(event, events);
        }
        while let Poll::Ready(Some(message)) = self.messages.poll_next_unpin(context) {
            self.on_message(message, events);
        }
        while let Poll::Ready(Some(connected)) = self.connecting.poll_next_unpin(context) {
            match connected {
                Ok(stream) => {
                    self.on_connected(stream);
                    // The new stream was added after the messages were polled, so this task must run again.
                    context.waker().wake_by_ref();
                }
                Err((driver, status)) => {
                    events.push(ServiceEvent::Fault(format!("driver {driver} cannot connect: {status}")));
                }
            }
        }
        if events.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Service for LiveService {
    fn server_ms(&self, city_ms: i64) -> i64 {
        let TimeScale { city_begins_ms, server_begins_ms, speed_up } = self.scale;
        server_begins_ms + ((city_ms - city_begins_ms) as f64 / speed_up) as i64
    }

    fn report(&mut self, reports: &[PositionReport]) {
        self.updates.sent += reports.len() as u64;
        let lost =
            reports.iter().filter(|report| !self.streams[report.driver.index()].report(report)).count();
        self.updates.failed += lost as u64;
    }

    fn submit(&mut self, action: AgentAction) {
        match action {
            AgentAction::Report { .. } => {}
            AgentAction::Request { request, pickup, dropoff, passengers, vehicle_class, wait_max_ms } => {
                let wait_ms = (f64::from(wait_max_ms) / self.scale.speed_up) as u32;
                let (ends, vehicle) = ((pickup, dropoff), (passengers, vehicle_class));
                let call = wire::ride_request(&self.ids, request, ends, vehicle, wait_ms.max(WAIT_MIN_MS));
                let client = RideServiceClient::new(self.channel(request.0));
                self.calls.start("request", async move {
                    CallResult::Request(request, Box::new(request_with_retries(client, call).await))
                });
            }
            AgentAction::Cancel { request } => {
                let rider_id = self.ids.rider(request);
                let Some(trip_id) = self.trips.trip_of(request) else { return };
                let call = v1::CancelTripRequest { rider_id, trip_id, reason: "takes too long".to_owned() };
                let mut client = RideServiceClient::new(self.channel(request.0));
                self.calls.start("cancel", async move {
                    _ = with_timeout(client.cancel_trip(call)).await;
                    CallResult::Cancel
                });
            }
            AgentAction::Trip { driver, trip, action } => {
                let failed = self.streams[driver.index()].act(driver, trip, action);
                self.ready.extend(failed);
            }
            AgentAction::SwitchPolicy { .. } => {
                self.ready.push(ServiceEvent::Fault("a running node does not change its policy".to_owned()));
            }
        }
    }

    fn search(&mut self, number: u64, query: v1::FindNearbyRequest) {
        // Only the remainder matters for the choice of a channel, so the cast may wrap.
        let mut client = NearbyServiceClient::new(self.channel(number as u32));
        self.calls.start("search", async move {
            CallResult::Search(number, with_timeout(client.find_nearby(query)).await)
        });
    }

    fn poll_markets(&mut self) {
        let mut client = DispatchAdminServiceClient::new(self.channel(0));
        self.calls.start("list_markets", async move {
            CallResult::Markets(with_timeout(client.list_markets(v1::ListMarketsRequest {})).await)
        });
    }

    async fn next(&mut self, events: &mut Vec<ServiceEvent>) {
        poll_fn(|context| self.poll_events(context, events)).await;
    }

    fn updates(&self) -> UpdateCounts {
        self.updates
    }
}

/// Repeats a ride request under its idempotency key until the service decides.
async fn request_with_retries(
    mut client: RideServiceClient<Channel>,
    request: v1::RequestRideRequest,
) -> Result<v1::Trip, Status> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match with_timeout(client.request_ride(request.clone())).await {
            Err(status)
                if attempts < REQUEST_ATTEMPTS_MAX
                    && wire::action_outcome(status.code()) == ActionOutcome::Retry =>
            {
                sleep(REQUEST_RETRY).await;
            }
            answer => return answer,
        }
    }
}

async fn with_timeout<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Status> {
    let answer = timeout(CALL_TIMEOUT, call).await;
    Ok(answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer")))?.into_inner())
}
