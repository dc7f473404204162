//! The edges between crates: exactly those of the list, and few crates. Dev-dependencies are free.

use super::Finding;
use super::metadata::{Metadata, Package};

/// How many crates the workspace may have; a folder of a crate is enough where no dependency rule is wanted.
const CRATES_MAX: usize = 20;

/// A crate and the crates of ours that it may use. A new edge is rare and argued for in its commit.
const ALLOWED: &[(&str, &[&str])] = &[
    ("kerb-assignment", &[]),
    ("kerb-geometry", &[]),
    ("xtask", &[]),
    ("kerb-types", &["kerb-geometry"]),
    ("kerb-transport", &["kerb-proto", "kerb-types"]),
    ("kerb-trips", &["kerb-geometry", "kerb-types"]),
    ("kerb-journal", &["kerb-ports", "kerb-trips", "kerb-types"]),
    ("kerb-ports", &["kerb-geometry", "kerb-trips", "kerb-types"]),
    ("kerb-routing", &["kerb-geometry", "kerb-ports", "kerb-types"]),
    ("kerb-aggregator", &["kerb-geometry", "kerb-ports", "kerb-proto", "kerb-types"]),
    ("kerb-index-server", &["kerb-geometry", "kerb-ports", "kerb-proto", "kerb-types"]),
    ("kerb-proto", &["kerb-geometry", "kerb-ports", "kerb-trips", "kerb-types"]),
    ("kerb-cluster", &["kerb-ports", "kerb-proto", "kerb-transport", "kerb-trips", "kerb-types"]),
    ("kerb-loadgen", &["kerb", "kerb-geometry", "kerb-ports", "kerb-proto", "kerb-routing", "kerb-types"]),
    ("kerb-location-ingest", &["kerb-geometry", "kerb-ports", "kerb-proto", "kerb-trips", "kerb-types"]),
    (
        "kerb-matcher",
        &["kerb-assignment", "kerb-geometry", "kerb-ports", "kerb-proto", "kerb-trips", "kerb-types"],
    ),
    (
        "kerb-traffic",
        &["kerb-geometry", "kerb-ports", "kerb-proto", "kerb-routing", "kerb-transport", "kerb-types"],
    ),
    (
        "kerb-simulator",
        &[
            "kerb",
            "kerb-assignment",
            "kerb-geometry",
            "kerb-loadgen",
            "kerb-proto",
            "kerb-routing",
            "kerb-trips",
            "kerb-types",
        ],
    ),
    (
        "kerb",
        &[
            "kerb-aggregator",
            "kerb-assignment",
            "kerb-cluster",
            "kerb-geometry",
            "kerb-index-server",
            "kerb-journal",
            "kerb-location-ingest",
            "kerb-matcher",
            "kerb-ports",
            "kerb-proto",
            "kerb-routing",
            "kerb-traffic",
            "kerb-transport",
            "kerb-trips",
            "kerb-types",
        ],
    ),
];

pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let ours: Vec<&Package> = metadata.packages.iter().filter(|package| package.source.is_none()).collect();
    let mut found: Vec<Finding> = ours.iter().flat_map(|package| check_package(package)).collect();
    if ours.len() > CRATES_MAX {
        found.push(Finding::new("Cargo.toml", format!("{} crates, at most {CRATES_MAX}", ours.len())));
    }
    found
}

fn check_package(package: &Package) -> Vec<Finding> {
    let name = &package.name;
    let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| known == name) else {
        return vec![Finding::new(name, "a crate that the list of allowed edges does not name")];
    };
    let ours: Vec<_> = package
        .dependencies
        .iter()
        .filter(|edge| edge.path.is_some() && edge.kind.as_deref() != Some("dev"))
        .collect();
    let unused = allowed.iter().filter(|listed| !ours.iter().any(|edge| edge.name == **listed));
    let unused = unused.map(|listed| Finding::new(name, format!("is listed to use {listed}, and does not")));
    let wrong = ours.iter().filter(|edge| !allowed.contains(&edge.name.as_str()));
    let right = if allowed.is_empty() { "none of ours".to_owned() } else { allowed.join(", ") };
    wrong
        .map(|edge| Finding::new(name, format!("uses {}, may use {right}", edge.name)))
        .chain(unused)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Dependency;
    use super::*;

    fn found(name: &str, edges: &[(&str, Option<&str>)]) -> Vec<String> {
        let edge = |(name, kind): &(&str, Option<&str>)| Dependency {
            name: (*name).into(),
            kind: kind.map(Into::into),
            path: name.starts_with("kerb").then(|| "/somewhere".into()),
        };
        let dependencies = edges.iter().map(edge).collect();
        let package = Package { name: name.into(), dependencies, ..Package::default() };
        check(&Metadata { packages: vec![package] }).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn services_meet_at_ports_only() {
        let edges = [
            ("kerb-geometry", None),
            ("kerb-index-server", None),
            ("kerb-ports", None),
            ("kerb-proto", None),
            ("kerb-types", None),
            ("tonic", None),
        ];
        let expected = "kerb-aggregator: uses kerb-index-server, may use kerb-geometry, kerb-ports, kerb-proto, kerb-types";
        assert_eq!(found("kerb-aggregator", &edges), [expected]);
    }

    #[test]
    fn tests_are_free_and_build_scripts_are_not() {
        assert!(found("kerb-geometry", &[("kerb-types", Some("dev"))]).is_empty());
        assert_eq!(found("kerb-geometry", &[("kerb-types", Some("build"))]).len(), 1);
    }

    #[test]
    fn a_listed_edge_must_be_used() {
        assert_eq!(found("kerb-types", &[]), ["kerb-types: is listed to use kerb-geometry, and does not"]);
    }

    #[test]
    fn a_new_crate_must_be_listed() {
        assert_eq!(found("kerb-extra", &[]).len(), 1);
    }
}
