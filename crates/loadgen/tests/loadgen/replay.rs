//! Whole replays against a toy server: an honest one is found right, every kind of liar is caught.

use std::fmt::Write;

use kerb_loadgen::options::ReplayOptions;
use kerb_loadgen::recorded::pings::Pings;
use kerb_loadgen::replay::{Out, ReplayError, replay_pings};
use kerb_loadgen::report::ReplayReport;
use kerb_types::SystemClock;
use tokio_util::sync::CancellationToken;

use crate::toy::{Honesty, start};

/// Forty cabs that drive to and fro in a square of 2 km for two minutes.
fn pings() -> Pings {
    let mut rows = String::from("time,cab_id,lat,lon,occupied\n");
    for time in 0..3 {
        for cab in 0..40 {
            let lat = 37.77 + 0.000_5 * f64::from(cab) + 0.002 * f64::from(time % 2);
            let lon = -122.41 + 0.000_7 * f64::from(cab * 7 % 40);
            writeln!(rows, "{},c{cab},{lat:.5},{lon:.5},{}", time * 60, cab % 2).unwrap();
        }
    }
    Pings::read(rows.as_bytes(), "made up").unwrap()
}

/// Two minutes in four seconds. Where an honest server must be found right the allowance is generous: the machine may
/// be busy with other tests.
fn options(endpoint: std::net::SocketAddr, allowance_ms: u32) -> ReplayOptions {
    ReplayOptions {
        endpoints: vec![format!("http://{endpoint}")],
        speed_up: 30.0,
        searches_per_second: 200.0,
        allowance_ms,
        ..ReplayOptions::default()
    }
}

async fn run(honesty: Honesty, allowance_ms: u32) -> ReplayReport {
    let options = options(start(honesty).await, allowance_ms);
    println!("seed {}", options.seed);
    replay_pings(&pings(), options, &SystemClock, Out::Stderr, CancellationToken::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_server_is_found_right() {
    let report = run(Honesty::Honest, 2_000).await;
    assert_eq!(report.wrong_answers, 0, "{report}");
    assert_eq!((report.cabs, report.partial_answers, report.reconnects), (40, 0, 0));
    assert!(report.searches > 0 && report.drivers_found > 0 && report.freshness_ms.count > 0, "{report}");
    assert_eq!(report.updates_sent, report.updates_applied, "{report}");
    let json = serde_json::to_value(&report).unwrap();
    let fields = [
        "updates_sent",
        "updates_applied",
        "searches",
        "wrong_answers",
        "partial_answers",
        "search_p99_us",
        "freshness_p99_ms",
    ];
    assert!(fields.iter().all(|f| json[f].is_u64()), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_server_is_caught() {
    let report = run(Honesty::Stale, 200).await;
    assert!(report.wrong_answers > 0 && report.faults["not_possible"] > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lossy_server_is_caught() {
    let report = run(Honesty::Lossy, 200).await;
    assert!(report.wrong_answers > 0 && report.faults["missing"] > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn drivers_missing_from_a_partial_answer_are_excused() {
    let report = run(Honesty::Partial, 2_000).await;
    assert_eq!((report.wrong_answers, report.partial_answers), (0, report.searches), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_streams_are_opened_anew_and_what_was_lost_is_allowed_for() {
    let report = run(Honesty::Breaking, 2_000).await;
    assert_eq!(report.wrong_answers, 0, "{report}");
    assert!(report.reconnects > 40, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_stopped_reports_what_it_has() {
    let stop = CancellationToken::new();
    stop.cancel();
    let options = options(start(Honesty::Honest).await, 2_000);
    let report = replay_pings(&pings(), options, &SystemClock, Out::Silent, stop).await.unwrap();
    assert!(report.interrupted && report.wrong_answers == 0);
}

#[tokio::test]
async fn wrong_settings_are_reported() {
    let options = ReplayOptions { endpoints: vec!["not a url".to_owned()], ..ReplayOptions::default() };
    let refused = replay_pings(&pings(), options, &SystemClock, Out::Silent, CancellationToken::new()).await;
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("not a url") && text.contains("must be like http://"), "{text}");

    let options = ReplayOptions { from: Some(5_000), ..ReplayOptions::default() };
    let refused = replay_pings(&pings(), options, &SystemClock, Out::Silent, CancellationToken::new()).await;
    assert!(matches!(refused, Err(ReplayError::Pings(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_node_is_found_right() {
    use kerb::settings::DataDir;
    let mut settings = kerb::Settings::default();
    settings.node.listen = Some(([127, 0, 0, 1], 0).into());
    settings.node.data_dir = DataDir(None);
    settings.location_ingest.driver_updates_per_s = 0;
    let node = kerb::Node::start(settings, &kerb::ALL_ROLES).await.unwrap();
    // Three minutes of the shipped slice in six seconds.
    let options = ReplayOptions { duration: Some(180), ..options(node.address(), 2_000) };
    println!("seed {}", options.seed);
    let pings = Pings::shipped().unwrap();
    let report =
        replay_pings(&pings, options, &SystemClock, Out::Stderr, CancellationToken::new()).await.unwrap();
    node.shutdown().await;
    assert_eq!((report.wrong_answers, report.partial_answers), (0, 0), "{report}");
    assert!(report.cabs > 300 && report.searches > 0 && report.drivers_found > 0, "{report}");
    assert!(report.freshness_ms.count > 0, "{report}");
    assert_eq!(report.updates_sent, report.updates_applied, "{report}");
}
