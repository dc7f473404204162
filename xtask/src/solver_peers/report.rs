//! What was measured, as one value: shown as a table or as JSON.

use std::fmt;

use serde::Serialize;

use super::rounds::{OURS, Run};
use crate::Result;

const MEANING: &str = "medians of solving alone, on one thread; a ratio is the peer's milliseconds over ours, \
                       above 1 we are faster; of both spreads the worse for us";

/// The size that peers are compared at.
const COMPARED: &str = "10k_k20";

#[derive(Debug, Serialize)]
pub(super) struct Report {
    meaning: &'static str,
    versions: String,
    ratio_ortools_10k_k20: f64,
    ratio_ortools_assignment_10k_k20: f64,
    ratio_scipy_10k_k20: f64,
    ms_1k_k20: f64,
    ms_10k_k10: f64,
    ms_10k_k20: f64,
    ms_50k_k10: f64,
    /// On every instance, every solver found the same cost in every round.
    pub(super) same_optimum: bool,
    runs: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    instance: String,
    solver: &'static str,
    /// How many runs the median is of.
    runs: usize,
    ms: f64,
    /// Our own has 1.
    ratio: f64,
    objective: u64,
}

impl Report {
    /// Needs runs of every solver at every size.
    pub(super) fn new(runs: &[Run], versions: &str) -> Result<Self> {
        let lines = runs.iter().map(|run| line(run, runs)).collect::<Result<Vec<Line>>>()?;
        let of = |size: &str, solver: &str| {
            let lines = lines.iter().filter(|line| line.instance.starts_with(size) && line.solver == solver);
            lines.map(|line| (line.ms, line.ratio)).collect::<Vec<_>>()
        };
        let slowest = |size| of(size, OURS).iter().map(|line| line.0).max_by(f64::total_cmp);
        let closest = |solver| of(COMPARED, solver).iter().map(|line| line.1).min_by(f64::total_cmp);
        let missing = "a size or a solver was not measured";
        Ok(Self {
            meaning: MEANING,
            versions: versions.to_owned(),
            ratio_ortools_10k_k20: closest("ortools-flow").ok_or(missing)?,
            ratio_ortools_assignment_10k_k20: closest("ortools-assignment").ok_or(missing)?,
            ratio_scipy_10k_k20: closest("scipy").ok_or(missing)?,
            ms_1k_k20: slowest("1k_k20").ok_or(missing)?,
            ms_10k_k10: slowest("10k_k10").ok_or(missing)?,
            ms_10k_k20: slowest(COMPARED).ok_or(missing)?,
            ms_50k_k10: slowest("50k_k10").ok_or(missing)?,
            same_optimum: agree(runs),
            runs: lines,
        })
    }
}

fn line(run: &Run, runs: &[Run]) -> Result<Line> {
    let ours = runs.iter().find(|other| other.solver == OURS && other.instance == run.instance);
    let ours = ours.ok_or_else(|| format!("{} was not solved by {OURS}", run.instance))?;
    let first = run.answers.first().ok_or("no rounds were measured")?;
    Ok(Line {
        instance: run.instance.clone(),
        solver: run.solver,
        runs: run.answers.len(),
        ms: run.median_ms(),
        ratio: run.median_ms() / ours.median_ms(),
        objective: first.objective,
    })
}

fn agree(runs: &[Run]) -> bool {
    let objectives = |run: &Run| run.answers.iter().map(|answer| answer.objective).collect::<Vec<_>>();
    runs.iter().all(|run| {
        let same = runs.iter().filter(|other| other.instance == run.instance);
        let mut all = same.flat_map(objectives);
        let first = all.next();
        all.all(|objective| Some(objective) == first)
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}\n", self.versions, self.meaning)?;
        writeln!(
            f,
            "{:<18} {:<18} {:>4} {:>10} {:>8} {:>10}",
            "instance", "solver", "runs", "ms", "ratio", "optimum"
        )?;
        for line in &self.runs {
            let Line { instance, solver, runs, ms, ratio, objective } = line;
            writeln!(f, "{instance:<18} {solver:<18} {runs:>4} {ms:>10.2} {ratio:>8.1} {objective:>10}")?;
        }
        write!(f, "\nthe same optimum everywhere: {}", if self.same_optimum { "yes" } else { "no" })
    }
}

#[cfg(test)]
mod tests {
    use super::super::rounds::{Answer, PEERS};
    use super::*;

    /// The second instance of each size takes twice as long, the peers 10, 20 and 30 times as long as ours.
    fn runs() -> Vec<Run> {
        let mut runs = Vec::new();
        for size in ["1k_k20", "10k_k10", "10k_k20", "50k_k10"] {
            for (spread, slow) in [("uniform", 1.0), ("clustered", 2.0)] {
                for (solver, times) in [OURS].into_iter().chain(PEERS).zip([1.0, 10.0, 20.0, 30.0]) {
                    let times = if spread == "clustered" { times + 1.0 } else { times };
                    let answers = vec![Answer { elapsed_ms: slow * times, objective: 7 }; 2];
                    runs.push(Run { instance: format!("{size}_{spread}"), solver, answers });
                }
            }
        }
        runs
    }

    #[test]
    fn the_worse_of_both_spreads_is_said() {
        let report = Report::new(&runs(), "").unwrap();
        // Clustered: 4 ms against 22, 42 and 62.
        assert!((report.ms_10k_k20 - 4.0).abs() < 1e-9);
        assert!((report.ratio_ortools_10k_k20 - 5.5).abs() < 1e-9);
        assert!((report.ratio_ortools_assignment_10k_k20 - 10.5).abs() < 1e-9);
        assert!((report.ratio_scipy_10k_k20 - 15.5).abs() < 1e-9);
        assert!(report.same_optimum);
    }

    #[test]
    fn one_other_answer_is_no_agreement() {
        let mut runs = runs();
        runs[5].answers[1].objective = 8;
        assert!(!Report::new(&runs, "").unwrap().same_optimum);
    }

    #[test]
    fn what_was_not_measured_is_an_error() {
        let runs: Vec<Run> = runs().into_iter().filter(|run| run.solver != "scipy").collect();
        assert!(Report::new(&runs, "").is_err());
        assert!(Report::new(&[], "").is_err());
    }
}
