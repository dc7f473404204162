//! A driver's app: holds the stream, reports where the driver is, carries its words up and the news down.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use kerb_fleet::DriverStatus;
use kerb_proto::v1;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::city::City;
use super::driver::{Action, Driver, News, Outcome};
use super::supply::Start;
use super::wire;
use crate::link::{Event, Link};

/// Waits between two attempts to connect: at first, and at most.
const RETRY_MS: std::ops::RangeInclusive<u64> = 50..=2_000;
/// The last report is acknowledged in this time, or the driver leaves all the same.
const LAST_WORD_MAX: Duration = Duration::from_secs(3);
/// What found no room is said again after this, milliseconds of the city's time.
const NO_ROOM_MS: i64 = 1_000;

pub(super) struct Cab {
    number: usize,
    id: String,
    start: Start,
    driver: Driver,
    city: Arc<City>,
    rng: Pcg64Mcg,
    /// Moves on when a node does not answer.
    node: usize,
    /// The newest number used.
    sequence: u64,
    resume_token: Bytes,
    /// How much slower than it would the server wants it to report; 1 for not at all.
    pace: f64,
    /// The welcome's interval, to which hints are compared.
    interval_ms: u32,
}

impl Cab {
    pub(super) fn new(number: usize, start: Start, city: &Arc<City>) -> Self {
        Self {
            number,
            id: format!("cab-{}", start.cab),
            driver: Driver::new(start.place, city.options.habits()),
            start,
            city: city.clone(),
            rng: Pcg64Mcg::seed_from_u64(city.options.seed ^ (number as u64 + 1) << 20),
            node: number,
            sequence: 0,
            resume_token: Bytes::new(),
            pace: 1.0,
            interval_ms: 0,
        }
    }

    /// Works from its time until `stop`.
    pub(super) async fn drive(mut self, stop: CancellationToken) {
        let city = self.city.clone();
        let mut begins = city.clock.instant_of(self.start.at_ms - city.warm_up_ms());
        loop {
            let mut link = tokio::select! {
                () = stop.cancelled() => return,
                link = self.open_at(begins) => link,
            };
            // What was said in a stream that broke may not have arrived.
            self.driver.say_again(city.clock.now_ms());
            city.on_duty.fetch_add(1, Ordering::Relaxed);
            let worked = self.work(&mut link, &stop).await;
            city.on_duty.fetch_sub(1, Ordering::Relaxed);
            let Err(status) = worked else { return };
            self.broken(&status);
            begins = Instant::now();
        }
    }

