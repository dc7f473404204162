//! Speed files that change on disk, with valid and invalid content.

use std::path::Path;

use super::{STEP_TIMEOUT, bridge, cli, described, over_the_bridge_s, ride_s};
use crate::roads::travel_times::{WITH_STREETS, node, town};
use crate::support::eventually::eventually;
use crate::support::process::{run, text};

/// Writes a new file and moves it into place, so that no process reads half a file. Operators should do the same.
fn replace(dir: &Path, name: &str, content: &str) {
    std::fs::write(dir.join("new"), content).expect("the test has set this up");
    std::fs::rename(dir.join("new"), dir.join(name)).expect("the test has set this up");
}

#[tokio::test]
async fn a_changed_speed_file_takes_effect_and_an_invalid_one_keeps_the_speeds() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    town(dir);
    replace(dir, "speeds.csv", &bridge(25.0));
    let node = node(dir, &[&WITH_STREETS[..], &["--set", "roads.speeds=speeds.csv"]].concat());
    let channel = node.channel();
    assert_eq!(ride_s(&channel).await.unwrap(), over_the_bridge_s(25.0), "before it listens");
    let until_bridge_at = async |kmh: f64| {
        eventually(&format!("{kmh} km/h"), STEP_TIMEOUT, async || {
            let ride_s = ride_s(&channel).await?;
            if ride_s == over_the_bridge_s(kmh) { Ok(()) } else { Err(format!("{ride_s} s")) }
        })
        .await;
    };
    replace(dir, "speeds.csv", &bridge(5.0));
    until_bridge_at(5.0).await;

    replace(dir, "speeds.csv", &bridge(400.0));
    let wrong = eventually("the wrong file is noticed", STEP_TIMEOUT, async || {
        let file = described(&channel).await.file.ok_or("no file")?;
        if file.failures == 1 { Ok(file) } else { Err(format!("{file:?}")) }
    })
    .await;
    assert_eq!(wrong.error, "line 2: speed_kmh \"400\" must be 1 to 300 km/h");
    assert_eq!((wrong.path.as_str(), wrong.reads), ("speeds.csv", 3));
    assert_eq!(ride_s(&channel).await.unwrap(), over_the_bridge_s(5.0));
    let shown = text(&cli(dir, &node, &["show"]).stdout);
    assert!(shown.contains("speeds.csv: line 2: speed_kmh"), "{shown}");

    std::fs::remove_file(dir.join("speeds.csv")).unwrap();
    eventually("the missing file is noticed", STEP_TIMEOUT, async || {
        let file = described(&channel).await.file.ok_or("no file")?;
        if file.failures == 2 { Ok(()) } else { Err(format!("{file:?}")) }
    })
    .await;
    assert_eq!(ride_s(&channel).await.unwrap(), over_the_bridge_s(5.0));

    replace(dir, "speeds.csv", &bridge(10.0));
    until_bridge_at(10.0).await;
    let file = described(&channel).await.file.unwrap();
    assert_eq!((&*file.error, file.reads, file.failures), ("", 5, 2));
}

#[test]
fn a_node_with_invalid_speed_files_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    town(dir);
    replace(dir, "speeds.csv", &bridge(0.0));
    let serve = ["serve", "--data-dir", "none", "--listen", "127.0.0.1:0"];
    let fails = |settings: &[&str]| {
        let output = run(dir, &[&serve[..], settings].concat());
        (output.status.code(), text(&output.stderr))
    };
    for setting in ["roads.speeds", "roads.profile"] {
        let set = format!("{setting}=speeds.csv");
        let (code, error) = fails(&[&WITH_STREETS[..], &["--set", &set]].concat());
        let expected = format!("speeds.csv: line 2: speed_kmh \"0\" must be 1 to 300 km/h ({setting})");
        assert!(code == Some(1) && error.contains(&expected), "{code:?} {error}");
        let missing = format!("{setting}=nowhere.csv");
        let (code, error) = fails(&[&WITH_STREETS[..], &["--set", &missing]].concat());
        assert!(code == Some(1) && error.contains("nowhere.csv: "), "{code:?} {error}");
        let (code, error) = fails(&["--set", &set]);
        let expected = format!("{setting}: speeds.csv, needs a road network: roads.file");
        assert!(code == Some(2) && error.contains(&expected), "{code:?} {error}");
    }
    for (set, expected) in [
        ("roads.utc_offset_min=900", "roads.utc_offset_min: 900, must be -840 to 840"),
        ("roads.speed_lifetime_ms=0", "roads.speed_lifetime_ms: 0, must be 1 to 86400000"),
        ("roads.speed_lifetime_max_ms=0", "roads.speed_lifetime_max_ms: 0, must be 1 to 2592000000"),
    ] {
        let (code, error) = fails(&["--set", set]);
        assert!(code == Some(2) && error.contains(expected), "{code:?} {error}");
    }
}
