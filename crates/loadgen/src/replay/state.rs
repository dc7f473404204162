//! The state that all tasks of a replay share: the settings, the schedule, the histories and the counters.

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

use super::probe_queue::ProbeQueue;
use crate::connect::Endpoints;
use crate::history::{Fleet, Profile};
use crate::options::ReplayOptions;
use crate::recorded::pings::Pings;
use crate::recorded::track::{Track, tracks};
use crate::report::{ReplayReport, Values};

/// Time in which drivers of an earlier run leave the index.
const EMPTY_WITHIN: Duration = Duration::from_secs(75);
/// Pause between two looks at the index while waiting for that.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Connections for searches to each endpoint.
const SEARCH_CONNECTIONS: u32 = 2;
/// Radius that contains every driver, meters: the server's largest radius.
const WORLD_M: f64 = kerb_types::limits::RADIUS_MAX_M;

/// Why a replay did not run.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The pings cannot be used.
    #[error(transparent)]
    Pings(#[from] CsvError),
    /// A setting is wrong, or a task failed.
    #[error("{0}")]
    Setup(String),
    /// No node answers.
    #[error("no answer from {endpoint}: {reason}")]
    NoAnswer {
        /// The first search endpoint.
        endpoint: String,
        /// The message of its last error.
        reason: String,
    },
    /// The index holds drivers whose positions the checker cannot know.
    #[error(
        "the index already holds drivers of somebody else, for example {example:?}; stop their reports first"
    )]
    NotEmpty {
        /// The id of one such driver.
        example: String,
    },
}

pub(super) struct ReplayState {
    pub(super) options: ReplayOptions,
    pub(super) fleet: Fleet,
    pub(super) drivers: Endpoints,
    pub(super) search: Endpoints,
    pub(super) catalog: Catalog,
    pub(super) counters: Counters,
    pub(super) tallies: Mutex<Tallies>,
    pub(super) probes: ProbeQueue,
    /// The node that holds each driver's newest stream, by the driver's index.
    pub(super) nodes: Mutex<Vec<Option<Arc<str>>>>,
    begins_ms: i64,
    ends_ms: i64,
    started: Instant,
    started_wall_ms: i64,
}

/// Counters of updates.
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

/// Counts and samples of searches.
#[derive(Default)]
pub(super) struct Tallies {
    pub(super) searches: u64,
    pub(super) failed: BTreeMap<String, u64>,
    pub(super) checked: u64,
    pub(super) wrong: u64,
    pub(super) partial: u64,
    pub(super) found: u64,
    pub(super) faults: BTreeMap<&'static str, u64>,
    pub(super) search_us: Values,
    pub(super) freshness_ms: Values,
    pub(super) freshness_timeouts: u64,
    /// Notes that the progress prints next, oldest first.
    pub(super) notes: Vec<String>,
    /// The text of the newest checked nearest search.
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

impl ReplayState {
    /// Prepares the run without connecting.
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
            probes: ProbeQueue::default(),
            nodes: Mutex::new(vec![None; tracks.len()]),
            begins_ms: from_s * 1_000,
            ends_ms: until_s.min(part.ends_s() + 1) * 1_000,
            started: Instant::now(),
            started_wall_ms: clock.now().as_millis(),
            options,
        };
        Ok((shared, tracks))
    }

    /// Starts the replay's time.
    #[must_use]
    pub(super) fn start(mut self) -> Self {
        let now_ms = self.now_ms();
        (self.started, self.started_wall_ms) = (Instant::now(), now_ms);
        self
    }

    /// Waits until the index is empty: drivers of somebody else would make right answers look wrong. Drivers of an earlier
    /// run expire.
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

    /// Returns the wall time, milliseconds since the Unix epoch. It does not jump during the run.
    pub(super) fn now_ms(&self) -> i64 {
        self.started_wall_ms + self.started.elapsed().as_millis() as i64
    }

    /// Returns the present time of the file, milliseconds since the Unix epoch.
    pub(super) fn simulated_ms(&self) -> i64 {
        self.begins_ms + (self.elapsed_s() * 1_000.0 * self.options.speed_up) as i64
    }

    /// Returns the instant at which the file's time is `simulated_ms`.
    pub(super) fn instant_of(&self, simulated_ms: i64) -> Instant {
        let ahead_ms = (simulated_ms - self.begins_ms).max(0) as f64 / self.options.speed_up;
        self.started + Duration::from_micros((ahead_ms * 1_000.0) as u64)
    }

    pub(super) fn ends_at(&self) -> Instant {
        self.instant_of(self.ends_ms)
    }

    /// Returns the length of the replay, seconds of the file's time.
    pub(super) fn whole_s(&self) -> f64 {
        (self.ends_ms - self.begins_ms) as f64 / 1_000.0
    }

    /// Returns the replayed time, seconds of the file's time.
    pub(super) fn simulated_s(&self) -> f64 {
        (self.elapsed_s() * self.options.speed_up).min(self.whole_s())
    }

    pub(super) fn elapsed_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Returns the newest position of some driver, chosen by `pick`; `None` before the first report.
    pub(super) fn some_place(&self, pick: usize) -> Option<LatLng> {
        let members = self.fleet.members();
        let mut in_turn = (0..members.len()).map(|i| &members[(pick + i) % members.len()]);
        in_turn.find_map(|m| m.history().newest().map(|s| s.place))
    }

    /// Records that a driver's stream broke. The node may have lost recent updates of its other drivers, too.
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

    /// Adds a note to the progress.
    pub(super) fn note(&self, text: String) {
        /// Maximum notes between two lines of progress.
        const NOTES_MAX: usize = 20;
        let notes = &mut self.tallies.lock().notes;
        if notes.len() < NOTES_MAX {
            notes.push(text);
        }
    }

    /// Returns all counts; the caller fills in the times.
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

/// Makes up a class and capabilities, equal in every run: the files have none.
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
