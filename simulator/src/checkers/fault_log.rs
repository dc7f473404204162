//! The log of faults: the first faults of each kind, and the number of the others.

use std::collections::BTreeMap;

/// Maximum faults of one kind that are kept as text.
const TEXTS_MAX: usize = 20;

/// Faults by kind.
#[derive(Debug, Default)]
pub(super) struct FaultLog(BTreeMap<&'static str, KindFaults>);

#[derive(Debug, Default)]
struct KindFaults {
    texts: Vec<String>,
    more: u64,
}

impl FaultLog {
    /// Adds a fault.
    pub(super) fn add(&mut self, kind: &'static str, fault: String) {
        let faults = self.0.entry(kind).or_default();
        if faults.texts.len() < TEXTS_MAX {
            faults.texts.push(fault);
        } else {
            faults.more += 1;
        }
    }

    /// Returns all faults as text, kind by kind.
    pub(super) fn into_lines(self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, faults) in self.0 {
            lines.extend(faults.texts.into_iter().map(|fault| format!("{name}: {fault}")));
            if faults.more > 0 {
                lines.push(format!("{name}: and {} more", faults.more));
            }
        }
        lines
    }
}
