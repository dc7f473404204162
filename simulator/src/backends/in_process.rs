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

use super::in_flight::{CallResult, InFlightCalls};
use super::trip_tracker::TripTracker;
use super::wire;
use crate::agents::agent_ids::AgentIds;
use crate::agents::messages::{AgentAction, DriverNumber};
use crate::checkers::position_log::PositionReport;
use crate::run::service::{Service, ServiceEvent, UpdateCounts};

/// Drivers that one message registers at the gateway.
const REGISTER_BATCH: usize = 8_192;

/// All roles in this process, with a local stream for every driver.
pub struct InProcessService {
    node: Arc<InProcess>,
    ids: AgentIds,
    gateway: kerb::Gateway,
    driver_streams: Vec<LocalDriverStream>,
    driver_messages: SelectAll<BoxStream<'static, (DriverNumber, Message)>>,
    trip_events: SelectAll<BoxStream<'static, Result<v1::TripEvent, Status>>>,
    calls: InFlightCalls,
    trips: TripTracker,
    updates_sent: u64,
}

impl InProcessService {
    /// Starts all roles without a data directory, and connects the drivers. The runtime must have one thread and paused
    /// time. `settings` are those of a node; without `roads`, the settings name the road network.
    pub async fn start(
        settings: Settings,
        clock: RuntimeClock,
        seed: u64,
        roads: Option<Arc<Roads>>,
        classes: &[String],
    ) -> Result<Self, StartFailed> {
        let mut settings = settings;
        settings.node.data_dir = DataDir(None);
        // The subscription below precedes the first trip, so the journal needs no history.
        let surroundings = Surroundings { clock: Arc::new(clock), seed, roads, truncates_journal: true };
        let node = Arc::new(InProcess::start(&settings, surroundings).await?);
        let ids = AgentIds::default();
        let mut gateway = node.gateway();
        let drivers = fleet_drivers(&ids, classes);
        for chunk in drivers.chunks(REGISTER_BATCH) {
            let request = v1::ReportPositionsRequest { drivers: chunk.to_vec(), positions: None };
            gateway.take(request).map_err(|error| StartFailed::Drivers(error.to_string()))?;
        }
        let (mut driver_streams, mut driver_messages) = (Vec::new(), SelectAll::new());
        for (number, driver) in (0..).map(DriverNumber).zip(drivers) {
            let register = v1::Register {
                driver_id: driver.driver_id,
                vehicle_class: driver.vehicle_class,
                ..v1::Register::default()
            };
            let connected =
                node.connect_local(&register).map_err(|status| StartFailed::Drivers(status.to_string()));
            let (stream, messages) = connected?;
            driver_streams.push(stream);
            let messages =
                messages.filter_map(move |message| async move { Some((number, message.ok()?.message?)) });
            driver_messages.push(messages.boxed());
        }
        let mut trip_events = SelectAll::new();
        for market in node.markets() {
            let all = v1::SubscribeRequest { market: market.to_string(), after: None };
            let subscribed = node.trip_events().subscribe(Request::new(all)).await;
            let subscribed = subscribed.map_err(|status| StartFailed::Drivers(status.to_string()))?;
            trip_events.push(subscribed.into_inner().boxed());
        }
        Ok(Self {
            node,
            trips: TripTracker::new(ids.clone()),
            ids,
            gateway,
            driver_streams,
            driver_messages,
            trip_events,
            calls: InFlightCalls::default(),
            updates_sent: 0,
        })
    }

    /// Stops all roles.
    pub async fn shutdown(self) {
        let Self { node, driver_streams, driver_messages, trip_events, calls, .. } = self;
        // Streams and calls hold the node, which stops only when nothing else does.
        drop((driver_streams, driver_messages, trip_events, calls));
        if let Some(node) = Arc::into_inner(node) {
            node.shutdown().await;
        }
    }

