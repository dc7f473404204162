//! `kerb roads` from outside: import, info, and inputs that are wrong.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process::{run, text};

/// An extract that is shipped.
fn extract(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../routing/data").join(name)
}

fn prints(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    text(&output.stdout)
}

/// Runs a command that fails with exit code 1, and gives its line on stderr.
fn fails(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    text(&output.stderr)
}

#[test]
fn an_extract_becomes_a_road_network() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let input = extract("midtown_roads.osm.pbf");
    let input = input.to_str().unwrap();
    let report = prints(dir, &["roads", "import", input, "-o", "midtown.roads"]);
    assert!(report.contains("turn restrictions at some hours: not kept"), "{report}");
    assert!(report.contains("\nmidtown.roads: 1906 segments"), "{report}");

    let info = prints(dir, &["roads", "info", "midtown.roads"]);
    assert!(report.ends_with(&info), "{info}");
    let json: Value =
        serde_json::from_str(&prints(dir, &["roads", "info", "midtown.roads", "--json"])).unwrap();
    assert_eq!((&json["segments"], &json["format_version"]), (&1906.into(), &1.into()));

    let again = prints(dir, &["roads", "import", input, "-o", "again.roads", "--json"]);
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["network"], json);
    assert_eq!(again["report"]["ways_read"], 1896);
}

#[test]
fn tables_become_a_road_network_beside_the_nodes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("town.csv"), "node_id,lat,lon\n1,0,0\n2,0,0.1\n").unwrap();
    let edges = "from_node,to_node,length_m,highway\n1,2,11119,primary\n2,1,11119,primary\n";
    std::fs::write(dir.join("edges.csv"), edges).unwrap();
    let report = prints(dir, &["roads", "import", "town.csv", "edges.csv"]);
    assert!(report.contains("town.roads: 1 segments, 11.1 km of streets"), "{report}");
    std::fs::write(dir.join("edges.csv"), edges.replace("11119", "far")).unwrap();
    let error = fails(dir, &["roads", "import", "town.csv", "edges.csv"]);
    assert_eq!(error, "kerb: edges.csv: line 2 of the edges: length_m \"far\" is no number\n");
}

#[test]
fn wrong_inputs_are_told_with_the_place_and_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let whole = std::fs::read(extract("monaco.osm.pbf")).unwrap();
    std::fs::write(dir.join("cut.osm.pbf"), &whole[..whole.len() - 100]).unwrap();
    let error = fails(dir, &["roads", "import", "cut.osm.pbf"]);
    assert!(error.starts_with("kerb: cut.osm.pbf: block 4 at byte "), "{error}");
    assert!(error.ends_with(": the file ends within it\n"), "{error}");
    std::fs::write(dir.join("page.osm.pbf"), "<html>").unwrap();
    let error = fails(dir, &["roads", "import", "page.osm.pbf"]);
    assert!(error.contains("this is no OpenStreetMap PBF"), "{error}");
    assert!(fails(dir, &["roads", "import", "none.osm.pbf"]).starts_with("kerb: none.osm.pbf: "));
    let error = fails(dir, &["roads", "info", "page.osm.pbf"]);
    assert!(error.starts_with("kerb: page.osm.pbf: is not a road network"), "{error}");
    assert!(std::fs::read_dir(dir).unwrap().all(|file| !file.unwrap().path().ends_with(".roads")));
    let output = run(dir, &["roads", "import", "cut.osm.pbf", "-o", "cut.osm.pbf"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
