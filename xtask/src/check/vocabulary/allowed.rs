//! Violations that stand for now, one a line: `path: denied words`. A line that nothing needs is refused, so the list
//! only gets shorter.

use super::super::Finding;
use super::table::Violation;
use crate::Result;

pub(super) const LIST: &str = include_str!("allowed.txt");
const PATH: &str = "xtask/src/check/vocabulary/allowed.txt";

pub(super) struct Allowed<'a> {
    entries: Vec<(&'a str, &'a str)>,
}

impl<'a> Allowed<'a> {
    pub(super) fn of(text: &'a str) -> Result<Self> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let entry =
            |line: &'a str| line.split_once(": ").ok_or_else(|| format!("{PATH}: no `path: words`: {line}"));
        Ok(Self { entries: lines.map(entry).collect::<std::result::Result<_, _>>()? })
    }

    pub(super) fn holds(&self, found: &Violation) -> bool {
        self.entries.contains(&(found.path.as_str(), found.denied.as_str()))
    }

    pub(super) fn stale(&self, violations: &[Violation]) -> Vec<Finding> {
        let is_needed = |(path, denied): &(&str, &str)| {
            violations.iter().any(|found| found.path == *path && found.denied == *denied)
        };
        let stale = self.entries.iter().filter(|entry| !is_needed(entry));
        stale.map(|(path, denied)| Finding::new(PATH, format!("nothing needs `{path}: {denied}`"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_is_allowed_and_what_nothing_needs_is_refused() {
        let found = Violation { path: "a.rs".into(), line: 1, denied: "card".into(), instead: String::new() };
        let allowed = Allowed::of("# a comment\na.rs: card\nb.rs: card\n").unwrap();
        assert!(allowed.holds(&found));
        assert_eq!(allowed.stale(&[found]).len(), 1);
        assert!(Allowed::of("a.rs").is_err());
    }
}
