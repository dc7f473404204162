//! One run: the loop that advances time and carries messages between agents and a service.
//!
//! The loop is the same for all backends. Under virtual time the runtime's clock is paused, so it jumps from one event
//! to the next. A live run follows the machine's clock.

pub mod city_clock;
pub mod prepared_run;
pub mod service;

use std::collections::BTreeMap;
use std::time::Duration;

use kerb_loadgen::checker::Limits;
use kerb_loadgen::report::Values;
use kerb_types::Stopwatch;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::agents::Agents;
use crate::agents::agent_ids::AgentIds;
use crate::agents::messages::AgentAction;
use crate::checkers::position_log::{PositionLog, PositionReport, ReportDelays};
use crate::checkers::run_checker::RunChecker;
use crate::checkers::run_hash::RunHash;
use crate::metrics::record::{Latency, SystemRecord};
use city_clock::CityClock;
use service::{Service, ServiceEvent};

/// Actions within a step are sent at its end, milliseconds of the city's time. A phone and its network take as long, and
/// the loop has far fewer turns.
const STEP_MS: i64 = 100;
/// Interval between two queries for the state of the markets, milliseconds of the city's time.
const POLL_MARKETS_MS: i64 = 5_000;
/// Maximum time for events that arrive after the end of the run, of the runtime's clock.
const CATCH_UP_MAX: Duration = Duration::from_secs(10);

/// Options of the checks of a run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Ids of the agents towards the service.
    pub ids: AgentIds,
    /// Seed of the sampled searches.
    pub seed: u64,
    /// Interval between two sampled searches, milliseconds of the city's time.
    pub search_every_ms: i64,
    /// Maximum delays of position reports.
    pub delays: ReportDelays,
    /// The service's limits of a position's age.
    pub limits: Limits,
}

/// The result of a run, without the city's own record.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// End of the run, of the city's time.
    pub at_ms: i64,
    /// True if the run was stopped before its planned end.
    pub stopped: bool,
    /// Hash of all messages: see [`RunHash::hex`].
    pub run_hash: String,
    /// Figures of the service.
    pub system: SystemRecord,
    /// Number of sampled searches that were checked.
    pub searches: u64,
}

/// Runs until the agents' time is over or `stop` is cancelled. Calls `progress` with the city's time after each step.
pub async fn run<A: Agents, S: Service>(
    agents: &mut A,
    service: &mut S,
    clock: &CityClock,
    options: &RunOptions,
    stop: &CancellationToken,
    mut progress: impl FnMut(i64),
) -> RunEnd {
    let wall = Stopwatch::start();
    let mut run = Run::new(agents, service, clock, options);
    let mut actions = Vec::new();
    let mut events = Vec::new();
    let stopped = loop {
        // The end is not fixed: it comes when the last request has ended.
        let ends_ms = run.agents.ends_ms();
        let due_ms = run.next_ms().min(ends_ms);
        tokio::select! {
            biased;
            () = stop.cancelled() => break true,
            () = run.service.next(&mut events) => run.process_events(&mut events),
            () = sleep_until(clock.instant_of(due_ms)) => {
                run.now_ms = run.now_ms.max(due_ms);
                if run.now_ms >= ends_ms {
                    break false;
                }
                run.step(&mut actions);
                progress(run.now_ms);
            }
        }
    };
    run.now_ms = run.now_ms.max(clock.now_ms().min(run.agents.ends_ms()));
    run.catch_up(&mut events).await;
    run.end(stopped, &wall)
}

struct Run<'a, A, S> {
    agents: &'a mut A,
    service: &'a mut S,
    clock: &'a CityClock,
    now_ms: i64,
    hash: RunHash,
    position_log: PositionLog,
    checker: RunChecker,
    /// Reports of the present step that the service does not have yet.
    reports: Vec<PositionReport>,
    latencies: BTreeMap<&'static str, Values>,
    search_every_ms: i64,
    next_search_ms: i64,
    next_poll_ms: i64,
    /// The city's time is over: later events only reach the checker.
    is_over: bool,
}

impl<'a, A: Agents, S: Service> Run<'a, A, S> {
    fn new(agents: &'a mut A, service: &'a mut S, clock: &'a CityClock, options: &RunOptions) -> Self {
        let classes = agents.vehicle_classes();
        let now_ms = agents.begins_ms();
        let RunOptions { ids, seed, search_every_ms, delays, limits } = options.clone();
        let began_ms = service.server_ms(now_ms);
        Self {
            position_log: PositionLog::new(&ids, &classes, delays, began_ms),
            checker: RunChecker::new(ids, &classes, limits, seed),
            agents,
            service,
            clock,
            now_ms,
            hash: RunHash::new(),
            reports: Vec::new(),
            latencies: BTreeMap::new(),
            search_every_ms,
            next_search_ms: now_ms + search_every_ms,
            next_poll_ms: now_ms + POLL_MARKETS_MS,
            is_over: false,
        }
    }

