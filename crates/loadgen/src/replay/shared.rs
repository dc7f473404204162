//! What all tasks of a replay share: the settings, the schedule, the histories and the counters.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kerb_geometry::LatLng;
use kerb_proto::v1;
use kerb_proto::v1::nearby_service_client::NearbyServiceClient;
use kerb_routing::csv_rows::CsvError;
use kerb_types::{Catalog, Clock};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::prober::Desk;
use crate::connect::Endpoints;
use crate::history::{Fleet, Profile};
use crate::options::ReplayOptions;
use crate::pings::Pings;
use crate::report::{ReplayReport, Values};
use crate::track::{Track, tracks};

/// Drivers of a run before leave the index in this time.
const EMPTY_WITHIN: Duration = Duration::from_secs(75);
/// Looks at the index this often while waiting for that.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Connections for searches to each endpoint.
const SEARCH_CONNECTIONS: u32 = 2;
/// Every driver is within this of any point, meters: half the circumference, rounded up by the server's own limit.
const WORLD_M: f64 = kerb_types::limits::RADIUS_MAX_M;

/// Why there was no replay.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The pings cannot be used.
    #[error(transparent)]
    Pings(#[from] CsvError),
    /// A setting, or the machine.
    #[error("{0}")]
    Setup(String),
    /// No node answers.
    #[error("no answer from {endpoint}: {reason}")]
    NoAnswer {
        /// The first search endpoint.
        endpoint: String,
        /// What its last answer was.
        reason: String,
    },
    /// The judge cannot know where those drivers are.
    #[error(
        "the index already holds drivers that this replay does not know, for example {example:?}; stop who reports them"
    )]
    NotEmpty {
        /// One of them.
        example: String,
    },
}

pub(super) struct Shared {
    pub(super) options: ReplayOptions,
    pub(super) fleet: Fleet,
    pub(super) drivers: Endpoints,
    pub(super) search: Endpoints,
    pub(super) catalog: Catalog,
    pub(super) counters: Counters,
    pub(super) tallies: Mutex<Tallies>,
    pub(super) desk: Desk,
    /// The node that holds each driver's newest stream, by the driver's index.
    pub(super) nodes: Mutex<Vec<Option<Arc<str>>>>,
    begins_ms: i64,
    ends_ms: i64,
    started: Instant,
    started_wall_ms: i64,
}

/// What counts on every update.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) connected: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) acknowledged: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) rate: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) backpressure: AtomicU64,
    pub(super) reconnects: AtomicU64,
}

