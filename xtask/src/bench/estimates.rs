//! The results that criterion leaves in its folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Result;

#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    /// Nanoseconds of one iteration.
    point_estimate: f64,
}

/// Returns the medians below a folder in nanoseconds, by id.
pub(super) fn read(folder: &Path) -> Result<Vec<(String, f64)>> {
    let mut medians = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.ends_with("new") {
                medians.push(read_one(&path)?);
            } else {
                folders.push(path);
            }
        }
    }
    medians.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(medians)
}

fn read_one(folder: &Path) -> Result<(String, f64)> {
    let json = |name: &str| -> Result<String> {
        let path: PathBuf = folder.join(name);
        Ok(std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?)
    };
    let benchmark: Benchmark = serde_json::from_str(&json("benchmark.json")?)?;
    let estimates: Estimates = serde_json::from_str(&json("estimates.json")?)?;
    Ok((benchmark.full_id, estimates.median.point_estimate))
}

/// Returns the median over the rounds, by id. With an even number of rounds it is the smaller of the middle two.
pub(super) fn medians_of(rounds: &[Vec<(String, f64)>]) -> Vec<(String, f64)> {
    let mut by_id = BTreeMap::<&str, Vec<f64>>::new();
    for (id, median_ns) in rounds.iter().flatten() {
        by_id.entry(id).or_default().push(*median_ns);
    }
    let median = |(id, mut values): (&str, Vec<f64>)| {
        values.sort_by(f64::total_cmp);
        (id.to_owned(), values[(values.len() - 1) / 2])
    };
    by_id.into_iter().map(median).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_rounds_counts() {
        let round = |a: f64, b: f64| vec![("a".to_owned(), a), ("b".to_owned(), b)];
        let medians = medians_of(&[round(3.0, 1.0), round(1.0, 9.0), round(2.0, 5.0)]);
        assert_eq!(medians, [("a".to_owned(), 2.0), ("b".to_owned(), 5.0)]);
    }

    #[test]
    fn results_are_found_in_nested_folders() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("hav/near/new");
        std::fs::create_dir_all(&new).unwrap();
        std::fs::write(new.join("benchmark.json"), r#"{"full_id":"hav/near","title":"x"}"#).unwrap();
        let estimates =
            r#"{"mean":{"point_estimate":9.0},"median":{"point_estimate":4.5,"standard_error":1}}"#;
        std::fs::write(new.join("estimates.json"), estimates).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [("hav/near".to_owned(), 4.5)]);
        assert!(read(&folder.path().join("absent")).unwrap().is_empty());
    }
}
