//! Drivers with a stream each, many streams per connection. Each reports at its own phase of the interval.

use std::time::Duration;

use futures::StreamExt;
use kerb_geometry::LatLng;
use kerb_proto::v1;
use kerb_types::{Clock, SystemClock};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::report::StreamReport;
use crate::city::{City, shifted};
use crate::connect::Endpoints;
use crate::driver_stream::{DriverStream, Event};
use crate::options::LoadOptions;
use crate::report::Values;

/// Streams that open at the same time.
const OPENING_MAX: usize = 128;
/// Maximum distance of a driver between two reports, meters: 15 m/s for 3 s.
const STEP_M: f64 = 45.0;
/// Maximum wait for the last acknowledgement.
const LAST_WORD_MAX: Duration = Duration::from_secs(5);

/// A fleet of connected drivers.
pub(super) struct Fleet {
    drivers: Vec<Driver>,
    connected_in: Duration,
}

struct Driver {
    stream: DriverStream,
    sequence: u64,
    place: LatLng,
    rng: Pcg64Mcg,
    interval: Duration,
    /// The newest unacknowledged update and the time at which it was sent.
    waiting: Option<(u64, Instant)>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    sent: u64,
    acknowledged: u64,
    late: u64,
    rate: u64,
    refused: u64,
    backpressure: u64,
    slowed: u64,
    broken: Option<String>,
    latency_us: Values,
}

impl Fleet {
    /// Opens every driver's stream; the fleet is empty when the options ask for no streams.
    pub(super) async fn connect(
        options: &LoadOptions,
        city: &City,
        endpoints: &Endpoints,
    ) -> Result<Self, String> {
        let began = Instant::now();
        let opening = (0..options.streams).map(|number| Driver::open(options, city, endpoints, number));
        let mut opened = futures::stream::iter(opening).buffer_unordered(OPENING_MAX);
        let mut drivers = Vec::with_capacity(options.streams as usize);
        while let Some(driver) = opened.next().await {
            drivers.push(
                driver.map_err(|s| format!("stream {}: {}: {}", drivers.len(), s.code(), s.message()))?,
            );
        }
        Ok(Self { drivers, connected_in: began.elapsed() })
    }

    /// Reports until `over`; `None` without drivers.
    pub(super) async fn run(self, options: &LoadOptions, over: &CancellationToken) -> Option<StreamReport> {
        if self.drivers.is_empty() {
            return None;
        }
        let mut report = StreamReport {
            streams: self.drivers.len() as u64,
            connected_in_s: self.connected_in.as_secs_f64(),
            ..StreamReport::default()
        };
        let began = Instant::now();
        let interval_ms = u64::from(options.report_every_ms);
        let mut tasks = JoinSet::new();
        for driver in self.drivers {
            tasks.spawn(driver.run(interval_ms, over.clone()));
        }
        let mut latency_us = Values::default();
        while let Some(counts) = tasks.join_next().await {
            let Ok(counts) = counts else { continue };
            report.sent += counts.sent;
            report.acknowledged += counts.acknowledged;
            report.dropped_late += counts.late;
            report.dropped_rate += counts.rate;
            report.refused += counts.refused;
            report.backpressure += counts.backpressure;
            report.slowed_down += counts.slowed;
            report.broken += u64::from(counts.broken.is_some());
            report.first_break = report.first_break.or(counts.broken);
            latency_us.merge(&counts.latency_us);
        }
        report.sent_per_s = report.sent as f64 / began.elapsed().as_secs_f64();
        report.acknowledged_after_us = latency_us.summary();
        Some(report)
    }
}

impl Driver {
    async fn open(
        options: &LoadOptions,
        city: &City,
        endpoints: &Endpoints,
        number: u32,
    ) -> Result<Self, Status> {
        let mut rng = Pcg64Mcg::seed_from_u64(options.seed.wrapping_add(u64::from(number) << 24));
        let place = city.place(&mut rng);
        let connection = (number / options.streams_per_connection) as usize;
        let channel = endpoints.get(connection, connection / endpoints.nodes());
        let register = v1::Register {
            driver_id: format!("stream-{number}"),
            vehicle_class: "standard".to_owned(),
            ..Default::default()
        };
        let (stream, registered) = DriverStream::open(channel, register).await?;
        let interval = Duration::from_millis(u64::from(options.report_every_ms));
        let sequence = registered.last_sequence;
        Ok(Self { stream, sequence, place, rng, interval, waiting: None, counts: Counts::default() })
    }

    async fn run(mut self, interval_ms: u64, over: CancellationToken) -> Counts {
        let phase_ms = self.rng.random_range(0..interval_ms);
        let mut next = Instant::now() + Duration::from_millis(phase_ms);
        loop {
            tokio::select! {
                () = over.cancelled() => break,
                () = sleep_until(next) => {
                    self.report();
                    next += self.interval;
                }
                event = self.stream.next() => if !self.on_event(event) { return self.counts },
            }
        }
        let last_word = async {
            while self.waiting.is_some() {
                let event = self.stream.next().await;
                if !self.on_event(event) {
                    return;
                }
            }
        };
        // The report shows updates without acknowledgement as the difference.
        _ = timeout(LAST_WORD_MAX, last_word).await;
        self.counts
    }

    fn report(&mut self) {
        let mut step = || self.rng.random_range(-STEP_M..STEP_M);
        self.place = shifted(self.place, step(), step());
        let Some(room) = self.stream.room() else {
            self.counts.backpressure += 1;
            return;
        };
        self.sequence += 1;
        room.send(v1::PositionUpdate {
            sequence: self.sequence,
            time_ms: SystemClock.now().as_millis(),
            latitude_deg: self.place.lat_deg(),
            longitude_deg: self.place.lon_deg(),
            status: v1::DriverStatus::Available.into(),
            ..Default::default()
        });
        self.counts.sent += 1;
        self.waiting = Some((self.sequence, Instant::now()));
    }

    /// Returns `false` when the stream has ended.
    fn on_event(&mut self, event: Result<Event, Status>) -> bool {
        match event {
            Ok(Event::Acknowledged(tally)) => {
                self.counts.acknowledged += tally.acknowledged;
                self.counts.late += tally.late;
                self.counts.rate += tally.rate;
                if let Some((_, sent)) = self.waiting.take_if(|(sequence, _)| *sequence <= tally.sequence) {
                    self.counts.latency_us.add(sent.elapsed().as_micros() as u64);
                }
            }
            Ok(Event::Interval(interval_ms)) => {
                self.counts.slowed += 1;
                self.interval = self.interval.max(Duration::from_millis(u64::from(interval_ms)));
            }
            Ok(Event::Refused { .. }) => self.counts.refused += 1,
            // These drivers take part in no trips.
            Ok(Event::Trip(_)) => {}
            Err(status) => {
                self.counts.broken = Some(format!("{}: {}", status.code(), status.message()));
                return false;
            }
        }
        true
    }
}