    fn poll_events(&mut self, context: &mut Context<'_>, events: &mut Vec<ServiceEvent>) -> Poll<()> {
        self.calls.poll(context, events);
        while let Poll::Ready(Some(event)) = Pin::new(&mut self.trip_events).poll_next(context) {
            match event {
                Ok(event) => self.trips.on_event(event, events),
                Err(status) => {
                    events.push(ServiceEvent::Fault(format!("the stream of trip events ends: {status}")));
                }
            }
        }
        while let Poll::Ready(Some((driver, message))) =
            Pin::new(&mut self.driver_messages).poll_next(context)
        {
            events.extend(wire::driver_event(driver, message));
        }
        if events.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Service for InProcessService {
    fn server_ms(&self, city_ms: i64) -> i64 {
        city_ms
    }

    fn report(&mut self, reports: &[PositionReport]) {
        self.updates_sent += reports.len() as u64;
        // The gateway cannot be full, because it has a slot for every driver.
        _ = self.gateway.take(wire::position_columns(reports));
    }

    fn submit(&mut self, action: AgentAction) {
        match action {
            AgentAction::Report { .. } => {}
            AgentAction::Request { request, pickup, dropoff, passengers, vehicle_class, wait_max_ms } => {
                let rides = self.node.rides();
                let (ends, vehicle) = ((pickup, dropoff), (passengers, vehicle_class));
                let call = wire::ride_request(&self.ids, request, ends, vehicle, wait_max_ms);
                self.calls.start("request", async move {
                    let answer = rides.request_ride(Request::new(call)).await;
                    CallResult::Request(request, Box::new(answer.map(tonic::Response::into_inner)))
                });
            }
            AgentAction::Cancel { request } => {
                let (rides, rider_id) = (self.node.rides(), self.ids.rider(request));
                let Some(trip_id) = self.trips.trip_of(request) else { return };
                let reason = "takes too long".to_owned();
                let call = v1::CancelTripRequest { rider_id, trip_id, reason };
                self.calls.start("cancel", async move {
                    _ = rides.cancel_trip(Request::new(call)).await;
                    CallResult::Cancel
                });
            }
            AgentAction::Trip { driver, trip, action } => {
                let Some(stream) = self.driver_streams.get(driver.index()) else { return };
                let call = stream.act(action.to_wire(trip));
                self.calls.start("action", async move { CallResult::DriverAction(driver, call.await) });
            }
            AgentAction::SwitchPolicy { policy } => self.node.set_policy(policy),
        }
    }

    fn search(&mut self, number: u64, query: v1::FindNearbyRequest) {
        let node = self.node.clone();
        self.calls.start("search", async move { CallResult::Search(number, node.find_nearby(query).await) });
    }

    fn poll_markets(&mut self) {
        let admin = self.node.dispatch_admin();
        self.calls.start("list_markets", async move {
            let answer = admin.list_markets(Request::new(v1::ListMarketsRequest {})).await;
            CallResult::Markets(answer.map(tonic::Response::into_inner))
        });
    }

    async fn next(&mut self, events: &mut Vec<ServiceEvent>) {
        poll_fn(|context| self.poll_events(context, events)).await;
    }

    fn updates(&self) -> UpdateCounts {
        let account = self.gateway.summary_so_far();
        // An update that arrives after a newer one is superseded, not failed.
        let failed = account.dropped_rate + account.rejected;
        UpdateCounts { sent: self.updates_sent, failed }
    }
}

/// Returns the slot bindings of all drivers: the handle of a driver is its number.
fn fleet_drivers(ids: &AgentIds, classes: &[String]) -> Vec<v1::FleetDriver> {
    let driver = |(handle, class): (u32, &String)| v1::FleetDriver {
        handle,
        driver_id: ids.driver(DriverNumber(handle)),
        vehicle_class: class.clone(),
        ..v1::FleetDriver::default()
    };
    (0..).zip(classes).map(driver).collect()
}

/// The reason why the services do not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFailed {
    /// The node does not start.
    #[error(transparent)]
    Node(#[from] StartError),
    /// The node rejects the drivers or the subscriptions.
    #[error("the node rejects the drivers: {0}")]
    Drivers(String),
}
