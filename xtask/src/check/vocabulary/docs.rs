//! A doc of one or two words repeats the name that it stands above, unless it names a unit.

use std::collections::BTreeSet;

use super::super::tree::File;
use super::region::Region;
use super::table::Violation;

const WORDS_MIN: usize = 3;

/// A unit is something that a name may leave out.
const UNITS: [&str; 12] = [
    "meters",
    "kilometers",
    "degrees",
    "seconds",
    "milliseconds",
    "microseconds",
    "bytes",
    "radians",
    "percent",
    "cells",
    "unix",
    "hours",
];

pub(super) fn check(file: &File, region: &Region, found: &mut BTreeSet<Violation>) {
    if region.text.starts_with('#') || region.text.contains('[') || !file.is_rust() {
        return;
    }
    let words: Vec<&str> = region.text.split_whitespace().collect();
    let has_unit = words.iter().any(|word| {
        let word = word.trim_end_matches(['.', ',']).to_lowercase();
        UNITS.contains(&word.as_str())
    });
    if words.len() < WORDS_MIN && !has_unit {
        found.insert(Violation {
            path: file.path.clone(),
            line: region.line_at(0),
            denied: "short doc".to_owned(),
            instead: format!("`{}`: say unit, range or meaning, or leave the doc out", region.text),
        });
    }
}
