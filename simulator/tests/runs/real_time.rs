//! A run against a node over gRPC.

use kerb::settings::DataDir;
use kerb::{ALL_ROLES, Node, Settings};
use kerb_simulator::backends::real_time::{LiveOptions, live};
use kerb_simulator::cli::demo::{DemoOptions, demo};
use tokio_util::sync::CancellationToken;

use crate::scripted_agents::{BEGINS_MS, ScriptedAgents};

const SPEED_UP: f64 = 20.0;
const MINUTES: i64 = 4;

/// A minute of thinking and driving is over in 3 s, so the node decides as much faster.
fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.node.listen = Some("127.0.0.1:0".parse().unwrap());
    settings.node.data_dir = DataDir(None);
    settings.location_ingest.driver_updates_per_s = 50;
    settings.location_ingest.driver_updates_burst = 200;
    settings.matcher.window_max_ms = 100;
    settings.matcher.window_min_ms = 20;
    settings.matcher.track_interval_ms = 500;
    settings
}

fn options(node: &Node, speed_up: f64) -> LiveOptions {
    LiveOptions { endpoints: vec![format!("http://{}", node.address())], connections: 2, speed_up, seed: 5 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_city_runs_against_a_node_and_nothing_is_lost() {
    let node = Node::start(settings(), &ALL_ROLES).await.unwrap();
    let mut agents = ScriptedAgents::new(60, 60, MINUTES, 5);
    let stop = CancellationToken::new();
    let end = live(&mut agents, &options(&node, SPEED_UP), &stop, |_| ()).await.unwrap();
    node.shutdown().await;
    assert_eq!(end.system.faults, Vec::<String>::new());
    assert!(!end.stopped && end.at_ms == BEGINS_MS + MINUTES * 60_000, "{end:?}");
    assert!(end.system.updates > 3_000 && end.system.updates_failed == 0, "{:?}", end.system);
    assert!(agents.served > 0 && end.searches > 3, "{} served, {} searches", agents.served, end.searches);
    let took = |name| end.system.latencies.iter().any(|latency| latency.name == name && latency.count > 0);
    assert!(["request", "action", "search", "window_solve"].into_iter().all(took), "{:?}", end.system);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_run_that_is_stopped_has_a_report() {
    let node = Node::start(settings(), &ALL_ROLES).await.unwrap();
    let mut agents = ScriptedAgents::new(20, 100, 24 * 60, 5);
    let stop = CancellationToken::new();
    let progress = |now_ms| {
        if now_ms >= BEGINS_MS + 30_000 {
            stop.cancel();
        }
    };
    let end = live(&mut agents, &options(&node, SPEED_UP), &stop, progress).await.unwrap();
    node.shutdown().await;
    assert!(end.stopped && end.at_ms < BEGINS_MS + 600_000, "{end:?}");
    assert_eq!(end.system.faults, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_node_is_reported() {
    let options = LiveOptions {
        endpoints: vec!["http://127.0.0.1:1".to_owned()],
        connections: 1,
        speed_up: 1.0,
        seed: 5,
    };
    let refused =
        live(&mut ScriptedAgents::new(1, 1, 1, 5), &options, &CancellationToken::new(), |_| ()).await;
    assert!(refused.unwrap_err().contains("no events of trips"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_serves_riders_without_a_double_assignment() {
    let options = DemoOptions {
        speed_up: 60.0,
        ride_seconds: 600,
        replay_seconds: 120,
        trips: None,
        searches_per_second: 20.0,
        seed: 1,
        json: true,
    };
    let report = demo(&options, CancellationToken::new()).await.unwrap();
    assert!(report.is_correct() && report.rides.double_assignments == 0, "{report}");
    let figures = &report.rides;
    let ended = figures.served + figures.expired + figures.cancelled + figures.requests_refused;
    assert_eq!(figures.requests, (ended + figures.in_flight) as usize, "{report}");
    assert!(figures.requests > 90 && figures.served > 0 && figures.offers_per_trip >= 0.5, "{report}");
    assert!(figures.offer_after_ms.count > 0 && report.replay.searches > 0, "{report}");
    let json = serde_json::to_value(&report).unwrap();
    let fields =
        ["requests", "served", "expired", "cancelled", "in_flight", "double_assignments", "wrong_answers"];
    assert!(fields.iter().all(|field| json[field].is_u64()), "{json}");
}
