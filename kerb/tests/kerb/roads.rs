//! The command `kerb roads`: import, info, routes, isochrones, learned speeds, and invalid inputs.

mod nearest_by_eta;
mod speeds;
pub(crate) mod travel_times;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::process::{run, text};

/// Returns the path of an extract in the repository.
fn extract(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data").join(name)
}

fn prints(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    text(&output.stdout)
}

/// Runs a command that must fail with exit code 1, and returns its text on stderr.
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
    assert!(report.contains("of these restrictions at some hours"), "{report}");
    assert!(report.contains("\nmidtown.roads: 2320 segments"), "{report}");

    let info = prints(dir, &["roads", "info", "midtown.roads"]);
    assert!(report.ends_with(&info), "{info}");
    let json: Value =
        serde_json::from_str(&prints(dir, &["roads", "info", "midtown.roads", "--json"])).unwrap();
    assert_eq!((&json["segments"], &json["format_version"]), (&2320.into(), &3.into()));

    let again = prints(dir, &["roads", "import", input, "-o", "again.roads", "--json"]);
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["network"], json);
    assert_eq!(again["report"]["ways_read"], 1896);
}

#[test]
fn a_route_is_printed_as_streets_and_as_geojson() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let input = extract("monaco.osm.pbf");
    prints(dir, &["roads", "import", input.to_str().unwrap(), "-o", "monaco.roads"]);
    // The route leads from the harbor up to the railway station.
    let route = ["roads", "route", "monaco.roads", "43.7347,7.4213", "43.7386,7.4190"];
    let table = prints(dir, &route);
    assert!(table.starts_with("TURN") && table.lines().last().unwrap().starts_with("arrive"), "{table}");
    assert!(table.contains("right ") || table.contains("left "), "{table}");
    let headed = [&route[..], &["--heading", "90"]].concat();
    assert_ne!(prints(dir, &headed), table, "the first street leads west");
    let feature: Value = serde_json::from_str(&prints(dir, &[&route[..], &["--geojson"]].concat())).unwrap();
    assert_eq!((&feature["type"], &feature["geometry"]["type"]), (&"Feature".into(), &"LineString".into()));
    let first = &feature["geometry"]["coordinates"][0];
    assert!((first[0].as_f64().unwrap() - 7.4213).abs() < 0.01, "longitude first: {first}");
    let steps_ms: u64 = feature["properties"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["time_ms"].as_u64().unwrap())
        .sum();
    assert_eq!(feature["properties"]["time_ms"], steps_ms);
    let error = fails(dir, &["roads", "route", "monaco.roads", "48.8566,2.3522", "43.7386,7.4190"]);
    assert!(error.contains("from: 48.8566") && error.contains("from the nearest street"), "{error}");
}

#[test]
fn an_isochrone_is_printed_as_a_table_and_as_geojson() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let input = extract("monaco.osm.pbf");
    prints(dir, &["roads", "import", input.to_str().unwrap(), "-o", "monaco.roads"]);
    let around = ["roads", "isochrone", "monaco.roads", "43.7347,7.4213", "--minutes", "1,3"];
    let table = prints(dir, &around);
    let minutes: Vec<&str> = table.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(minutes, ["MINUTES", "1", "3"], "{table}");
    let areas: Value = serde_json::from_str(&prints(dir, &[&around[..], &["--geojson"]].concat())).unwrap();
    assert_eq!(areas["type"], "FeatureCollection");
    let area = |index: usize| areas["features"][index]["properties"]["area_m2"].as_f64().unwrap();
    assert!(area(0) > 10_000.0 && area(1) > area(0), "{areas}");
    assert_eq!(areas["features"][0]["geometry"]["type"], "MultiPolygon");
    let output = run(dir, &["roads", "isochrone", "monaco.roads", "43.7347,7.4213", "--minutes", "0"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let error = fails(dir, &["roads", "isochrone", "monaco.roads", "48.8566,2.3522"]);
    assert!(error.contains("from the nearest street"), "{error}");
}

#[test]
fn an_invalid_snap_distance_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    for wrong in ["-5", "nan", "far"] {
        let at = "43.7347,7.4213";
        let output = run(dir.path(), &["roads", "route", "m.roads", at, at, "--snap-max-m", wrong]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(text(&output.stderr).contains("--snap-max-m"), "{output:?}");
    }
}

#[test]
fn a_node_without_its_road_network_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let args =
        ["serve", "--data-dir", "none", "--listen", "127.0.0.1:0", "--set", "roads.file=nowhere.roads"];
    let error = fails(dir.path(), &args);
    assert!(error.contains("nowhere.roads") && error.contains("roads.file"), "{error}");
}

