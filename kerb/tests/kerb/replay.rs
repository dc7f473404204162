//! Real taxis through kills: a replay against several processes, two of which are killed in the middle of it.

use kerb_loadgen::options::ReplayOptions;
use kerb_loadgen::replay::{Out, replay};
use kerb_loadgen::report::ReplayReport;
use kerb_location_ingest::HANDOVER_MAX_MS;
use kerb_types::SystemClock;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::eventually::{beat, in_time};
use crate::members::Cluster;
use crate::search::{ask, request, within};

const SAN_FRANCISCO: (f64, f64) = (37.77, -122.42);
const SOON: std::time::Duration = std::time::Duration::from_mins(1);
/// Looks at the city between two blows: each a tenth of a second after the one before.
const LOOKS: usize = 25;

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
        // A driver who crosses between two servers stays on the first until the second shows him, and on a machine that
        // runs eight processes and the cabs on few processors the second may be as late as is waited for at all.
        allowance_ms: HANDOVER_MAX_MS as u32 + 1_000,
        stale_after_ms: 15_000,
        position_ttl_ms: 60_000,
        seed,
        report_interval_s: 5,
        utc_offset_h: -7,
        wrong_printed_max: 3,
        json: false,
    }
}

/// The city goes on for a while, and is answered for.
async fn let_time_pass(aggregator: &Channel) {
    let mut beat = beat(std::time::Duration::from_millis(100));
    for _ in 0..LOOKS {
        beat.tick().await;
        let answer = ask(aggregator, request(within(SAN_FRANCISCO, 20_000.0))).await;
        assert!(answer.is_ok_and(|answer| !answer.drivers.is_empty()), "an aggregator always answers");
    }
}

async fn strike(cluster: &mut Cluster, aggregator: &Channel) {
    let_time_pass(aggregator).await;
    for victim in ["index-server-2", "location-ingest-1"] {
        cluster.kill(victim);
        let_time_pass(aggregator).await;
        cluster.restart(victim);
        cluster.covered(victim).await;
        let_time_pass(aggregator).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_through_kills_has_no_wrong_answer() {
    let seed = 21;
    println!("seed {seed}");
    let mut cluster = Cluster::start(&[2, 3, 1], 2).await;
    let aggregator = cluster.channels_of("aggregator").remove(0);
    let stop = CancellationToken::new();
    let (options, replay_stop) = (options(&cluster, seed), stop.clone());
    let driving = tokio::spawn(async move { replay(options, &SystemClock, Out::Stderr, replay_stop).await });
    // The cabs wait for an empty index, and then report.
    crate::eventually::eventually("cabs are there", SOON, async || {
        let answer = ask(&aggregator, request(within(SAN_FRANCISCO, 20_000.0))).await;
        let found = answer.map_err(|status| status.to_string())?.drivers.len();
        if found > 100 { Ok(()) } else { Err(format!("{found} cabs")) }
    })
    .await;
    strike(&mut cluster, &aggregator).await;
    stop.cancel();
    let report = in_time("the report", SOON, driving).await.unwrap().unwrap();
    println!("{report}");
    let ReplayReport { wrong_answers, searches, updates_sent, reconnects, .. } = report;
    assert_eq!(wrong_answers, 0);
    assert!(searches > 300 && updates_sent > 10_000 && reconnects > 50, "too little happened");
}