    /// Returns the end of the step in which the next action is due.
    fn next_ms(&self) -> i64 {
        let own_ms = self.next_search_ms.min(self.next_poll_ms);
        let next_ms = self.agents.next_ms().map_or(own_ms, |next_ms| next_ms.min(own_ms));
        let steps = (next_ms - 1).div_euclid(STEP_MS) + 1;
        (steps * STEP_MS).max(self.now_ms)
    }

    /// Sends the agents' actions, and the run's own queries, that are due.
    fn step(&mut self, actions: &mut Vec<AgentAction>) {
        self.agents.step(self.now_ms, actions);
        for action in actions.drain(..) {
            self.hash.on_action(self.now_ms, &action);
            if let AgentAction::Report { measured_ms, .. } = action {
                let (sent_ms, time_ms) =
                    (self.service.server_ms(self.now_ms), self.service.server_ms(measured_ms));
                self.reports.extend(self.position_log.record(&action, sent_ms, time_ms));
            } else {
                // The service must have the earlier reports before it decides about this action.
                self.flush_reports();
                self.service.submit(action);
            }
        }
        self.flush_reports();
        if self.now_ms >= self.next_search_ms {
            self.next_search_ms = self.now_ms + self.search_every_ms;
            let server_ms = self.service.server_ms(self.now_ms);
            if let Some((number, query)) = self.checker.sample_query(&self.position_log, server_ms) {
                self.service.search(number, query);
            }
        }
        if self.now_ms >= self.next_poll_ms {
            self.next_poll_ms = self.now_ms + POLL_MARKETS_MS;
            self.service.poll_markets();
        }
    }

    fn flush_reports(&mut self) {
        if !self.reports.is_empty() {
            self.service.report(&self.reports);
            self.reports.clear();
        }
    }

    fn process_events(&mut self, events: &mut Vec<ServiceEvent>) {
        // Events after the end of the city's time count as events at its end.
        self.now_ms = self.now_ms.max(self.clock.now_ms().min(self.agents.ends_ms()));
        for event in events.drain(..) {
            match event {
                ServiceEvent::Agent(event) => {
                    self.checker.on_agent_event(&event);
                    if !self.is_over {
                        self.hash.on_event(self.now_ms, &event);
                        self.agents.on_event(self.now_ms, event);
                    }
                }
                ServiceEvent::RequestAcknowledged { trip, .. } => self.checker.on_acknowledged(&trip),
                ServiceEvent::TripChanged { trip, change } => self.checker.on_trip_changed(&trip, change),
                ServiceEvent::SearchAnswered { number, answer } => {
                    let server_ms = self.service.server_ms(self.now_ms);
                    self.checker.on_search_answered(number, answer, &self.position_log, server_ms);
                }
                ServiceEvent::Latency { kind, us } => self.latencies.entry(kind).or_default().add(us),
                ServiceEvent::Fault(fault) => self.checker.add_fault(fault),
            }
        }
    }

    /// Waits for the trip events of acknowledged requests, also when they arrive after the end.
    async fn catch_up(&mut self, events: &mut Vec<ServiceEvent>) {
        self.is_over = true;
        let all = async {
            while !self.checker.is_caught_up() {
                self.service.next(events).await;
                self.process_events(events);
            }
        };
        // After the timeout, the checker reports the missing events as faults.
        _ = timeout(CATCH_UP_MAX, all).await;
    }

    fn end(self, stopped: bool, wall: &Stopwatch) -> RunEnd {
        let updates = self.service.updates();
        let latency = |(name, values): (&&str, &Values)| {
            let of = values.summary();
            let name = (*name).to_owned();
            Latency { name, count: of.count, p50_us: of.p50, p90_us: of.p90, p99_us: of.p99, max_us: of.max }
        };
        let searches = self.checker.searches;
        let report = self.checker.finish();
        let system = SystemRecord {
            wall_s: wall.us() as f64 / 1e6,
            updates: updates.sent,
            updates_failed: updates.failed,
            latencies: self.latencies.iter().map(latency).collect(),
            offers: report.offers,
            first_offer_ms: report.first_offer_ms,
            double_assignments: report.double_assignments,
            faults: report.faults,
        };
        RunEnd { at_ms: self.now_ms, stopped, run_hash: self.hash.hex(), system, searches }
    }
}
