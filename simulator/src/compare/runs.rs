//! The runs of a comparison: each combination once, in parallel, with records in files so that it can continue later.

use std::fs;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::metrics::record::RunRecord;
use crate::scenario::switchback::Schedule;

/// Maximum runs of one comparison, because their records are held in memory.
const RUNS_MAX: usize = 1_000;

/// The plan of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Names of the policies; the first one is the base.
    pub policies: Vec<String>,
    /// Numbers of drivers; empty for the scenario's own number.
    pub fleets: Vec<u32>,
    /// Seeds of the runs.
    pub seeds: Vec<u64>,
    /// Schedule by which each run alternates between the policies, instead of a run for each.
    pub switchback: Option<Schedule>,
}

/// One run of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRun {
    /// Name of the assignment policy, or the label of the schedule.
    pub policy: String,
    /// Schedule of a switchback.
    pub switchback: Option<Schedule>,
    /// Number of drivers; `None` for the scenario's own.
    pub fleet: Option<u32>,
    /// Seed of all random streams.
    pub seed: u64,
}

/// The reason why a comparison is not possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The text is not a list or range of seeds.
    #[error("seeds {0:?}, must be numbers like 1,2,5 or a range like 1..10, both ends in it")]
    Seeds(String),
    /// The name of a policy cannot be a part of a file name.
    #[error("policy {0:?}, must be letters, digits, - or _")]
    Policy(String),
    /// A policy is listed twice.
    #[error("policy {0:?} is listed twice, must be listed once")]
    Twice(String),
    /// The plan has too many runs.
    #[error("{0} runs, at most {RUNS_MAX} are compared")]
    TooMany(usize),
    /// The folder has runs of another scenario.
    #[error("{0}: has runs of another scenario, must be an empty folder or one of this comparison")]
    RunFolder(PathBuf),
    /// The folder or a file in it cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// Path of the folder or file.
        path: PathBuf,
        /// Error of the operating system.
        reason: String,
    },
}

/// The port that makes a run.
pub trait Runner: Sync {
    /// Makes a complete run. The error is a message for the user.
    fn run(&self, planned: &PlannedRun) -> Result<RunRecord, String>;
}

/// The results of a plan.
#[derive(Debug, Default)]
pub struct RunResults {
    /// Records in the order of the plan.
    pub records: Vec<RunRecord>,
    /// Number of runs without a record, because they were stopped or failed.
    pub missing: usize,
    /// Errors of failed runs.
    pub failures: Vec<String>,
}

/// Parses a range with both ends, like `1..10`, or a list like `1,2,5`.
pub fn parse_seeds(text: &str) -> Result<Vec<u64>, PlanError> {
    let wrong = || PlanError::Seeds(text.to_owned());
    let number = |part: &str| part.trim().parse::<u64>().ok();
    let seeds: Option<Vec<u64>> = match text.split_once("..") {
        Some((first, last)) => {
            number(first).zip(number(last)).map(|(first, last)| (first..=last).take(RUNS_MAX + 1).collect())
        }
        None => text.split(',').map(number).collect(),
    };
    let mut seeds = seeds.filter(|seeds| !seeds.is_empty()).ok_or_else(wrong)?;
    seeds.sort_unstable();
    seeds.dedup();
    Ok(seeds)
}

impl Plan {
    /// Returns all runs, seed by seed, so that a stopped comparison has the same seeds of each policy.
    pub fn runs(&self) -> Result<Vec<PlannedRun>, PlanError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if let Some(policy) =
            self.policies.iter().find(|policy| policy.is_empty() || !policy.chars().all(plain))
        {
            return Err(PlanError::Policy(policy.clone()));
        }
        let twice = |at: usize| self.policies[..at].contains(&self.policies[at]);
        if let Some(at) = (0..self.policies.len()).find(|at| twice(*at)) {
            return Err(PlanError::Twice(self.policies[at].clone()));
        }
        let own = [None];
        let fleets: Vec<Option<u32>> = self.fleets.iter().copied().map(Some).collect();
        let fleets = if fleets.is_empty() { &own[..] } else { &fleets };
        let labels = self.switchback.as_ref().map(|schedule| vec![schedule.plain_label()]);
        let policies = labels.as_ref().unwrap_or(&self.policies);
        let count = self.seeds.len() * fleets.len() * policies.len();
        if count > RUNS_MAX {
            return Err(PlanError::TooMany(count));
        }
        let mut runs = Vec::with_capacity(count);
        for seed in &self.seeds {
            for fleet in fleets {
                let planned = |policy: &String| PlannedRun {
                    policy: policy.clone(),
                    switchback: self.switchback.clone(),
                    fleet: *fleet,
                    seed: *seed,
                };
                runs.extend(policies.iter().map(planned));
            }
        }
        Ok(runs)
    }
}

impl PlannedRun {
    /// Returns the name of the run's file.
    pub fn file(&self) -> String {
        let fleet = self.fleet.map(|fleet| format!("_{fleet}")).unwrap_or_default();
        format!("{}{fleet}_{}.json", self.policy, self.seed)
    }
}

