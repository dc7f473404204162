//! The result of a comparison, as text and as JSON.

use std::fmt;

use serde::Serialize;

use super::answers::AnswerComparison;
use super::kerb::NAME;
use super::memory::{INDEX_SERVER, Memory};
use super::options::PeersOptions;
use super::rounds::{Cell, What};
use super::system::Kind;

const MEANING: &str = "medians of rounds in turn; a ratio is Kerb over Redis, with the most drivers. Updates of Kerb: \
    with 1 in flight a driver's own stream, each update acknowledged; else a gateway's batches, which count when a \
    search shows the last. Redis and its kin answer ids alone, Kerb whole drivers with distances. Memory is all of \
    the process, after loading";

/// The connections and batch size of the updates that the ratios use.
const COMPARED: What = What::Updates { in_flight: 128, connections: 8 };
/// The connections and batch size of a phone's updates.
const PHONES: What = What::Updates { in_flight: 1, connections: 64 };

/// The result of a comparison. Ratios are absent without a Redis server.
#[derive(Clone, Debug, Serialize)]
pub struct PeersReport {
    /// Explains the figures.
    pub meaning: &'static str,
    /// Kerb over Redis: updates per second.
    pub updates_ratio_redis: Option<f64>,
    /// Kerb over Redis: searches per second for the 10 nearest.
    pub knn_qps_ratio_redis: Option<f64>,
    /// Kerb over Redis: p99 of these searches during updates; below 1 is better.
    pub knn_p99_loaded_ratio_redis: Option<f64>,
    /// Kerb over Redis: searches per second for all within 1 km.
    pub radius_qps_ratio_redis: Option<f64>,
    /// Kerb over Redis: memory of an index server; below 1 is better.
    pub index_bytes_ratio_redis: Option<f64>,
    /// Kerb over Redis: memory of a whole node; below 1 is better.
    pub process_bytes_ratio_redis: Option<f64>,
    /// Kerb over Redis: processor time of the server per update; below 1 is better.
    pub updates_cpu_ratio_redis: Option<f64>,
    /// Kerb's searches per second for the 10 nearest, by fleet size from small to large.
    pub knn_qps_ratios_redis: Vec<f64>,
    /// Processor time of Kerb for one acknowledged update on a connection of its own, microseconds.
    pub phone_update_cpu_us: Option<f64>,
    /// Whether Kerb's answers are those of a linear scan.
    pub exact: bool,
    /// The systems and their versions.
    pub versions: Vec<(&'static str, String)>,
    /// The seed of all random numbers.
    pub seed: u64,
    /// The results by fleet size.
    pub(super) sizes: Vec<SizeReport>,
}

/// The results with one fleet size.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SizeReport {
    pub(super) drivers: u32,
    pub(super) memory: Vec<Memory>,
    pub(super) cells: Vec<Cell>,
    pub(super) answers: Vec<AnswerComparison>,
}

impl PeersReport {
    pub(super) fn new(
        options: &PeersOptions,
        kinds: &[Kind],
        sizes: Vec<SizeReport>,
    ) -> Result<Self, String> {
        let last = sizes.last().ok_or("no size was measured")?;
        let per_s = |what| last.ratio(what, |cell| Some(cell.figures.per_s));
        let nearest = What::Nearest { loaded: false };
        let kerb_is_exact =
            |answers: &Vec<AnswerComparison>| answers.iter().all(|c| c.system != NAME || c.different == 0);
        Ok(Self {
            meaning: MEANING,
            updates_ratio_redis: per_s(COMPARED),
            knn_qps_ratio_redis: per_s(nearest),
            knn_p99_loaded_ratio_redis: last.ratio(What::Nearest { loaded: true }, |c| c.figures.p99_us),
            radius_qps_ratio_redis: per_s(What::Within { loaded: false }),
            index_bytes_ratio_redis: last.memory_ratio(INDEX_SERVER),
            process_bytes_ratio_redis: last.memory_ratio(NAME),
            updates_cpu_ratio_redis: last.ratio(COMPARED, |cell| cell.figures.server_cpu_us),
            knn_qps_ratios_redis: sizes
                .iter()
                .filter_map(|size| size.ratio(nearest, |cell| Some(cell.figures.per_s)))
                .collect(),
            phone_update_cpu_us: last.cell(PHONES, NAME).and_then(|cell| cell.figures.server_cpu_us),
            exact: sizes.iter().all(|size| kerb_is_exact(&size.answers)),
            versions: kinds.iter().map(|kind| (kind.name(), kind.version())).collect(),
            seed: options.seed,
            sizes,
        })
    }
}

impl SizeReport {
    pub(super) fn cell(&self, what: What, system: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.what == what && cell.system == system)
    }

    fn ratio(&self, what: What, figure: impl Fn(&Cell) -> Option<f64>) -> Option<f64> {
        let of = |system| self.cell(what, system).and_then(&figure);
        divide(of(NAME)?, of("redis")?)
    }

    fn memory_ratio(&self, system: &str) -> Option<f64> {
        let of = |system| self.memory.iter().find(|memory| memory.system == system);
        divide(of(system)?.process_bytes as f64, of("redis")?.process_bytes as f64)
    }
}

fn divide(ours: f64, theirs: f64) -> Option<f64> {
    (theirs > 0.0).then(|| ours / theirs)
}

