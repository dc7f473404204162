//! The service in this process, under a virtual clock.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::poll_fn;
use futures::stream::{BoxStream, SelectAll};
use futures::{Stream, StreamExt};
use kerb::settings::DataDir;
use kerb::{InProcess, LocalDriverStream, Settings, StartError, Surroundings};
use kerb_proto::v1;
use kerb_proto::v1::connect_response::Message;
use kerb_proto::v1::dispatch_admin_service_server::DispatchAdminService;
use kerb_proto::v1::ride_service_server::RideService;
use kerb_proto::v1::trip_event_service_server::TripEventService;
use kerb_routing::Roads;
use kerb_types::RuntimeClock;
use tonic::{Request, Status};

use super::calls::{Calls, Done};
use super::message::{DriverNumber, Said};
use super::names::Names;
use super::service::{News, Row, Service, Updates};
use super::trips::Trips;
use super::wire;

/// Drivers that are introduced to the gateway in one message.
const INTRODUCED_AT_ONCE: usize = 8_192;

/// All roles in this process, with a seat for every driver.
pub struct InProcessService {
    node: Arc<InProcess>,
    names: Names,
    gateway: kerb::Gateway,
    seats: Vec<LocalDriverStream>,
    seat_news: SelectAll<BoxStream<'static, (DriverNumber, Message)>>,
    events: SelectAll<BoxStream<'static, Result<v1::TripEvent, Status>>>,
    calls: Calls,
    trips: Trips,
    sent: u64,
}

impl InProcessService {
    /// Starts all roles, in memory alone, and seats the drivers. On a runtime of one thread whose time is paused.
    /// `settings` are as for a node; `roads`: `None` for those of the settings.
    pub async fn start(
        settings: Settings,
        clock: RuntimeClock,
        seed: u64,
        roads: Option<Arc<Roads>>,
        classes: &[String],
    ) -> Result<Self, StartFailed> {
        let mut settings = settings;
        settings.node.data_dir = DataDir(None);
        // Events are subscribed to below, before the first trip.
        let surroundings = Surroundings { clock: Arc::new(clock), seed, roads, truncates_journal: true };
        let node = Arc::new(InProcess::start(&settings, surroundings).await?);
        let names = Names::default();
        let mut gateway = node.gateway();
        let drivers = slot_bindings(&names, classes);
        for chunk in drivers.chunks(INTRODUCED_AT_ONCE) {
            let request = v1::ReportPositionsRequest { drivers: chunk.to_vec(), positions: None };
            gateway.take(request).map_err(|error| StartFailed::Drivers(error.to_string()))?;
        }
        let (mut seats, mut seat_news) = (Vec::new(), SelectAll::new());
        for (number, driver) in (0..).zip(drivers) {
            let register = v1::Register {
                driver_id: driver.driver_id,
                vehicle_class: driver.vehicle_class,
                ..v1::Register::default()
            };
            let seated =
                node.connect_local(&register).map_err(|status| StartFailed::Drivers(status.to_string()));
            let (seat, heard) = seated?;
            seats.push(seat);
            seat_news.push(
                heard.filter_map(move |said| async move { Some((number, said.ok()?.message?)) }).boxed(),
            );
        }
        let mut events = SelectAll::new();
        for market in node.markets() {
            let all = v1::SubscribeRequest { market: market.to_string(), after: None };
            let subscribed = node.trip_events().subscribe(Request::new(all)).await;
            let subscribed = subscribed.map_err(|status| StartFailed::Drivers(status.to_string()))?;
            events.push(subscribed.into_inner().boxed());
        }
        Ok(Self {
            node,
            trips: Trips::new(names.clone()),
            names,
            gateway,
            seats,
            seat_news,
            events,
            calls: Calls::default(),
            sent: 0,
        })
    }

    /// Ends the services.
    pub async fn shutdown(self) {
        let Self { node, seats, seat_news, events, calls, .. } = self;
        drop((seats, seat_news, events, calls));
        if let Some(node) = Arc::into_inner(node) {
            node.shutdown().await;
        }
    }