    /// Reports, speaks and listens until `stop`; an error says that the stream broke.
    async fn work(&mut self, link: &mut Link, stop: &CancellationToken) -> Result<(), Status> {
        let clock = self.city.clock;
        let mut report_ms = clock.now_ms();
        loop {
            let was_free = self.driver.is_free();
            let due_ms = self.driver.due_ms().unwrap_or(i64::MAX);
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep_until(clock.instant_of(report_ms.min(due_ms))) => {
                    let now_ms = clock.now_ms();
                    self.speak(link, now_ms);
                    if report_ms <= now_ms {
                        self.report(link, now_ms, None);
                        report_ms = now_ms + (f64::from(self.city.options.report_every_ms) * self.pace) as i64;
                    }
                }
                event = link.next() => self.heard(event?),
            }
            // Whether a driver is free is in the position, so it does not wait for the next one.
            if self.driver.is_free() != was_free {
                report_ms = clock.now_ms();
            }
        }
        self.report(link, clock.now_ms(), Some(DriverStatus::Offline));
        self.last_word(link).await;
        Ok(())
    }

    fn speak(&mut self, link: &Link, now_ms: i64) {
        let Some((trip, action)) = self.driver.step(now_ms) else { return };
        match link.room() {
            Some(room) => room.act(action.on(trip)),
            None => self.driver.say_again(now_ms + NO_ROOM_MS),
        }
    }

    fn report(&mut self, link: &Link, now_ms: i64, status: Option<DriverStatus>) {
        let Some(room) = link.room() else { return };
        self.sequence += 1;
        let place = self.driver.place(now_ms);
        let working = if self.driver.is_free() { DriverStatus::Available } else { DriverStatus::OnTrip };
        room.send(v1::PositionUpdate {
            sequence: self.sequence,
            latitude_deg: place.lat_deg(),
            longitude_deg: place.lon_deg(),
            status: i32::from(status.unwrap_or(working) as u8),
            ..v1::PositionUpdate::default()
        });
    }

    fn heard(&mut self, event: Event) {
        match event {
            Event::Acknowledged(tally) => {
                self.city.book.lock().seen.updates_dropped += tally.late + tally.rate;
                self.resume_token = tally.resume_token;
            }
            Event::Interval(interval_ms) if self.interval_ms > 0 => {
                self.pace = (f64::from(interval_ms) / f64::from(self.interval_ms)).max(1.0);
            }
            Event::Interval(_) => {}
            Event::Refused { sequence, reason } => {
                let text = format!("refused: number {sequence} of {}: {reason}", self.id);
                self.city.book.lock().note(text);
            }
            Event::Trip(message) => {
                if let Some(news) = wire::news(message) {
                    self.write_down(&news);
                    self.driver.heard(news, self.city.clock.now_ms(), &mut self.rng);
                }
            }
        }
    }

    /// What the judge and the report want to know.
    fn write_down(&self, news: &News) {
        let News::Result(trip, action, outcome) = news else { return };
        match (action, outcome) {
            (Action::Accept, Outcome::Taken) => {
                self.city.book.lock().accepted(self.id.clone(), trip.clone());
            }
            (_, Outcome::Refused) => {
                let name = format!("{action:?}").to_lowercase();
                *self.city.book.lock().seen.actions_refused.entry(name).or_default() += 1;
            }
            _ => {}
        }
    }

    /// Waits until everything is acknowledged.
    async fn last_word(&mut self, link: &mut Link) {
        let last = self.sequence;
        let heard = async {
            while let Ok(event) = link.next().await {
                let is_last = matches!(&event, Event::Acknowledged(tally) if tally.sequence >= last);
                self.heard(event);
                if is_last {
                    return;
                }
            }
        };
        // Who leaves without it is gone from the index a little later.
        _ = timeout(LAST_WORD_MAX, heard).await;
    }

    fn broken(&mut self, status: &Status) {
        self.node += 1;
        let mut book = self.city.book.lock();
        book.seen.reconnects += 1;
        book.note(format!("the stream of {} broke: {}: {}", self.id, status.code(), status.message()));
    }

    /// Tries the nodes in turn, less and less often.
    async fn open_at(&mut self, begins: Instant) -> Link {
        sleep_until(begins).await;
        let mut wait_ms = *RETRY_MS.start();
        loop {
            let channel = self.city.drivers.get(self.node, self.number);
            let hello = v1::Hello {
                driver_id: self.id.clone(),
                vehicle_class: self.city.options.vehicle_class.clone(),
                capabilities: Vec::new(),
                resume_token: self.resume_token.clone(),
            };
            match Link::open(channel, hello).await {
                Ok((mut link, welcome)) => {
                    self.sequence = self.sequence.max(welcome.last_sequence);
                    link.begin_at(self.sequence + 1);
                    self.resume_token.clone_from(link.resume_token());
                    (self.interval_ms, self.pace) = (welcome.reporting_interval_ms, 1.0);
                    return link;
                }
                Err(status) => {
                    let text = format!("{} cannot connect: {}: {}", self.id, status.code(), status.message());
                    self.city.book.lock().note(text);
                }
            }
            self.node += 1;
            let jitter_ms = self.rng.random_range(0..=wait_ms);
            sleep(Duration::from_millis(wait_ms + jitter_ms)).await;
            wait_ms = (wait_ms * 2).min(*RETRY_MS.end());
        }
    }
}
