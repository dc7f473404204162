//! The report about the smallest fleet, as text and JSON.

use std::fmt;

use serde::Serialize;

use crate::fleet_size::FleetSizeOptions;
use crate::fleet_size::bipartite_matching::BipartiteMatching;
use crate::fleet_size::day::{Day, DroppedTrips};
use crate::fleet_size::online::OnlineReport;
use crate::fleet_size::published::{self, CITATION, PublishedRow};
use crate::fleet_size::slowness::HOURS;

/// The result of `simulator fleet-size`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FleetSizeReport {
    /// Local date of the trips.
    pub day: String,
    /// Number of trips.
    pub trips: usize,
    /// Counts of the lines that are left out.
    pub dropped: DroppedTrips,
    /// Number of cars that served the day, if the file has their ids.
    pub cars: Option<usize>,
    /// Smallest number of vehicles that serve all trips without delay.
    pub fleet: usize,
    /// Reduction compared with the cars, as a share of them.
    pub fewer_share: Option<f64>,
    /// Maximum number of simultaneous trips. No fleet is smaller.
    pub busiest: usize,
    /// Maximum time from a drop-off to the next pickup, minutes.
    pub delta_min: u16,
    /// Number of pairs of trips that one vehicle can serve.
    pub edges: u64,
    /// Number of phases of the matching.
    pub phases: u32,
    /// Duration of the matching, seconds.
    pub matching_s: f64,
    /// Factor on free-flow travel times, by local hour.
    pub slowdown_by_hour: [f64; HOURS],
    /// Number of trips behind these factors; 0 if they were given.
    pub slowdown_samples: usize,
    /// Results of the online runs.
    pub online: Vec<OnlineReport>,
    /// Comparison with the published figures.
    pub published: Vec<PublishedRow>,
    /// Citation of the publication.
    pub source: String,
    /// Seed of the starting places of the online runs.
    pub seed: u64,
}

/// The smallest fleet, and its matching.
pub(super) struct Offline {
    pub(super) fleet: usize,
    pub(super) edges: u64,
    pub(super) matching: BipartiteMatching,
    pub(super) matching_s: f64,
}

impl FleetSizeReport {
    pub(super) fn new(
        options: &FleetSizeOptions,
        day: &Day,
        offline: &Offline,
        online: Vec<OnlineReport>,
    ) -> Self {
        let fewer = |cars: usize| 1.0 - offline.fleet as f64 / cars as f64;
        let mut report = Self {
            day: options.day.clone(),
            trips: day.trips.len(),
            dropped: day.dropped,
            cars: day.cars,
            fleet: offline.fleet,
            fewer_share: day.cars.map(fewer),
            busiest: day.busiest(),
            delta_min: options.delta_min,
            edges: offline.edges,
            phases: offline.matching.phases,
            matching_s: offline.matching_s,
            slowdown_by_hour: day.slowness.by_hour,
            slowdown_samples: day.slowness.samples,
            online,
            published: Vec::new(),
            source: CITATION.to_owned(),
            seed: options.seed,
        };
        report.published = published::rows(&report);
        report
    }
}

impl fmt::Display for FleetSizeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { day, trips, fleet, busiest, delta_min, edges, phases, matching_s, .. } = self;
        writeln!(
            f,
            "{trips} trips on {day}; left out: {} off the map, {} without a duration",
            self.dropped.off_map, self.dropped.no_duration
        )?;
        writeln!(f, "  smallest fleet      {fleet} (no trip waits, {delta_min} min at most between two)")?;
        match (self.cars, self.fewer_share) {
            (Some(cars), Some(share)) => {
                writeln!(
                    f,
                    "  cars of that day    {cars}; the smallest fleet is {:.1} % smaller",
                    share * 100.0
                )?;
            }
            _ => writeln!(f, "  cars of that day    unknown")?,
        }
        writeln!(f, "  trips at one time   {busiest} at most")?;
        writeln!(
            f,
            "  network             {edges} edges, exact; matched in {matching_s:.1} s, {phases} phases"
        )?;
        let (low, high) = self
            .slowdown_by_hour
            .iter()
            .fold((f64::MAX, 0.0_f64), |(low, high), v| (low.min(*v), high.max(*v)));
        let from = if self.slowdown_samples == 0 {
            "given".to_owned()
        } else {
            format!("from {} trips", self.slowdown_samples)
        };
        writeln!(f, "  slower than free    {low:.2} to {high:.2} times by the hour, {from}")?;
        for online in &self.online {
            writeln!(f, "online, {} times the fleet: {} vehicles", online.times, online.fleet)?;
            writeln!(
                f,
                "  served              {} ({:.2} %), {} lost after {} s",
                online.served,
                online.served_share * 100.0,
                online.lost,
                online.delay_max_s
            )?;
            writeln!(
                f,
                "  delay, s            mean {:.1}, p50 {:.0}, p90 {:.0}, p99 {:.0}; {:.1} % on time",
                online.delay_mean_s,
                online.delay_p50_s,
                online.delay_p90_s,
                online.delay_p99_s,
                online.on_time_share * 100.0
            )?;
            writeln!(
                f,
                "  batch, ms           mean {:.2} (assignment {:.2}), max {:.1} (of {})",
                online.batch_mean_ms, online.assignment_mean_ms, online.batch_max_ms, online.batches
            )?;
        }
        writeln!(f, "published | ours | why they differ")?;
        for row in &self.published {
            writeln!(f, "  {}: {} | {} | {}", row.what, row.published, row.ours, row.why)?;
        }
        write!(f, "  {}", self.source)
    }
}
