//! The comparison with other servers.

use std::path::PathBuf;

use kerb_loadgen::peers::{PeersOptions, peers};

/// Runs the comparison on a tiny fleet. It checks the answers and not the speed of the machine. Redis is measured if its
/// server is installed on this machine; `.ci/run` installs it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_comparison_measures_everything_and_our_answers_are_exact() {
    let options = PeersOptions {
        quick: true,
        drivers: vec![500],
        rounds: Some(1),
        span_ms: Some(30),
        kerb: Some(PathBuf::from(env!("CARGO_BIN_EXE_kerb"))),
        without: vec!["valkey".to_owned(), "tile38".to_owned()],
        plot: None,
        seed: 1,
        json: true,
    };
    let report = peers(options).await.unwrap();
    assert!(report.exact, "{report}");
    let json = serde_json::to_value(&report).unwrap();
    let size = &json["sizes"][0];
    let systems = report.versions.len();
    assert_eq!(size["cells"].as_array().unwrap().len(), 13 * systems);
    for cell in size["cells"].as_array().unwrap() {
        assert!(cell["per_s"].as_f64().unwrap() > 0.0, "{cell}");
    }
    let has_redis = report.versions.iter().any(|(name, _)| *name == "redis");
    for ratio in [
        "updates_ratio_redis",
        "knn_qps_ratio_redis",
        "knn_p99_loaded_ratio_redis",
        "radius_qps_ratio_redis",
        "index_bytes_ratio_redis",
        "process_bytes_ratio_redis",
    ] {
        assert_eq!(json[ratio].is_number(), has_redis, "{ratio}: {}", json[ratio]);
    }
    if has_redis {
        let redis = size["answers"].as_array().unwrap().iter().find(|of| of["system"] == "redis").unwrap();
        // Redis stores positions with an error of half a meter and uses another radius of the Earth. So a few of its answers
        // differ in a few drivers.
        let (drivers, off) = (redis["drivers"].as_u64().unwrap(), redis["drivers_off"].as_u64().unwrap());
        assert!(drivers > 100 && off * 20 < drivers, "{redis}");
    }
}
