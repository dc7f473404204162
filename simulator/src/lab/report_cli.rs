//! `simulator report`: reads runs from files and writes the page about them.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::compare::{Comparison, read_run};
use super::record::RunRecord;
use super::report::{Anchor, page};

/// What `simulator report` is told.
#[derive(Args, Clone, Debug)]
pub struct ReportOptions {
    /// Files of runs of one scenario; the first one's policy is what others are compared with
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// What `simulator fleet-size --json` printed, to stand beside
    #[arg(long, value_name = "FILE")]
    pub anchor: Option<PathBuf>,
    /// The page to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Writes the page; says what it is of, or which file is wrong and why.
pub fn report(options: &ReportOptions) -> Result<String, String> {
    let runs = read(&options.runs)?;
    let anchor = options.anchor.as_deref().map(read_anchor).transpose()?;
    let html = page(&Comparison::of(&runs, 0), &runs, anchor.as_ref());
    let out = options.out.display();
    fs::write(&options.out, html).map_err(|e| format!("{out}: {e}"))?;
    Ok(format!(
        "{out}: {} of {}",
        if runs.len() == 1 { "one run".to_owned() } else { format!("{} runs", runs.len()) },
        runs[0].scenario
    ))
}

fn read(paths: &[PathBuf]) -> Result<Vec<RunRecord>, String> {
    let mut runs: Vec<RunRecord> = Vec::new();
    for path in paths {
        let run = read_run(path)?;
        let wrong = |reason: String| Err(format!("{}: {reason}", path.display()));
        if let Some(first) = runs.first().filter(|first| first.scenario != run.scenario) {
            let (its, other) = (&run.scenario, &first.scenario);
            return wrong(format!("of scenario {its:?}, must be of {other:?} like {}", paths[0].display()));
        }
        let is_same = |other: &RunRecord| {
            other.policy == run.policy && other.seed == run.seed && other.drivers.len() == run.drivers.len()
        };
        if let Some(place) = runs.iter().position(is_same) {
            return wrong(format!("the same policy, drivers and seed as {}", paths[place].display()));
        }
        runs.push(run);
    }
    Ok(runs)
}

fn read_anchor(path: &Path) -> Result<Anchor, String> {
    let told = |reason: String| format!("{}: {reason}", path.display());
    Anchor::from_json(&fs::read_to_string(path).map_err(|e| told(e.to_string()))?).map_err(told)
}
