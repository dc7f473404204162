//! Faults in words: the first of each kind, and how many more there were.

use std::collections::BTreeMap;

/// Faults of one kind that are kept in words.
const NAMED_MAX: usize = 20;

/// What was found wrong, by kind.
#[derive(Debug, Default)]
pub(super) struct Faults(BTreeMap<&'static str, Kind>);

#[derive(Debug, Default)]
struct Kind {
    named: Vec<String>,
    more: u64,
}

impl Faults {
    /// One more.
    pub(super) fn add(&mut self, kind: &'static str, fault: String) {
        let kind = self.0.entry(kind).or_default();
        if kind.named.len() < NAMED_MAX {
            kind.named.push(fault);
        } else {
            kind.more += 1;
        }
    }

    /// All in words, kind by kind.
    pub(super) fn into_words(self) -> Vec<String> {
        let mut words = Vec::new();
        for (name, kind) in self.0 {
            words.extend(kind.named.into_iter().map(|fault| format!("{name}: {fault}")));
            if kind.more > 0 {
                words.push(format!("{name}: and {} more", kind.more));
            }
        }
        words
    }
}
