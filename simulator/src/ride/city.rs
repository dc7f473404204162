//! What all riders and drivers of a run share: settings, time, connections, and the book.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kerb_fleet::Clock;
use kerb_proto::v1;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use super::book::Book;
use super::clock::CityClock;
use super::options::RideOptions;
use super::report::{Figures, RidesReport, Run};
use crate::connect::Endpoints;
use crate::sheet::SheetError;

/// Drivers go on duty so long before their time, real milliseconds: the first rider finds them in the index.
const WARM_UP_MS: f64 = 3_000.0;
/// A ride service answers in this time, or there is none.
const SERVICE_WITHIN: Duration = Duration::from_secs(10);
/// It is asked this often.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// Why there was no run.
#[derive(Debug, thiserror::Error)]
pub enum RidesError {
    /// The trips or the pings cannot be used.
    #[error(transparent)]
    File(#[from] SheetError),
    /// A setting, or the machine.
    #[error("{0}")]
    Setup(String),
    /// Nobody to ride, or to drive.
    #[error("{trips} trips and {cabs} free cabs from {from_s} to {until_s}, must be at least one of each")]
    Empty {
        /// Trips in this time.
        trips: usize,
        /// Cabs that are free at some time of it.
        cabs: usize,
        /// Unix seconds.
        from_s: i64,
        /// Unix seconds.
        until_s: i64,
    },
    /// No node takes requests.
    #[error("no ride service at {endpoint}: {reason}")]
    NoService {
        /// The first of the riders' endpoints.
        endpoint: String,
        /// What its last answer was.
        reason: String,
    },
}

pub(super) struct City {
    pub(super) options: RideOptions,
    pub(super) clock: CityClock,
    pub(super) drivers: Endpoints,
    pub(super) riders: Endpoints,
    pub(super) book: Mutex<Book>,
    /// Drivers whose stream is open.
    pub(super) on_duty: AtomicU64,
    /// Makes the ids and keys of this run its own.
    run: i64,
    within_s: Range<i64>,
    fleet: usize,
}

impl City {
    /// The run's settings and connections; nothing is connected yet.
    pub(super) fn new(
        options: RideOptions,
        within_s: Range<i64>,
        riders: usize,
        drivers: usize,
    ) -> Result<Self, RidesError> {
        let asked =
            if options.rider_endpoints.is_empty() { &options.endpoints } else { &options.rider_endpoints };
        let endpoints =
            |urls: &[String]| Endpoints::new(urls, options.connections).map_err(RidesError::Setup);
        Ok(Self {
            clock: CityClock::new(0, Instant::now(), options.speed_up),
            drivers: endpoints(&options.endpoints)?,
            riders: endpoints(asked)?,
            book: Mutex::new(Book::new(riders)),
            on_duty: AtomicU64::new(0),
            run: 0,
            within_s,
            fleet: drivers,
            options,
        })
    }

    /// The city's time begins now.
    #[must_use]
    pub(super) fn start(mut self, clock: &dyn Clock) -> Self {
        self.run = clock.now_ms();
        let begins_ms = self.within_s.start * 1_000 - self.warm_up_ms();
        self.clock = CityClock::new(begins_ms, Instant::now(), self.options.speed_up);
        self
    }

    /// Waits until a ride service answers, whatever it says of a trip that nobody knows.
    pub(super) async fn find_the_service(&self, stop: &CancellationToken) -> Result<(), RidesError> {
        let deadline = Instant::now() + SERVICE_WITHIN;
        loop {
            let status = match self.ask_for_nothing().await {
                Ok(()) => return Ok(()),
                Err(status) => status,
            };
            if status.code() == Code::Unimplemented || Instant::now() >= deadline || stop.is_cancelled() {
                let endpoint =
                    self.options.rider_endpoints.first().or(self.options.endpoints.first()).cloned();
                let reason = format!("{}: {}", status.code(), status.message());
                return Err(RidesError::NoService { endpoint: endpoint.unwrap_or_default(), reason });
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    async fn ask_for_nothing(&self) -> Result<(), Status> {
        let (rider_id, trip_id) = ("nobody".to_owned(), "nowhere-1".to_owned());
        let asked = RideServiceClient::new(self.riders.get(0, 0));
        let answer = { asked }.get_trip(v1::GetTripRequest { rider_id, trip_id }).await;
        match answer {
            Err(status) if !matches!(status.code(), Code::NotFound | Code::InvalidArgument) => Err(status),
            _ => Ok(()),
        }
    }

    /// The id of a rider of this run.
    pub(super) fn rider_id(&self, number: usize) -> String {
        format!("rider-{}-{number}", self.run)
    }

    /// The key of a rider's request: the same however often it is sent.
    pub(super) fn key(&self, number: usize) -> String {
        format!("ride-{}-{number}", self.run)
    }

    /// How long before its time a driver goes on duty, milliseconds of the city's time.
    pub(super) fn warm_up_ms(&self) -> i64 {
        (WARM_UP_MS * self.options.speed_up) as i64
    }

    /// A span of the city's time as the machine measures it, milliseconds.
    pub(super) fn real_ms(&self, city_ms: u32) -> u32 {
        (f64::from(city_ms) / self.options.speed_up).round() as u32
    }

    pub(super) fn ends_at(&self) -> Instant {
        self.clock.instant_of(self.within_s.end * 1_000)
    }

    /// Time that has passed since the first riders could ask, seconds of the city's time.
    pub(super) fn city_s(&self) -> f64 {
        let from_ms = self.within_s.start * 1_000;
        let until_ms = self.clock.now_ms().min(self.within_s.end * 1_000);
        (until_ms - from_ms).max(0) as f64 / 1_000.0
    }

    pub(super) fn elapsed_s(&self) -> f64 {
        self.clock.elapsed_s()
    }

    pub(super) fn on_duty(&self) -> u64 {
        self.on_duty.load(Ordering::Relaxed)
    }

    /// All that was seen; the times are the caller's to fill in.
    pub(super) fn report(&self) -> RidesReport {
        let book = self.book.lock();
        let (tally, verdict) = (book.tally(self.options.speed_up), book.judge());
        let figures = Figures::new(&tally, &verdict, &book.seen, self.fleet as u64);
        let settings = serde_json::to_value(&self.options).unwrap_or_default();
        let run = Run {
            time_scale: self.options.speed_up,
            city_s: 0.0,
            elapsed_s: 0.0,
            interrupted: false,
            seed: self.options.seed,
            settings,
        };
        RidesReport { figures, run }
    }
}
