//! One run: time goes on, what the people say is carried to the service, and what it answers back to them.
//!
//! The same loop for both ways to run. In the lab the runtime's time is paused, so it jumps from one thing that
//! happens to the next; live it goes as fast as the machine's clock says.

use std::collections::BTreeMap;

use kerb_types::Stopwatch;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::clock::CityClock;
use super::judge::Judge;
use super::message::Said;
use super::names::Names;
use super::people::People;
use super::position_log::{Delays, PositionLog};
use super::record::{Latency, SystemRecord};
use super::service::{News, Row, Service};
use super::trace::Trace;
use kerb_loadgen::checker::Limits;
use kerb_loadgen::report::Values;

/// What people do within so long is done at its end, milliseconds of the city's time: what a phone and its network take
/// anyway, and far fewer turns.
const STEP_MS: i64 = 100;
/// The markets are asked how they are this often, milliseconds of the city's time: their windows are a sample.
const LOOK_EVERY_MS: i64 = 5_000;
/// After the end, events that are still under way come within this time, of the runtime.
const CATCH_UP_MAX: std::time::Duration = std::time::Duration::from_secs(10);

/// How a run is judged.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// What people are called.
    pub names: Names,
    /// Of the sampled searches.
    pub seed: u64,
    /// Between two sampled searches, milliseconds of the city's time.
    pub search_every_ms: i64,
    /// How late reports may be.
    pub delays: Delays,
    /// The service's limits of age.
    pub limits: Limits,
}

/// What a run came to, beside what the people know.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// When, of the city's time.
    pub at_ms: i64,
    /// It was stopped before its end.
    pub stopped: bool,
    /// See [`Trace::hex`].
    pub trace_hash: String,
    /// How the service did.
    pub system: SystemRecord,
    /// Sampled searches that were judged.
    pub searches: u64,
}

/// Runs until the people's time is over or `stop` is cancelled. `progress` is called now and then with the time.
pub async fn run<P: People, S: Service>(
    people: &mut P,
    service: &mut S,
    clock: &CityClock,
    options: &RunOptions,
    stop: &CancellationToken,
    mut progress: impl FnMut(i64),
) -> RunEnd {
    let wall = Stopwatch::start();
    let ends_ms = people.ends_ms();
    let mut run = Run::new(people, service, clock, options);
    let mut said = Vec::new();
    let mut news = Vec::new();
    let stopped = loop {
        let due_ms = run.next_ms().min(ends_ms);
        tokio::select! {
            biased;
            () = stop.cancelled() => break true,
            () = run.service.next(&mut news) => run.take(&mut news),
            () = sleep_until(clock.instant_of(due_ms)) => {
                run.now_ms = run.now_ms.max(due_ms);
                if run.now_ms >= ends_ms {
                    break false;
                }
                run.turn(&mut said);
                progress(run.now_ms);
            }
        }
    };
    run.now_ms = run.now_ms.max(clock.now_ms().min(ends_ms));
    run.catch_up(&mut news).await;
    run.end(stopped, &wall)
}

struct Run<'a, P, S> {
    people: &'a mut P,
    service: &'a mut S,
    clock: &'a CityClock,
    now_ms: i64,
    trace: Trace,
    reports: PositionLog,
    judge: Judge,
    rows: Vec<Row>,
    latencies: BTreeMap<&'static str, Values>,
    search_every_ms: i64,
    search_ms: i64,
    look_ms: i64,
    /// The time is over: what comes is only counted.
    over: bool,
}

impl<'a, P: People, S: Service> Run<'a, P, S> {
    fn new(people: &'a mut P, service: &'a mut S, clock: &'a CityClock, options: &RunOptions) -> Self {
        let classes = people.vehicle_classes();
        let now_ms = people.begins_ms();
        let RunOptions { names, seed, search_every_ms, delays, limits } = options.clone();
        let began_ms = service.server_ms(now_ms);
        Self {
            reports: PositionLog::new(&names, &classes, delays, began_ms),
            judge: Judge::new(names, &classes, limits, seed),
            people,
            service,
            clock,
            now_ms,
            trace: Trace::new(),
            rows: Vec::new(),
            latencies: BTreeMap::new(),
            search_every_ms,
            search_ms: now_ms + search_every_ms,
            look_ms: now_ms + LOOK_EVERY_MS,
            over: false,
        }
    }

