//! The judges of a run find what they are there to find.

use std::future::pending;

use kerb::Settings;
use kerb_proto::v1::{FindNearbyRequest, FindNearbyResponse};
use kerb_simulator::lab::clock::CityClock;
use kerb_simulator::lab::in_process::InProcessService;
use kerb_simulator::lab::message::{Heard, Said};
use kerb_simulator::lab::names::Names;
use kerb_simulator::lab::ride::Step;
use kerb_simulator::lab::run::{RunEnd, run};
use kerb_simulator::lab::service::{News, Row, Service, Updates};
use kerb_simulator::lab::virtual_time::{run_options, virtual_runtime};
use kerb_trips::TripState;
use kerb_types::RuntimeClock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::tiny::{BEGINS_MS, Tiny};

/// A service whose index gets no positions after a while.
struct Stale {
    honest: InProcessService,
    until_ms: i64,
}

impl Service for Stale {
    fn server_ms(&self, city_ms: i64) -> i64 {
        self.honest.server_ms(city_ms)
    }

    fn report(&mut self, rows: &[Row]) {
        if rows.iter().all(|row| row.time_ms < self.until_ms) {
            self.honest.report(rows);
        }
    }

    fn say(&mut self, said: Said) {
        self.honest.say(said);
    }

    fn ask(&mut self, number: u64, query: FindNearbyRequest) {
        self.honest.ask(number, query);
    }

    fn look(&mut self) {
        self.honest.look();
    }

    async fn next(&mut self, news: &mut Vec<News>) {
        self.honest.next(news).await;
    }

    fn updates(&self) -> Updates {
        self.honest.updates()
    }
}

/// What is wrong with the double's promises.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fraud {
    /// Every request gets the same driver.
    OneDriverForAll,
    /// Two drivers are promised to the same request, one after the other's acceptance.
    TwoDriversForOne,
    /// Acknowledges requests of which nothing else is ever heard.
    Forgets,
}

/// A matcher that does not keep its promises.
struct Broken {
    fraud: Fraud,
    news: Vec<News>,
    trips: u32,
}

impl Service for Broken {
    fn server_ms(&self, city_ms: i64) -> i64 {
        city_ms
    }

    fn report(&mut self, _rows: &[Row]) {}

    fn say(&mut self, said: Said) {
        let Said::Request { request, .. } = said else { return };
        self.trips += 1;
        let trip = format!("broken-{}", self.trips);
        self.news.push(News::Acknowledged { request, trip: trip.clone() });
        self.news.push(News::Heard(Heard::Requested { request, trip: trip.clone() }));
        let driver = |number| Names::default().driver(number);
        let own = self.trips % 50;
        let steps: &[(TripState, u32)] = match self.fraud {
            Fraud::OneDriverForAll => {
                &[(TripState::Requested, 0), (TripState::Offered, 0), (TripState::EnRoute, 0)]
            }
            Fraud::TwoDriversForOne => {
                &[(TripState::Requested, own), (TripState::EnRoute, own), (TripState::EnRoute, own + 1)]
            }
            Fraud::Forgets => &[],
        };
        let at_ms = BEGINS_MS + i64::from(self.trips);
        for (state, number) in steps {
            let step = Step { at_ms, state: *state, driver: driver(*number), takes_over: false };
            self.news.push(News::Step { trip: trip.clone(), step });
        }
    }

    fn ask(&mut self, number: u64, _query: FindNearbyRequest) {
        self.news.push(News::Found { number, answer: Ok(FindNearbyResponse::default()) });
    }

    fn look(&mut self) {}

    async fn next(&mut self, news: &mut Vec<News>) {
        if self.news.is_empty() {
            pending::<()>().await;
        }
        news.append(&mut self.news);
    }

    fn updates(&self) -> Updates {
        Updates::default()
    }
}

fn judged<S: Service>(service: impl AsyncFnOnce(&Settings, &Tiny) -> S) -> RunEnd {
    let mut people = Tiny::new(60, 100, 20, 3);
    let settings = Settings::default();
    virtual_runtime().unwrap().block_on(async {
        let mut service = service(&settings, &people).await;
        let clock = CityClock::new(BEGINS_MS, Instant::now(), 1.0);
        let options = run_options(&settings, 3);
        run(&mut people, &mut service, &clock, &options, &CancellationToken::new(), |_| ()).await
    })
}

fn broken(fraud: Fraud) -> Vec<String> {
    judged(async |_, _| Broken { fraud, news: Vec::new(), trips: 0 }).system.faults
}

#[test]
fn an_index_that_stands_still_is_found() {
    let end = judged(async |settings, people| {
        use kerb_simulator::lab::people::People;
        let (clock, classes) = (RuntimeClock::starting_at(BEGINS_MS), people.vehicle_classes());
        let honest = InProcessService::start(settings.clone(), clock, 3, None, &classes).await.unwrap();
        Stale { honest, until_ms: BEGINS_MS + 10 * 60_000 }
    });
    count(&end.system.faults, "search: ", 20);
    count(&end.system.faults, "promise: ", 0);
}

#[test]
fn a_matcher_that_promises_a_driver_twice_is_found() {
    count(&broken(Fraud::OneDriverForAll), "promise: driver d0 was promised to trip broken-", 20);
}

#[test]
fn a_matcher_that_promises_two_drivers_to_a_trip_is_found() {
    count(&broken(Fraud::TwoDriversForOne), "promise: trip broken-", 10);
}

#[test]
fn a_request_that_was_acknowledged_and_forgotten_is_found() {
    count(&broken(Fraud::Forgets), "lost: trip broken-", 20);
}

/// At least so many faults begin like this; none when none is wanted.
fn count(faults: &[String], begin: &str, least: usize) {
    let count = faults.iter().filter(|fault| fault.starts_with(begin)).count();
    assert!(if least == 0 { count == 0 } else { count >= least }, "{count} of {}: {begin}", faults.len());
}
