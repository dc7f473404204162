//! Files of speeds that change on disk, rightly and wrongly.

use std::path::Path;

use super::{SOON, bridge, cli, described, over_the_bridge_s, ride_s};
use crate::eventually::eventually;
use crate::process::{run, text};
use crate::travel::{WITH_STREETS, node, town};

/// As an operator should: nobody reads half a file.
fn replace(dir: &Path, name: &str, content: &str) {
    std::fs::write(dir.join("aside"), content).expect("what the test has set up");
    std::fs::rename(dir.join("aside"), dir.join(name)).expect("what the test has set up");
}

#[tokio::test]
async fn a_speed_file_is_followed_and_a_wrong_one_keeps_the_speeds_before() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    town(dir);
    replace(dir, "speeds.csv", &bridge(25.0));
    let node = node(dir, &[&WITH_STREETS[..], &["--set", "roads.speeds=speeds.csv"]].concat());
    let channel = node.channel();
    assert_eq!(ride_s(&channel).await.unwrap(), over_the_bridge_s(25.0), "before it listens");
    let takes = async |kmh: f64| {
        eventually(&format!("{kmh} km/h"), SOON, async || {
            let ride_s = ride_s(&channel).await?;
            if ride_s == over_the_bridge_s(kmh) { Ok(()) } else { Err(format!("{ride_s} s")) }
        })
        .await;
    };
    replace(dir, "speeds.csv", &bridge(5.0));
    takes(5.0).await;

    replace(dir, "speeds.csv", &bridge(400.0));
    let wrong = eventually("the wrong file is noticed", SOON, async || {
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
    eventually("the missing file is noticed", SOON, async || {
        let file = described(&channel).await.file.ok_or("no file")?;
        if file.failures == 2 { Ok(()) } else { Err(format!("{file:?}")) }
    })
    .await;
    assert_eq!(ride_s(&channel).await.unwrap(), over_the_bridge_s(5.0));

    replace(dir, "speeds.csv", &bridge(10.0));
    takes(10.0).await;
    let file = described(&channel).await.file.unwrap();
    assert_eq!((&*file.error, file.reads, file.failures), ("", 5, 2));
}

#[test]
fn a_node_whose_speeds_are_wrong_does_not_start() {
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
        let told = format!("speeds.csv: line 2: speed_kmh \"0\" must be 1 to 300 km/h ({setting})");
        assert!(code == Some(1) && error.contains(&told), "{code:?} {error}");
        let missing = format!("{setting}=nowhere.csv");
        let (code, error) = fails(&[&WITH_STREETS[..], &["--set", &missing]].concat());
        assert!(code == Some(1) && error.contains("nowhere.csv: "), "{code:?} {error}");
        let (code, error) = fails(&["--set", &set]);
        let told = format!("{setting}: speeds.csv, needs a road network: roads.file");
        assert!(code == Some(2) && error.contains(&told), "{code:?} {error}");
    }
    for (set, told) in [
        ("roads.utc_offset_min=900", "roads.utc_offset_min: 900, must be -840 to 840"),
        ("roads.speed_lifetime_ms=0", "roads.speed_lifetime_ms: 0, must be 1 to 86400000"),
        ("roads.speed_lifetime_max_ms=0", "roads.speed_lifetime_max_ms: 0, must be 1 to 2592000000"),
    ] {
        let (code, error) = fails(&["--set", set]);
        assert!(code == Some(2) && error.contains(told), "{code:?} {error}");
    }
}