    /// The end of the step in which something is to be done next.
    fn next_ms(&self) -> i64 {
        let own_ms = self.search_ms.min(self.look_ms);
        let next_ms = self.people.next_ms().map_or(own_ms, |next_ms| next_ms.min(own_ms));
        let steps = (next_ms - 1).div_euclid(STEP_MS) + 1;
        (steps * STEP_MS).max(self.now_ms)
    }

    fn turn(&mut self, said: &mut Vec<Said>) {
        self.people.step(self.now_ms, said);
        for said in said.drain(..) {
            self.trace.said(self.now_ms, &said);
            if let Said::Report { measured_ms, .. } = said {
                let (sent_ms, time_ms) =
                    (self.service.server_ms(self.now_ms), self.service.server_ms(measured_ms));
                self.rows.extend(self.reports.row(&said, sent_ms, time_ms));
            } else {
                // What was reported before is there before.
                self.hand_over();
                self.service.say(said);
            }
        }
        self.hand_over();
        if self.now_ms >= self.search_ms {
            self.search_ms = self.now_ms + self.search_every_ms;
            let server_ms = self.service.server_ms(self.now_ms);
            if let Some((number, query)) = self.judge.query(&self.reports, server_ms) {
                self.service.ask(number, query);
            }
        }
        if self.now_ms >= self.look_ms {
            self.look_ms = self.now_ms + LOOK_EVERY_MS;
            self.service.look();
        }
    }

    fn hand_over(&mut self) {
        if !self.rows.is_empty() {
            self.service.report(&self.rows);
            self.rows.clear();
        }
    }

    fn take(&mut self, news: &mut Vec<News>) {
        // What comes after the end belongs to it.
        self.now_ms = self.now_ms.max(self.clock.now_ms().min(self.people.ends_ms()));
        for news in news.drain(..) {
            match news {
                News::Heard(heard) => {
                    self.judge.heard(&heard);
                    if !self.over {
                        self.trace.heard(self.now_ms, &heard);
                        self.people.hear(self.now_ms, heard);
                    }
                }
                News::Acknowledged { trip, .. } => self.judge.acknowledged(&trip),
                News::Step { trip, step } => self.judge.step(&trip, step),
                News::Found { number, answer } => {
                    let server_ms = self.service.server_ms(self.now_ms);
                    self.judge.found(number, answer, &self.reports, server_ms);
                }
                News::Took { what, us } => self.latencies.entry(what).or_default().add(us),
                News::Fault(fault) => self.judge.fault(fault),
            }
        }
    }

    /// What was acknowledged shows in the events, even when that comes after the end.
    async fn catch_up(&mut self, news: &mut Vec<News>) {
        self.over = true;
        let all = async {
            while !self.judge.is_caught_up() {
                self.service.next(news).await;
                self.take(news);
            }
        };
        // What has not come by then is a fault.
        _ = timeout(CATCH_UP_MAX, all).await;
    }

    fn end(self, stopped: bool, wall: &Stopwatch) -> RunEnd {
        let updates = self.service.updates();
        let latency = |(name, values): (&&str, &Values)| {
            let of = values.summary();
            let name = (*name).to_owned();
            Latency { name, count: of.count, p50_us: of.p50, p90_us: of.p90, p99_us: of.p99, max_us: of.max }
        };
        let searches = self.judge.searches;
        let found = self.judge.finish();
        let system = SystemRecord {
            wall_s: wall.us() as f64 / 1e6,
            updates: updates.sent,
            updates_failed: updates.failed,
            latencies: self.latencies.iter().map(latency).collect(),
            offers: found.offers,
            first_offer_ms: found.first_offer_ms,
            double_promises: found.double_promises,
            faults: found.faults,
        };
        RunEnd { at_ms: self.now_ms, stopped, trace_hash: self.trace.hex(), system, searches }
    }
}
