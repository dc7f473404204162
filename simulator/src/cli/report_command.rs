//! `simulator report`: reads the records of runs and writes an HTML page about them.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::compare::{Comparison, read_run};
use crate::metrics::record::RunRecord;
use crate::report::{Anchor, page};

/// Options of `simulator report`.
#[derive(Args, Clone, Debug)]
pub struct ReportOptions {
    /// Records of runs of one scenario; the policy of the first one is the base of the comparison
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Output of `simulator fleet-size --json`, to add the comparison with a published result
    #[arg(long, value_name = "FILE")]
    pub anchor: Option<PathBuf>,
    /// The page to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Writes the page. Returns a line about it, or an error that names the wrong file and the reason.
pub fn report(options: &ReportOptions) -> Result<String, String> {
    let runs = read(&options.runs)?;
    let anchor = options.anchor.as_deref().map(read_anchor).transpose()?;
    let html = page(&Comparison::new(&runs, 0), &runs, anchor.as_ref());
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
        if let Some(index) = runs.iter().position(is_same) {
            return wrong(format!("the same policy, drivers and seed as {}", paths[index].display()));
        }
        runs.push(run);
    }
    Ok(runs)
}

fn read_anchor(path: &Path) -> Result<Anchor, String> {
    let file_error = |reason: String| format!("{}: {reason}", path.display());
    Anchor::from_json(&fs::read_to_string(path).map_err(|e| file_error(e.to_string()))?).map_err(file_error)
}
