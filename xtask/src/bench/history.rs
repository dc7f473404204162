//! The file of medians: JSON, one entry a line, the newest last.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Result;

/// The median of one bench at one commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) commit: String,
    pub(super) date: String,
    pub(super) cpu: String,
    pub(super) bench: String,
    pub(super) id: String,
    pub(super) median_ns: f64,
    pub(super) rounds: usize,
}

impl Entry {
    /// Returns a line for a person; with an earlier entry, the ratio to it. Below 1 the code is faster than it was.
    pub(super) fn line(&self, before: Option<&Entry>) -> String {
        let mut line = format!("{}/{}: {}", self.bench, self.id, duration(self.median_ns));
        if let Some(before) = before {
            let ratio = self.median_ns / before.median_ns;
            let was = duration(before.median_ns);
            write!(line, ", {ratio:.2} times the {was} of {} ({})", before.commit, before.date)
                .expect("a string takes all text");
        }
        line
    }
}

fn duration(ns: f64) -> String {
    match ns {
        ..1e3 => format!("{ns:.1} ns"),
        ..1e6 => format!("{:.2} µs", ns / 1e3),
        ..1e9 => format!("{:.2} ms", ns / 1e6),
        _ => format!("{:.2} s", ns / 1e9),
    }
}

/// All entries of the file.
pub(super) struct History {
    entries: Vec<Entry>,
}

impl History {
    /// Reads the file; a file that is not there has no entries.
    pub(super) fn read(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Ok(Self { entries: Vec::new() });
        }
        Self::of(&std::fs::read_to_string(path)?)
    }

    fn of(text: &str) -> Result<Self> {
        let lines = text.lines().filter(|line| !line.is_empty());
        Ok(Self { entries: lines.map(serde_json::from_str).collect::<std::result::Result<_, _>>()? })
    }

    /// Returns the newest entry of the same bench, id and processor.
    pub(super) fn last_like(&self, entry: &Entry) -> Option<&Entry> {
        let key = |entry: &'_ Entry| (entry.cpu.clone(), entry.bench.clone(), entry.id.clone());
        self.entries.iter().rev().find(|other| key(other) == key(entry))
    }
}

/// Appends entries to the file, which it makes when it is not there.
pub(super) fn append(path: &Path, entries: &[Entry]) -> Result<()> {
    let mut text = String::new();
    for entry in entries {
        text.push_str(&serde_json::to_string(entry)?);
        text.push('\n');
    }
    Ok(OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(commit: &str, cpu: &str, median_ns: f64) -> Entry {
        let [commit, cpu, date] = [commit, cpu, "2026-01-02"].map(str::to_owned);
        Entry { commit, date, cpu, bench: "geometry".into(), id: "hav".into(), median_ns, rounds: 3 }
    }

    #[test]
    fn the_newest_entry_of_the_same_processor_is_compared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        append(&path, &[entry("a", "fast x8", 5.0), entry("b", "slow x2", 10.0)]).unwrap();
        append(&path, &[entry("c", "fast x8", 4.0)]).unwrap();
        let history = History::read(&path).unwrap();
        assert_eq!(history.entries.len(), 3);
        let now = entry("d", "fast x8", 8.0);
        let before = history.last_like(&now);
        assert_eq!(before.map(|entry| entry.commit.as_str()), Some("c"));
        assert_eq!(now.line(before), "geometry/hav: 8.0 ns, 2.00 times the 4.0 ns of c (2026-01-02)");
        assert_eq!(history.last_like(&entry("d", "other x1", 8.0)), None);
    }

    #[test]
    fn a_missing_file_is_empty_and_a_broken_line_is_an_error() {
        assert!(History::read(Path::new("/nonexistent")).unwrap().entries.is_empty());
        assert!(History::of("{}\n").is_err());
    }

    #[test]
    fn durations_have_a_unit_that_fits() {
        assert_eq!(duration(12.34), "12.3 ns");
        assert_eq!(duration(12_345.0), "12.35 µs");
        assert_eq!(duration(2.5e9), "2.50 s");
    }
}
