//! Runs criterion benches and keeps their medians, so that a slower commit is noticed.
//!
//! A median of one round depends on what else the machine does, so each bench runs in several rounds and the median of
//! the rounds' medians counts. Only entries of the same processor are compared.

mod estimates;
mod history;

use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::command::{cargo, output_of, succeed};
use history::{Entry, History};

/// Where the medians are kept.
const HISTORY: &str = "docs/bench-history.jsonl";
/// Criterion's results of one round, below the target folder.
const RESULTS: &str = "target/bench-round";
const ROUNDS: usize = 3;
/// The highest load at which the medians are those of the code: a bench of one thread, and little else.
const LOAD_MAX: f64 = 1.5;

/// What to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    is_compared: bool,
    rounds: usize,
    /// Names of bench targets, for example `geometry`.
    benches: Vec<String>,
    /// Criterion's filter of ids; empty for all.
    filter: Vec<String>,
}

impl Options {
    pub(crate) fn parse(words: &[&str]) -> Option<Self> {
        let mut options =
            Self { is_compared: false, rounds: ROUNDS, benches: Vec::new(), filter: Vec::new() };
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            match word {
                "--compare" => options.is_compared = true,
                "--rounds" => options.rounds = words.next()?.parse().ok().filter(|rounds| *rounds > 0)?,
                "--" => options.filter = words.by_ref().map(Into::into).collect(),
                name if !name.starts_with('-') => options.benches.push(name.to_owned()),
                _ => return None,
            }
        }
        (!options.benches.is_empty()).then_some(options)
    }
}

/// Measures, prints, and appends to the history.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let path = root.join(HISTORY);
    let history = History::read(&path)?;
    let (commit, date, cpu) =
        (commit(root)?, output_of(Command::new("date").args(["-u", "+%Y-%m-%d"]))?, cpu()?);
    let mut entries = Vec::new();
    for bench in &options.benches {
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            rounds.push(measure(root, bench, &options.filter)?);
        }
        for (id, median_ns) in estimates::medians_of(&rounds) {
            let (commit, date, cpu, bench) = (commit.clone(), date.clone(), cpu.clone(), bench.clone());
            entries.push(Entry { commit, date, cpu, bench, id, median_ns, rounds: options.rounds });
        }
    }
    if entries.is_empty() {
        return Err(format!("{}: no criterion bench has run", options.benches.join(", ")).into());
    }
    for entry in &entries {
        let before = if options.is_compared { history.last_like(entry) } else { None };
        println!("{}", entry.line(before));
    }
    // The runs themselves are one process, so a higher load is that of others.
    if let Some(load) = load()?.filter(|load| *load > LOAD_MAX) {
        println!(
            "warning: the load was {load} in the last minute: other programs ran, so expect larger medians"
        );
    }
    history::append(&path, &entries)?;
    println!("{} medians appended to {HISTORY}", entries.len());
    Ok(())
}

/// Runs one bench once and returns its medians in nanoseconds, by id.
fn measure(root: &Path, bench: &str, filter: &[String]) -> Result<Vec<(String, f64)>> {
    let results = root.join(RESULTS);
    if results.exists() {
        std::fs::remove_dir_all(&results)?;
    }
    let mut command = cargo(root);
    command.args(["bench", "--quiet", "--locked", "--workspace", "--bench", bench, "--", "--noplot"]);
    succeed(command.args(filter).env("CRITERION_HOME", &results))?;
    estimates::read(&results)
}

/// The commit that is measured; a `+` stands for changes that are not committed.
fn commit(root: &Path) -> Result<String> {
    let mut git = Command::new("git");
    output_of(git.args(["describe", "--always", "--dirty=+", "--exclude=*"]).current_dir(root))
}

/// The load of the last minute in running programs.
fn load() -> Result<Option<f64>> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().and_then(|load| load.parse().ok()))
}

/// The processor's name and the number of its cores.
fn cpu() -> Result<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo")?;
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(key, _)| key.trim() == "model name")
        .map(|(_, name)| name.trim())
        .collect();
    Ok(format!("{} x{}", names.first().unwrap_or(&std::env::consts::ARCH), names.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benches_are_named_before_the_filter() {
        let options =
            Options::parse(&["--compare", "geometry", "--rounds", "5", "batch", "--", "hav"]).unwrap();
        assert_eq!((options.is_compared, options.rounds), (true, 5));
        assert_eq!(options.benches, ["geometry", "batch"]);
        assert_eq!(options.filter, ["hav"]);
        assert_eq!(Options::parse(&[]), None);
        assert_eq!(Options::parse(&["--rounds", "0", "geometry"]), None);
        assert_eq!(Options::parse(&["geometry", "--fast"]), None);
    }
}
