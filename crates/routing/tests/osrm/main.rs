//! Runs the feature files of OSRM's car profile against this importer and router.
//!
//! The files are not part of this repository. `KERB_OSRM_FEATURES=/path/to/features/car cargo nextest run --workspace
//! --no-capture -E 'binary(osrm)'` reads them from a folder, prints the passed and failed rows of each file, and fails
//! when less than 97 % of the rows that apply pass. `by_design.rs` lists the rows whose different result is wanted.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod by_design;
mod feature;
mod row_checker;
mod scenario;
#[allow(dead_code, reason = "the other test binary uses the rest")]
#[path = "../routing/support"]
mod support {
    pub(crate) mod osm;
    pub(crate) mod pbf;
}

use std::path::Path;

use row_checker::{RowOutcome, check_rows};

/// The share of the applicable rows that must pass.
const PASS_SHARE: f64 = 0.97;

/// The rows of a file by verdict.
#[derive(Default)]
struct Tally {
    passed: u32,
    failed: u32,
    by_design: u32,
    not_applicable: u32,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.by_design += other.by_design;
        self.not_applicable += other.not_applicable;
    }

    fn text(&self) -> String {
        let Tally { passed, failed, by_design, not_applicable } = self;
        format!("{passed} passed, {failed} failed, {by_design} by design, {not_applicable} not applicable")
    }
}

#[test]
fn rows_of_the_osrm_car_suite() {
    let Some(folder) = std::env::var_os("KERB_OSRM_FEATURES") else {
        println!("skipped: KERB_OSRM_FEATURES names no folder");
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "feature"));
    files.sort();
    assert!(!files.is_empty(), "the folder has no feature files");
    let mut total = Tally::default();
    for file in &files {
        let tally = run_file(file);
        total.add(&tally);
    }
    println!("total: {}", total.text());
    let share = f64::from(total.passed) / f64::from(total.passed + total.failed);
    println!("{:.1} % of the applicable rows pass", share * 100.0);
    assert!(share >= PASS_SHARE, "at least {PASS_SHARE} should pass");
}

fn run_file(path: &Path) -> Tally {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).unwrap();
    let mut tally = Tally::default();
    let mut lines = Vec::new();
    for scenario in feature::scenarios(&text) {
        for row in check_rows(&scenario) {
            match row.outcome {
                RowOutcome::Pass => tally.passed += 1,
                RowOutcome::NotApplicable => tally.not_applicable += 1,
                RowOutcome::Fail(got) => {
                    let reason = by_design::reason(&name, &scenario.name, &row.text);
                    tally.by_design += u32::from(reason.is_some());
                    tally.failed += u32::from(reason.is_none());
                    let why = reason.map_or("FAILED", |reason| reason);
                    lines.push(format!("  {}: {} -> {got} ({why})", scenario.name, row.text));
                }
            }
        }
    }
    println!("{name}: {}", tally.text());
    for line in lines {
        println!("{line}");
    }
    tally
}