impl fmt::Display for PeersReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (system, version) in &self.versions {
            writeln!(f, "{system:<8} {version}")?;
        }
        writeln!(f, "\n{}.", self.meaning)?;
        self.sizes.iter().try_for_each(|size| write!(f, "\n{size}"))?;
        let ratios = [
            ("updates/s", self.updates_ratio_redis),
            ("updates, server CPU", self.updates_cpu_ratio_redis),
            ("10 nearest, searches/s", self.knn_qps_ratio_redis),
            ("10 nearest during updates, p99", self.knn_p99_loaded_ratio_redis),
            ("all within 1 km, searches/s", self.radius_qps_ratio_redis),
            ("memory of an index server", self.index_bytes_ratio_redis),
            ("memory of a whole node", self.process_bytes_ratio_redis),
        ];
        writeln!(f, "\nKerb over Redis, {} drivers", self.sizes.last().map_or(0, |size| size.drivers))?;
        for (name, ratio) in ratios {
            writeln!(f, "  {name:<32} {:>10}", shown(ratio, 3))?;
        }
        write!(f, "Kerb's answers are those of a linear scan: {}", if self.exact { "yes" } else { "no" })
    }
}

impl fmt::Display for SizeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} drivers", self.drivers)?;
        for memory in &self.memory {
            let Memory { system, process_bytes, bytes_per_driver } = memory;
            let mib = process_bytes >> 20;
            writeln!(f, "  {:<44} {system:<18} {mib:>8} MiB {bytes_per_driver:>7.0} B a driver", "memory")?;
        }
        writeln!(
            f,
            "  {:<44} {:<8} {:>11} {:>9} {:>9} {:>9} {:>8} {:>8}",
            "", "", "a second", "CPU us", "p50 us", "p99 us", "drivers", "updates"
        )?;
        for Cell { what, system, figures, .. } in &self.cells {
            let what = what.to_string();
            write!(f, "  {what:<44} {system:<8} {:>11.0}", figures.per_s)?;
            write!(f, " {:>9} {:>9}", shown(figures.server_cpu_us, 2), shown(figures.p50_us, 0))?;
            write!(f, " {:>9} {:>8}", shown(figures.p99_us, 0), shown(figures.drivers, 0))?;
            writeln!(f, " {:>8}", shown(figures.concurrent_updates_per_s, 0))?;
        }
        for AnswerComparison { system, queries, different, drivers, drivers_off } in &self.answers {
            let text = format!("{different} of {queries} differ, {drivers_off} of {drivers} drivers off");
            writeln!(f, "  {:<44} {system:<8} {text}", "answers against a linear scan")?;
        }
        Ok(())
    }
}

fn shown(figure: Option<f64>, decimals: usize) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.decimals$}"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::measure::Figures;
    use super::*;

    /// Kerb is four times as fast in everything, with half of the memory.
    pub(in super::super) fn report(systems: &[(&'static str, f64)]) -> PeersReport {
        let whats = [COMPARED, PHONES, What::Nearest { loaded: false }, What::Within { loaded: false }];
        let cell = |what, system, per_s| {
            let figures = Figures { per_s, server_cpu_us: Some(1.0 / per_s), ..Figures::default() };
            Cell { what, system, rounds: 1, figures }
        };
        let cells = whats.iter().flat_map(|what| systems.iter().map(|s| cell(*what, s.0, s.1))).collect();
        let memory = |(system, per_s): &(&'static str, f64)| Memory {
            system,
            process_bytes: (800.0 / per_s) as u64,
            bytes_per_driver: 8.0 / per_s,
        };
        let memory = systems.iter().map(memory).collect();
        let sized = SizeReport { drivers: 100, memory, cells, answers: Vec::new() };
        PeersReport::new(&options(), &[], vec![sized]).unwrap()
    }

    #[test]
    fn ratios_are_ours_over_theirs() {
        let report = report(&[(NAME, 4.0), ("redis", 1.0)]);
        assert_eq!(report.updates_ratio_redis, Some(4.0));
        assert_eq!(report.updates_cpu_ratio_redis, Some(0.25));
        assert_eq!(report.knn_qps_ratios_redis, [4.0]);
        assert_eq!(report.process_bytes_ratio_redis, Some(0.25));
        assert_eq!((report.index_bytes_ratio_redis, report.knn_p99_loaded_ratio_redis), (None, None));
        assert_eq!(report.phone_update_cpu_us, Some(0.25));
    }

    #[test]
    fn without_redis_there_are_no_ratios_but_figures() {
        let report = report(&[(NAME, 4.0), ("valkey", 1.0)]);
        assert_eq!((report.updates_ratio_redis, report.radius_qps_ratio_redis), (None, None));
        let json = serde_json::to_value(&report).unwrap();
        assert!(json["updates_ratio_redis"].is_null());
        assert_eq!(json["sizes"][0]["cells"][1]["system"], "valkey");
        assert!(report.to_string().contains("valkey"));
    }

    #[test]
    fn one_other_answer_of_ours_is_not_exact_and_of_a_peer_it_is() {
        let of = |system, different| {
            let mut sizes = report(&[(NAME, 1.0)]).sizes;
            sizes[0].answers =
                vec![AnswerComparison { system, queries: 9, different, drivers: 9, drivers_off: different }];
            PeersReport::new(&options(), &[], sizes).unwrap().exact
        };
        assert_eq!((of(NAME, 0), of(NAME, 1), of("redis", 1)), (true, false, true));
    }

    fn options() -> PeersOptions {
        PeersOptions {
            quick: true,
            drivers: Vec::new(),
            rounds: None,
            span_ms: None,
            kerb: None,
            without: Vec::new(),
            plot: None,
            seed: 1,
            json: false,
        }
    }
}