/// What counts on every search.
#[derive(Default)]
pub(super) struct Tallies {
    pub(super) searches: u64,
    pub(super) failed: BTreeMap<String, u64>,
    pub(super) judged: u64,
    pub(super) wrong: u64,
    pub(super) partial: u64,
    pub(super) found: u64,
    pub(super) faults: BTreeMap<&'static str, u64>,
    pub(super) search_us: Values,
    pub(super) freshness_ms: Values,
    pub(super) freshness_timeouts: u64,
    /// What the news should tell next, oldest first.
    pub(super) notes: Vec<String>,
    /// The newest judged query of a rider's kind, in words.
    pub(super) sample: Option<String>,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }

    pub(super) fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// The run's settings and tracks; nothing is connected yet.
    pub(super) fn new(
        pings: &Pings,
        options: ReplayOptions,
        clock: &dyn Clock,
    ) -> Result<(Self, Vec<Track>), ReplayError> {
        let from_s = options.from.unwrap_or(pings.begins_s());
        let until_s = options.duration.map_or(pings.ends_s() + 1, |d| from_s.saturating_add(d));
        let part = pings.cut(from_s, until_s);
        if part.pings.is_empty() {
            let within = format!(
                " from {from_s} to {until_s}; the file has {} to {}",
                pings.begins_s(),
                pings.ends_s()
            );
            let file =
                options.pings.as_ref().map_or_else(|| "the pings".to_owned(), |p| p.display().to_string());
            return Err(CsvError::Empty { file, what: "pings", within }.into());
        }
        let tracks = tracks(&part, options.gap_max_s);
        let catalog = Catalog::default();
        let profiles = tracks.iter().enumerate().map(|(i, track)| profile(i, &track.cab, &catalog)).collect();
        let searched =
            if options.search_endpoints.is_empty() { &options.endpoints } else { &options.search_endpoints };
        let shared = Self {
            fleet: Fleet::new(profiles, i64::from(options.allowance_ms)),
            drivers: Endpoints::new(&options.endpoints, options.connections).map_err(ReplayError::Setup)?,
            search: Endpoints::new(searched, SEARCH_CONNECTIONS).map_err(ReplayError::Setup)?,
            catalog,
            counters: Counters::default(),
            tallies: Mutex::default(),
            desk: Desk::default(),
            nodes: Mutex::new(vec![None; tracks.len()]),
            begins_ms: from_s * 1_000,
            ends_ms: until_s.min(part.ends_s() + 1) * 1_000,
            started: Instant::now(),
            started_wall_ms: clock.now_ms(),
            options,
        };
        Ok((shared, tracks))
    }

    /// The replay's time begins now.
    #[must_use]
    pub(super) fn start(mut self) -> Self {
        let now_ms = self.now_ms();
        (self.started, self.started_wall_ms) = (Instant::now(), now_ms);
        self
    }

    /// Drivers whom this replay does not know would make right answers look wrong. Those of a run before leave by
    /// themselves.
    pub(super) async fn wait_for_an_empty_index(&self, stop: &CancellationToken) -> Result<(), ReplayError> {
        let deadline = Instant::now() + EMPTY_WITHIN;
        loop {
            let wrong = match self.any_driver().await {
                Ok(None) => return Ok(()),
                Ok(Some(example)) => ReplayError::NotEmpty { example },
                Err(status) => {
                    let endpoint = self.options.search_endpoints.first().or(self.options.endpoints.first());
                    ReplayError::NoAnswer {
                        endpoint: endpoint.cloned().unwrap_or_default(),
                        reason: status.message().to_owned(),
                    }
                }
            };
            let patience = if matches!(wrong, ReplayError::NotEmpty { .. }) {
                deadline
            } else {
                deadline - EMPTY_WITHIN * 4 / 5
            };
            tokio::select! {
                () = stop.cancelled() => return Err(wrong),
                () = tokio::time::sleep(LOOK_EVERY) => if Instant::now() >= patience { return Err(wrong) },
            }
        }
    }

    async fn any_driver(&self) -> Result<Option<String>, tonic::Status> {
        use v1::find_nearby_request::Search;
        let point = Some(v1::LatLng::default());
        let request = v1::FindNearbyRequest {
            search: Some(Search::Nearest(v1::NearestSearch { point, k: 1, radius_m: WORLD_M })),
            filter: Some(v1::DriverFilter {
                position_age_max_ms: self.options.position_ttl_ms,
                ..Default::default()
            }),
            ..Default::default()
        };
        let response =
            NearbyServiceClient::new(self.search.get(0, 0)).find_nearby(request).await?.into_inner();
        Ok(response.drivers.into_iter().next().map(|d| d.driver_id))
    }

    /// Wall time, which cannot jump during the run.
    pub(super) fn now_ms(&self) -> i64 {
        self.started_wall_ms + self.started.elapsed().as_millis() as i64
    }

    /// The file's time now, milliseconds.
    pub(super) fn simulated_ms(&self) -> i64 {
        self.begins_ms + (self.elapsed_s() * 1_000.0 * self.options.speed_up) as i64
    }

    /// When the file's time will be this.
    pub(super) fn instant_of(&self, simulated_ms: i64) -> Instant {
        let ahead_ms = (simulated_ms - self.begins_ms).max(0) as f64 / self.options.speed_up;
        self.started + Duration::from_micros((ahead_ms * 1_000.0) as u64)
    }

    pub(super) fn ends_at(&self) -> Instant {
        self.instant_of(self.ends_ms)
    }

    /// How much of the file's time will be replayed, seconds.
    pub(super) fn whole_s(&self) -> f64 {
        (self.ends_ms - self.begins_ms) as f64 / 1_000.0
    }

    /// How much of the file's time is replayed, seconds.
    pub(super) fn simulated_s(&self) -> f64 {
        (self.elapsed_s() * self.options.speed_up).min(self.whole_s())
    }

    pub(super) fn elapsed_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Where some driver is; `None` when nobody has reported yet. `pick` is any number.
    pub(super) fn some_place(&self, pick: usize) -> Option<LatLng> {
        let members = self.fleet.members();
        let mut in_turn = (0..members.len()).map(|i| &members[(pick + i) % members.len()]);
        in_turn.find_map(|m| m.history().newest().map(|s| s.place))
    }

    /// A driver's stream broke. What any driver gave to the same node just before may be lost with it.
    pub(super) fn broke(&self, driver: usize) {
        let now_ms = self.now_ms();
        let nodes = self.nodes.lock();
        let lost = nodes[driver].as_ref();
        let members = self.fleet.members().iter().enumerate();
        for (_, member) in
            members.filter(|(i, _)| *i == driver || (lost.is_some() && nodes[*i].as_ref() == lost))
        {
            member.history().broke(now_ms);
        }
    }

    /// Something that a person should read.
    pub(super) fn note(&self, text: String) {
        /// More notes than this between two lines of news help nobody.
        const NOTES_MAX: usize = 20;
        let notes = &mut self.tallies.lock().notes;
        if notes.len() < NOTES_MAX {
            notes.push(text);
        }
    }

    /// All counts; the times are the caller's to fill in.
    pub(super) fn report(&self) -> ReplayReport {
        let (counters, tallies) = (&self.counters, self.tallies.lock());
        let [sent, acknowledged, late, rate, refused, backpressure] = [
            &counters.sent,
            &counters.acknowledged,
            &counters.late,
            &counters.rate,
            &counters.refused,
            &counters.backpressure,
        ]
        .map(Counters::get);
        let (search_us, freshness_ms) = (tallies.search_us.summary(), tallies.freshness_ms.summary());
        ReplayReport {
            updates_sent: sent,
            updates_applied: acknowledged.saturating_sub(late + rate + refused),
            updates_dropped: BTreeMap::from([
                ("late", late),
                ("rate", rate),
                ("refused", refused),
                ("backpressure", backpressure),
                ("unacknowledged", sent.saturating_sub(acknowledged)),
            ]),
            searches: tallies.searches,
            searches_failed: tallies.failed.clone(),
            wrong_answers: tallies.wrong,
            faults: tallies.faults.clone(),
            partial_answers: tallies.partial,
            drivers_found: tallies.found,
            search_p99_us: search_us.p99,
            search_us,
            freshness_p99_ms: freshness_ms.p99,
            freshness_ms,
            freshness_timeouts: tallies.freshness_timeouts,
            reconnects: Counters::get(&counters.reconnects),
            cabs: self.fleet.members().iter().filter(|m| m.history().newest().is_some()).count() as u64,
            seed: self.options.seed,
            settings: serde_json::to_value(&self.options).unwrap_or_default(),
            ..ReplayReport::default()
        }
    }
}

/// Classes and capabilities are made up, the same in every run: the files have none.
fn profile(index: usize, cab: &str, catalog: &Catalog) -> Profile {
    let classes = catalog.vehicle_classes();
    let capabilities = catalog.all_capabilities();
    // Half of the cabs are of the first class, the others spread over the rest.
    let class = if index.is_multiple_of(2) { 0 } else { (index / 2) % classes.len() };
    let mut having: Vec<_> =
        (0..2).filter(|bit| index >> bit & 1 == 1).map(|bit| capabilities[bit].clone()).collect();
    having.sort();
    Profile { id: format!("cab-{cab}"), vehicle_class: classes[class].clone(), capabilities: having }
}
