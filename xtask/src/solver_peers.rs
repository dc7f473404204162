//! Compares the matcher's assignment solver with OR-tools and `SciPy`, on the same instances, in turns.

mod child;
mod report;
mod rounds;
mod venv;

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::command::cargo;
use child::Child;
use report::Report;
use rounds::{OURS, PEERS};

/// Carried into the folder of the comparison.
const PEERS_SCRIPT: &str = include_str!("solver_peers/peers.py");

/// How much to measure, and how to print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Options {
    /// Done in two minutes, most of it installing and building.
    quick: bool,
    /// One JSON object on standard output in place of a table.
    json: bool,
}

impl Options {
    /// From the words after the chore's name; `None` for any other word.
    pub(crate) fn parse(words: &[&str]) -> Option<Self> {
        let known = |word: &&str| ["--quick", "--json"].contains(word);
        words
            .iter()
            .all(known)
            .then(|| Self { quick: words.contains(&"--quick"), json: words.contains(&"--json") })
    }
}

/// Installs the peers into a folder that is removed at the end, measures, and prints.
pub(crate) fn run(root: &Path, options: Options) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let instances = folder.path().join("instances");
    fs::create_dir(&instances)?;
    let python = venv::create(&folder.path().join("venv"), &["ortools", "scipy"])?;
    let script = folder.path().join("peers.py");
    fs::write(&script, PEERS_SCRIPT)?;

    eprintln!("building the solver and the instances");
    let (mut ours, names) = Child::start(ours(root).arg(&instances))?;
    let (mut peers, versions) = Child::start(Command::new(python).arg(&script).arg(&instances))?;
    let names: Vec<String> = names.split_whitespace().map(Into::into).collect();
    let runs = rounds::measure(&names, options.quick, |solver, instance| match solver {
        OURS => ours.ask(instance),
        _ => peers.ask(&format!("{solver} {instance}")),
    })?;

    let report = Report::new(&runs, &versions)?;
    let text = if options.json { serde_json::to_string(&report)? } else { report.to_string() };
    println!("{text}");
    if report.same_optimum { Ok(()) } else { Err(format!("{OURS} and {PEERS:?} disagree").into()) }
}

fn ours(root: &Path) -> Command {
    let mut command = cargo(root);
    command.args(["run", "--quiet", "--release"]);
    command.args(["--package", "kerb-assignment", "--example", "assign_peer", "--"]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_words_are_options() {
        assert_eq!(Options::parse(&[]), Some(Options { quick: false, json: false }));
        assert_eq!(Options::parse(&["--json", "--quick"]), Some(Options { quick: true, json: true }));
        assert_eq!(Options::parse(&["--quick", "--fast"]), None);
    }
}