/// A folder with the records of one scenario's runs.
#[derive(Clone, Debug)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// Creates the folder, or opens an existing one of the same scenario.
    pub fn open(path: &Path, scenario: &str) -> Result<Self, PlanError> {
        let file_error = |e: io::Error| PlanError::File { path: path.to_owned(), reason: e.to_string() };
        fs::create_dir_all(path).map_err(file_error)?;
        let kept = path.join("scenario.toml");
        match fs::read_to_string(&kept) {
            Ok(found) if found == scenario => {}
            Ok(_) => return Err(PlanError::RunFolder(path.to_owned())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                fs::write(&kept, scenario).map_err(file_error)?;
            }
            Err(e) => return Err(file_error(e)),
        }
        Ok(Self(path.to_owned()))
    }

    /// Reads the record of an earlier, complete run.
    fn read(&self, planned: &PlannedRun) -> Option<RunRecord> {
        read_run(&self.0.join(planned.file())).ok().filter(|run| !run.stopped && run.seed == planned.seed)
    }

    /// Writes a record atomically.
    fn write(&self, planned: &PlannedRun, run: &RunRecord) -> Result<(), String> {
        let path = self.0.join(planned.file());
        let part = path.with_extension("part");
        let text = serde_json::to_vec(run).map_err(|e| e.to_string())?;
        let written = fs::write(&part, text).and_then(|()| fs::rename(&part, &path));
        written.map_err(|e| format!("{}: {e}", path.display()))
    }
}

/// Reads the record of a run.
pub fn read_run(path: &Path) -> Result<RunRecord, String> {
    let file_error = |reason: String| format!("{}: {reason}", path.display());
    let file = fs::File::open(path).map_err(|e| file_error(e.to_string()))?;
    serde_json::from_reader(BufReader::new(file)).map_err(|e| file_error(format!("not a run: {e}")))
}

/// Makes the runs of a plan that the folder does not have, in `jobs` threads, until `is_stopped`. Calls `progress` with
/// the number of finished runs.
pub fn run_all(
    runs: &[PlannedRun],
    runner: &dyn Runner,
    folder: Option<&RunFolder>,
    jobs: usize,
    is_stopped: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn(usize) + Sync),
) -> RunResults {
    let results: Vec<Mutex<Option<RunRecord>>> = runs.iter().map(|_| Mutex::new(None)).collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = Mutex::new(Vec::new());
    let work = || {
        while !is_stopped() {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let Some(planned) = runs.get(turn) else { break };
            match run_one(planned, runner, folder) {
                // A stopped run is neither kept nor compared, as it covers a shorter time.
                Ok(run) => *results[turn].lock() = (!run.stopped).then_some(run),
                // A run that was killed by the stop is missing, but did not fail.
                Err(_) if is_stopped() => {}
                Err(reason) => failures.lock().push(format!("{}: {reason}", planned.file())),
            }
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, runs.len().max(1)) {
            scope.spawn(work);
        }
    });
    let records: Vec<RunRecord> = results.into_iter().filter_map(Mutex::into_inner).collect();
    RunResults { missing: runs.len() - records.len(), records, failures: failures.into_inner() }
}

fn run_one(
    planned: &PlannedRun,
    runner: &dyn Runner,
    folder: Option<&RunFolder>,
) -> Result<RunRecord, String> {
    if let Some(run) = folder.and_then(|folder| folder.read(planned)) {
        return Ok(run);
    }
    let run = runner.run(planned)?;
    if let Some(folder) = folder.filter(|_| !run.stopped) {
        folder.write(planned, &run)?;
    }
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_parsed() {
        assert_eq!(parse_seeds("1..4"), Ok(vec![1, 2, 3, 4]));
        assert_eq!(parse_seeds("5, 2,2"), Ok(vec![2, 5]));
        for wrong in ["", "3..1", "a", "1..b", "-1"] {
            assert_eq!(parse_seeds(wrong), Err(PlanError::Seeds(wrong.to_owned())));
        }
    }

    #[test]
    fn a_plan_has_all_policies_of_a_seed_before_the_next_seed() {
        let plan = Plan {
            policies: vec!["nearest".to_owned(), "batch".to_owned()],
            fleets: vec![10, 20],
            seeds: vec![1, 2],
            switchback: None,
        };
        let files: Vec<_> = plan.runs().unwrap().iter().map(PlannedRun::file).collect();
        assert_eq!(
            files[..4],
            ["nearest_10_1.json", "batch_10_1.json", "nearest_20_1.json", "batch_20_1.json"]
        );
        assert_eq!(files.len(), 8);
        let policies = &plan.policies;
        let switchback = Some(Schedule::new(policies, 1_800_000, None).unwrap());
        let switchbacks = Plan { switchback, ..plan.clone() }.runs().unwrap();
        let files: Vec<_> = switchbacks.iter().map(PlannedRun::file).collect();
        assert_eq!(files[..2], ["nearest-batch-by-30m-10m_10_1.json", "nearest-batch-by-30m-10m_20_1.json"]);
        assert_eq!(files.len(), 4);
        let evil = Plan { policies: vec!["../x".to_owned()], ..plan };
        assert_eq!(evil.runs(), Err(PlanError::Policy("../x".to_owned())));
        let twice = Plan { policies: vec!["batch".to_owned(), "batch".to_owned()], ..evil };
        assert_eq!(twice.runs(), Err(PlanError::Twice("batch".to_owned())));
    }
}