#[test]
fn tables_become_a_road_network_next_to_the_nodes() {
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
fn invalid_inputs_are_reported_with_their_position_and_leave_no_file() {
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

#[test]
fn speeds_are_learned_from_positions_and_compared_with_trips() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // One street of eleven kilometers at the equator. Its free flow is 60 km/h.
    std::fs::write(dir.join("town.csv"), "node_id,lat,lon\n1,0,0\n2,0,0.1\n").unwrap();
    let edges = "from_node,to_node,length_m,highway\n1,2,11119,primary\n2,1,11119,primary\n";
    std::fs::write(dir.join("edges.csv"), edges).unwrap();
    prints(dir, &["roads", "import", "town.csv", "edges.csv"]);
    let list = prints(dir, &["roads", "segments", "town.roads"]);
    assert_eq!(list.lines().count(), 3, "{list}");
    let lines = prints(dir, &["roads", "segments", "town.roads", "--geojson"]);
    let feature: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&feature["type"], &feature["properties"]["free_flow_kmh"]),
        (&"Feature".into(), &60.0.into())
    );

    // The cars drive at 30 km/h: 0.01 degrees, 1,112 m, in 133 s.
    let mut pings = "time,cab_id,lat,lon,occupied\n".to_owned();
    for (cab, step) in (0..20).flat_map(|cab| (1..9).map(move |step| (cab, step))) {
        let _ = writeln!(pings, "{},{cab},0,{:.2},1", cab * 2_000 + step * 133, f64::from(step) / 100.0);
    }
    std::fs::write(dir.join("pings.csv"), &pings).unwrap();
    let learn =
        ["roads", "learn", "--roads", "town.roads", "--pings", "pings.csv", "--out", "profile.csv.gz"];
    let report: Value = serde_json::from_str(&prints(dir, &learn)).unwrap();
    assert_eq!(report["positions"]["used"], 160, "{report}");

    let trips = "request_time,dropoff_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon\n\
        1970-01-08T01:00:00Z,1970-01-08T01:06:39Z,0,0.01,0,0.04\n1970-01-09T01:00:00Z,,0,0.01,0,0.04\n";
    std::fs::write(dir.join("trips.csv"), trips).unwrap();
    let evaluate = [
        "roads",
        "evaluate",
        "--roads",
        "town.roads",
        "--trips",
        "trips.csv",
        "--profile",
        "profile.csv.gz",
        "--from",
        "1970-01-08",
        "--to",
        "1970-01-09",
    ];
    let report: Value = serde_json::from_str(&prints(dir, &evaluate)).unwrap();
    assert_eq!((&report["trips"]["compared"], &report["trips"]["without_end"]), (&1.into(), &1.into()));
    let error = |of: &str| report[of]["mean_absolute_percent"].as_f64().unwrap();
    assert!((error("free_flow") - 50.0).abs() < 2.0 && error("profile") < 8.0, "{report}");

    std::fs::write(dir.join("pings.csv"), pings.replace(",1\n", ",yes\n")).unwrap();
    let error = fails(dir, &learn);
    assert_eq!(error, "kerb: pings.csv: line 2: occupied \"yes\" must be 0 or 1\n");
}