    fn poll_news(&mut self, context: &mut Context<'_>, news: &mut Vec<News>) -> Poll<()> {
        self.calls.poll(context, &mut self.trips, news);
        while let Poll::Ready(Some(event)) = Pin::new(&mut self.events).poll_next(context) {
            match event {
                Ok(event) => self.trips.event(event, news),
                Err(status) => news.push(News::Fault(format!("the events end: {status}"))),
            }
        }
        while let Poll::Ready(Some((driver, message))) = Pin::new(&mut self.seat_news).poll_next(context) {
            news.extend(wire::news(driver, message));
        }
        if news.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Service for InProcessService {
    fn server_ms(&self, city_ms: i64) -> i64 {
        city_ms
    }

    fn report(&mut self, rows: &[Row]) {
        self.sent += rows.len() as u64;
        // It cannot be full: all drivers are in it.
        _ = self.gateway.take(wire::columns(rows));
    }

    fn say(&mut self, said: Said) {
        match said {
            Said::Report { .. } => {}
            Said::Request { request, pickup, dropoff, passengers, vehicle_class, wait_max_ms } => {
                let rides = self.node.rides();
                let ways = (pickup, dropoff);
                let wanted =
                    wire::request(&self.names, request, ways, (passengers, vehicle_class), wait_max_ms);
                self.calls.begin("request", async move {
                    let answer = rides.request_ride(Request::new(wanted)).await;
                    Done::Requested(request, Box::new(answer.map(tonic::Response::into_inner)))
                });
            }
            Said::Cancel { request } => {
                let (rides, rider_id) = (self.node.rides(), self.names.rider(request));
                let Some(trip_id) = self.trips.of(request) else { return };
                let reason = "takes too long".to_owned();
                let call = v1::CancelTripRequest { rider_id, trip_id, reason };
                self.calls.begin("cancel", async move {
                    _ = rides.cancel_trip(Request::new(call)).await;
                    Done::Cancelled
                });
            }
            Said::Act { driver, trip, action } => {
                let Some(seat) = self.seats.get(driver as usize) else { return };
                let acting = seat.act(action.on(trip));
                self.calls.begin("action", async move { Done::Acted(driver, acting.await) });
            }
            Said::Switch { policy } => self.node.set_policy(policy),
        }
    }

    fn ask(&mut self, number: u64, query: v1::FindNearbyRequest) {
        let node = self.node.clone();
        self.calls.begin("search", async move { Done::Found(number, node.find_nearby(query).await) });
    }

    fn look(&mut self) {
        let admin = self.node.dispatch_admin();
        self.calls.begin("look", async move {
            let answer = admin.list_markets(Request::new(v1::ListMarketsRequest {})).await;
            Done::Looked(answer.map(tonic::Response::into_inner))
        });
    }

    async fn next(&mut self, news: &mut Vec<News>) {
        poll_fn(|context| self.poll_news(context, news)).await;
    }

    fn updates(&self) -> Updates {
        let account = self.gateway.summary_so_far();
        // What came after newer ones is not missed.
        let failed = account.dropped_rate + account.rejected;
        Updates { sent: self.sent, failed }
    }
}

/// All drivers, as a gateway introduces them: the handle is the number.
fn slot_bindings(names: &Names, classes: &[String]) -> Vec<v1::FleetDriver> {
    let introduction = |(handle, class): (u32, &String)| v1::FleetDriver {
        handle,
        driver_id: names.driver(handle),
        vehicle_class: class.clone(),
        ..v1::FleetDriver::default()
    };
    (0..).zip(classes).map(introduction).collect()
}

/// Why the services do not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFailed {
    /// As a node.
    #[error(transparent)]
    Node(#[from] StartError),
    /// The drivers are not taken.
    #[error("the drivers are not taken: {0}")]
    Drivers(String),
}
