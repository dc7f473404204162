//! Folders are small enough to be read as a list, and every service opens with the same files.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::Tree;

/// The most source files side by side in one folder.
const FILES_MAX: usize = 15;

/// Folders that are still larger, with the number of files that they may have. The numbers only get smaller.
const LARGER: &[(&str, usize)] = &[
    ("aggregator/src", 16),
    ("crates/loadgen/src/peers", 16),
    ("matcher/tests/matcher", 16),
];

/// The crates that are services.
const SERVICES: [&str; 5] = ["aggregator", "crates/traffic", "index-server", "location-ingest", "matcher"];

/// The files at the top of each service's `src`.
const FILES: [&str; 5] = ["grpc.rs", "handle.rs", "metrics.rs", "options.rs", "service.rs"];

/// Returns the folders with too many files, and the services without their files.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let too_large = counts(tree).into_iter().filter_map(|(folder, count)| {
        let max = listed(folder).unwrap_or(FILES_MAX);
        (count > max).then(|| {
            Finding::new(
                folder,
                format!("{count} source files side by side, at most {max}: make a folder for a job"),
            )
        })
    });
    let incomplete = SERVICES.iter().filter_map(|service| {
        let missing = missing(tree, service)?;
        Some(Finding::new(format!("{service}/src"), format!("a service without {missing}")))
    });
    too_large.chain(incomplete).collect()
}

/// Returns the lines of the list that are not needed any more.
pub(super) fn warnings(tree: &Tree) -> Vec<Finding> {
    let counts = counts(tree);
    let here = "xtask/src/check/folders.rs";
    let larger = LARGER.iter().filter_map(|(folder, max)| {
        let count = counts.get(folder).copied().unwrap_or(0);
        (count < *max)
            .then(|| Finding::new(here, format!("{folder} has {count} files and may have {max}: lower it")))
    });
    larger.collect()
}

fn listed(folder: &str) -> Option<usize> {
    LARGER.iter().find(|(known, _)| *known == folder).map(|(_, max)| *max)
}

/// Source files of each folder, not counting those of its folders.
fn counts(tree: &Tree) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for file in tree.files.iter().filter(|file| file.is_source()) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        *counts.entry(folder).or_default() += 1;
    }
    counts
}

/// The files that a service lacks; `None` when it has all.
fn missing(tree: &Tree, service: &str) -> Option<String> {
    let has = |name: &str| tree.files.iter().any(|file| file.path == format!("{service}/src/{name}"));
    let missing: Vec<&str> = FILES.into_iter().filter(|name| !has(name)).collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[String]) -> Tree {
        Tree::of(&paths.iter().map(|path| (path.as_str(), "")).collect::<Vec<_>>())
    }

    fn places(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| finding.place).collect()
    }

    fn files(folder: &str, count: usize) -> Vec<String> {
        (0..count).map(|i| format!("{folder}/f{i}.rs")).collect()
    }

    #[test]
    fn large_folders_are_found() {
        let of = |count| {
            let mut found = places(check(&tree(&files("new/src", count))));
            found.retain(|place| place == "new/src");
            found.len()
        };
        assert_eq!((of(FILES_MAX), of(FILES_MAX + 1)), (0, 1));
    }

    #[test]
    fn a_listed_folder_may_not_grow() {
        let (folder, max) = *LARGER.iter().find(|(folder, _)| folder.starts_with("crates/")).unwrap();
        let has = |count| places(check(&tree(&files(folder, count)))).contains(&folder.to_owned());
        assert!(!has(max) && has(max + 1));
    }

    #[test]
    fn services_have_their_files() {
        let of = |paths: &[String]| places(check(&tree(paths))).contains(&"aggregator/src".to_owned());
        let mut paths: Vec<String> = FILES.iter().map(|name| format!("aggregator/src/{name}")).collect();
        assert!(!of(&paths));
        paths.pop();
        assert!(of(&paths));
    }
}
