//! Every solver on every instance, round after round, so that a slow minute of the machine meets all of them.

use crate::Result;

/// The solver of the matcher.
pub(super) const OURS: &str = "kerb";

/// As `peers.py` names them.
pub(super) const PEERS: [&str; 3] = ["ortools-flow", "ortools-assignment", "scipy"];

/// What one run of one solver returned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Answer {
    pub(super) elapsed_ms: f64,
    pub(super) objective: u64,
}

/// All answers of one solver to one instance.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) instance: String,
    pub(super) solver: &'static str,
    pub(super) answers: Vec<Answer>,
}

impl Run {
    /// The upper one of the two in the middle.
    pub(super) fn median_ms(&self) -> f64 {
        let mut times: Vec<f64> = self.answers.iter().map(|answer| answer.elapsed_ms).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    }
}

/// Asks `answer` for each solver on each instance in each round. A quick comparison has few rounds, and leaves out
/// what takes the peers most of the time.
pub(super) fn measure(
    instances: &[String],
    quick: bool,
    mut answer: impl FnMut(&'static str, &str) -> Result<Answer>,
) -> Result<Vec<Run>> {
    let solvers = || std::iter::once(OURS).chain(PEERS);
    let run = |instance: &String, solver| Run { instance: instance.clone(), solver, answers: Vec::new() };
    let mut runs: Vec<Run> =
        instances.iter().flat_map(|instance| solvers().map(move |solver| run(instance, solver))).collect();
    let rounds = if quick { 5 } else { 9 };
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for run in runs.iter_mut().filter(|run| !quick || is_quick(run, round)) {
            run.answers.push(answer(run.solver, &run.instance)?);
        }
    }
    runs.retain(|run| !run.answers.is_empty());
    Ok(runs)
}

/// The largest instances are for one peer, and what takes seconds has one round.
fn is_quick(run: &Run, round: usize) -> bool {
    let is_large = run.instance.starts_with("50k");
    match run.solver {
        OURS => true,
        "ortools-flow" => !is_large || round == 1,
        "ortools-assignment" => !is_large && round == 1,
        _ => !is_large,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solvers_take_turns() {
        let mut calls = Vec::new();
        let runs = measure(&["a".into(), "b".into()], true, |solver, instance| {
            calls.push((solver, instance.to_owned()));
            Ok(Answer { elapsed_ms: calls.len() as f64, objective: 1 })
        });
        let runs = runs.unwrap();
        assert_eq!(calls.len(), 2 * (3 * 5 + 1));
        assert_eq!(calls[3], ("scipy", "a".to_owned()));
        assert_eq!(calls[4], (OURS, "b".to_owned()));
        assert_eq!((runs[0].solver, runs[0].median_ms()), (OURS, 15.0));
    }

    #[test]
    fn a_quick_comparison_has_one_slow_run_a_peer() {
        let count = |quick| {
            let answer = |_: &'static str, _: &str| Ok(Answer { elapsed_ms: 1.0, objective: 1 });
            let runs = measure(&["1k".into(), "50k".into()], quick, answer).unwrap();
            runs.iter().map(|run| run.answers.len()).collect::<Vec<_>>()
        };
        assert_eq!(count(true), [5, 5, 1, 5, 5, 1]);
        assert_eq!(count(false), [9; 8]);
    }
}
