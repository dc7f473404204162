//! The checkers of a run find the faults of services that are broken on purpose.

use std::future::pending;

use kerb::Settings;
use kerb_proto::v1::{FindNearbyRequest, FindNearbyResponse};
use kerb_simulator::agents::Agents;
use kerb_simulator::agents::agent_ids::AgentIds;
use kerb_simulator::agents::messages::{AgentAction, AgentEvent, DriverNumber};
use kerb_simulator::backends::in_process::InProcessService;
use kerb_simulator::backends::virtual_time::{run_options, virtual_runtime};
use kerb_simulator::checkers::position_log::PositionReport;
use kerb_simulator::checkers::trip_history::TripChange;
use kerb_simulator::run::city_clock::CityClock;
use kerb_simulator::run::service::{Service, ServiceEvent, UpdateCounts};
use kerb_simulator::run::{RunEnd, run};
use kerb_trips::TripState;
use kerb_types::{RuntimeClock, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::scripted_agents::{BEGINS_MS, ScriptedAgents};

/// A service whose index gets no positions after some time.
struct StaleService {
    inner: InProcessService,
    until_ms: i64,
}

impl Service for StaleService {
    fn server_ms(&self, city_ms: i64) -> i64 {
        self.inner.server_ms(city_ms)
    }

    fn report(&mut self, reports: &[PositionReport]) {
        if reports.iter().all(|report| report.time_ms < self.until_ms) {
            self.inner.report(reports);
        }
    }

    fn submit(&mut self, action: AgentAction) {
        self.inner.submit(action);
    }

    fn search(&mut self, number: u64, query: FindNearbyRequest) {
        self.inner.search(number, query);
    }

    fn poll_markets(&mut self) {
        self.inner.poll_markets();
    }

    async fn next(&mut self, events: &mut Vec<ServiceEvent>) {
        self.inner.next(events).await;
    }

    fn updates(&self) -> UpdateCounts {
        self.inner.updates()
    }
}

/// The fault of a broken matcher.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MatcherFault {
    /// Every request gets the same driver.
    OneDriverForAll,
    /// A request gets a second driver after the first one accepted.
    TwoDriversForOne,
    /// An acknowledged request gets no event.
    LosesRequests,
}

/// A matcher with a fault.
struct BrokenMatcher {
    fault: MatcherFault,
    events: Vec<ServiceEvent>,
    trips: u32,
}

impl Service for BrokenMatcher {
    fn server_ms(&self, city_ms: i64) -> i64 {
        city_ms
    }

    fn report(&mut self, _reports: &[PositionReport]) {}

    fn submit(&mut self, action: AgentAction) {
        let AgentAction::Request { request, .. } = action else { return };
        self.trips += 1;
        let trip = format!("broken-{}", self.trips);
        self.events.push(ServiceEvent::RequestAcknowledged { request, trip: trip.clone() });
        let accepted = AgentEvent::RequestAccepted { request, trip: trip.clone() };
        self.events.push(ServiceEvent::Agent(accepted));
        let own = self.trips % 50;
        let changes: &[(TripState, u32)] = match self.fault {
            MatcherFault::OneDriverForAll => {
                &[(TripState::Requested, 0), (TripState::Offered, 0), (TripState::EnRoute, 0)]
            }
            MatcherFault::TwoDriversForOne => {
                &[(TripState::Requested, own), (TripState::EnRoute, own), (TripState::EnRoute, own + 1)]
            }
            MatcherFault::LosesRequests => &[],
        };
        let at_ms = BEGINS_MS + i64::from(self.trips);
        for (state, number) in changes {
            let driver = AgentIds::default().driver(DriverNumber(*number));
            let change = TripChange { at_ms, state: *state, driver, takes_over: false };
            self.events.push(ServiceEvent::TripChanged { trip: trip.clone(), change });
        }
    }

    fn search(&mut self, number: u64, _query: FindNearbyRequest) {
        self.events.push(ServiceEvent::SearchAnswered { number, answer: Ok(FindNearbyResponse::default()) });
    }

    fn poll_markets(&mut self) {}

    async fn next(&mut self, events: &mut Vec<ServiceEvent>) {
        if self.events.is_empty() {
            pending::<()>().await;
        }
        events.append(&mut self.events);
    }

    fn updates(&self) -> UpdateCounts {
        UpdateCounts::default()
    }
}

fn run_with<S: Service>(service: impl AsyncFnOnce(&Settings, &ScriptedAgents) -> S) -> RunEnd {
    let mut agents = ScriptedAgents::new(60, 100, 20, 3);
    let settings = Settings::default();
    virtual_runtime().unwrap().block_on(async {
        let mut service = service(&settings, &agents).await;
        let clock = CityClock::new(BEGINS_MS, Instant::now(), 1.0);
        let options = run_options(&settings, 3);
        run(&mut agents, &mut service, &clock, &options, &CancellationToken::new(), |_| ()).await
    })
}

fn faults_of(fault: MatcherFault) -> Vec<String> {
    run_with(async |_, _| BrokenMatcher { fault, events: Vec::new(), trips: 0 }).system.faults
}

#[test]
fn a_stale_index_is_found() {
    let end = run_with(async |settings, agents| {
        let (clock, classes) =
            (RuntimeClock::starting_at(Timestamp::from_millis(BEGINS_MS)), agents.vehicle_classes());
        let inner = InProcessService::start(settings.clone(), clock, 3, None, &classes).await.unwrap();
        StaleService { inner, until_ms: BEGINS_MS + 10 * 60_000 }
    });
    assert_count(&end.system.faults, "search: ", 20);
    assert_count(&end.system.faults, "assignment: ", 0);
}

#[test]
fn a_driver_with_two_trips_is_found() {
    let faults = faults_of(MatcherFault::OneDriverForAll);
    assert_count(&faults, "assignment: driver d0 was assigned to trip broken-", 20);
}

#[test]
fn a_trip_with_two_drivers_is_found() {
    assert_count(&faults_of(MatcherFault::TwoDriversForOne), "assignment: trip broken-", 10);
}

#[test]
fn a_lost_request_is_found() {
    assert_count(&faults_of(MatcherFault::LosesRequests), "lost: trip broken-", 20);
}

/// Asserts that at least `least` faults begin with `begin`, or none if `least` is 0.
fn assert_count(faults: &[String], begin: &str, least: usize) {
    let count = faults.iter().filter(|fault| fault.starts_with(begin)).count();
    assert!(if least == 0 { count == 0 } else { count >= least }, "{count} of {}: {begin}", faults.len());
}
