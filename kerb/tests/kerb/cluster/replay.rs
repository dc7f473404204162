//! A replay of recorded taxis against a cluster in which two nodes are killed.

use kerb_loadgen::options::ReplayOptions;
use kerb_loadgen::replay::{Out, replay};
use kerb_loadgen::report::ReplayReport;
use kerb_location_ingest::HANDOVER_MAX_MS;
use kerb_types::SystemClock;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::support::cluster::Cluster;
use crate::support::eventually::{in_time, ticks};
use crate::support::search::{find_nearby, request, within};

const SAN_FRANCISCO: (f64, f64) = (37.77, -122.42);
const STEP_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(1);
/// Searches between two kills, one each tenth of a second.
const SEARCHES: usize = 25;

fn options(cluster: &Cluster, seed: u64) -> ReplayOptions {
    ReplayOptions {
        pings: None,
        endpoints: cluster.urls_of("location-ingest"),
        search_endpoints: cluster.urls_of("aggregator"),
        speed_up: 12.0,
        from: None,
        duration: None,
        report_every_ms: 3_000,
        gap_max_s: 600,
        searches_per_second: 50.0,
        searchers: 4,
        probes: 1,
        connections: 4,
        // A driver that moves between two servers stays on the first one until the second one has it. On a machine with few
        // processors, eight processes and the cabs, the second server may be as late as the handover waits at most.
        allowance_ms: HANDOVER_MAX_MS.to_u32() + 1_000,
        stale_after_ms: 15_000,
        position_ttl_ms: 60_000,
        seed,
        report_interval_s: 5,
        utc_offset_h: -7,
        wrong_printed_max: 3,
        json: false,
    }
}

/// Lets the replay run for a while, and checks that searches are answered.
async fn search_for_a_while(aggregator: &Channel) {
    let mut ticks = ticks(std::time::Duration::from_millis(100));
    for _ in 0..SEARCHES {
        ticks.tick().await;
        let answer = find_nearby(aggregator, request(within(SAN_FRANCISCO, 20_000.0))).await;
        assert!(answer.is_ok_and(|answer| !answer.drivers.is_empty()), "an aggregator always answers");
    }
}

async fn kill_and_restart(cluster: &mut Cluster, aggregator: &Channel) {
    search_for_a_while(aggregator).await;
    for victim in ["index-server-2", "location-ingest-1"] {
        cluster.kill(victim);
        search_for_a_while(aggregator).await;
        cluster.restart(victim);
        cluster.covered(victim).await;
        search_for_a_while(aggregator).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_with_killed_nodes_has_no_wrong_answer() {
    let seed = 21;
    println!("seed {seed}");
    let mut cluster = Cluster::start(&[2, 3, 1], 2).await;
    let aggregator = cluster.channels_of("aggregator").remove(0);
    let stop = CancellationToken::new();
    let (options, replay_stop) = (options(&cluster, seed), stop.clone());
    let driving = tokio::spawn(async move { replay(options, &SystemClock, Out::Stderr, replay_stop).await });
    // The cabs start to report once the index is empty.
    crate::support::eventually::eventually("cabs are there", STEP_TIMEOUT, async || {
        let answer = find_nearby(&aggregator, request(within(SAN_FRANCISCO, 20_000.0))).await;
        let found = answer.map_err(|status| status.to_string())?.drivers.len();
        if found > 100 { Ok(()) } else { Err(format!("{found} cabs")) }
    })
    .await;
    kill_and_restart(&mut cluster, &aggregator).await;
    stop.cancel();
    let report = in_time("the report", STEP_TIMEOUT, driving).await.unwrap().unwrap();
    println!("{report}");
    let ReplayReport { wrong_answers, searches, updates_sent, reconnects, .. } = report;
    assert_eq!(wrong_answers, 0);
    assert!(searches > 300 && updates_sent > 10_000 && reconnects > 50, "the replay did too little");
}
