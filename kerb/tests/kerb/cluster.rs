//! Clusters of several processes under traffic: killed nodes, replicas, rebuilds, and recovery of the full coverage.

mod membership;
mod replay;

use std::time::Duration;

use kerb_proto::v1::find_nearby_request::Search;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

use crate::support::cluster::Cluster;
use crate::support::driver::{DriverStream, register, update};
use crate::support::eventually::{eventually, in_time, ticks};
use crate::support::gateway::keep_reporting;
use crate::support::process::{channel, run, text};
use crate::support::search::{
    Truth, check, city, find_and_check, find_nearby, inside, is_complete, random_search, request, within,
};

const BERLIN: (f64, f64) = (52.52, 13.405);
const PARIS: (f64, f64) = (48.8566, 2.3522);
const STEP_TIMEOUT: Duration = Duration::from_mins(1);

/// Tasks that report positions. The drop ends them.
struct Traffic(Vec<JoinHandle<()>>);

impl Drop for Traffic {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Starts the reports of a crowd in Berlin that stands still, and of hoppers in Paris.
fn traffic(cluster: &Cluster, crowd: &Truth, hoppers: usize) -> Traffic {
    let addresses = cluster.addresses();
    let ingest_nodes = move || {
        let addresses = addresses.lock().expect("no panic");
        addresses
            .iter()
            .filter(|(name, _)| name.starts_with("location"))
            .map(|(_, a)| a.clone())
            .collect::<Vec<_>>()
    };
    let crowd = keep_reporting(ingest_nodes.clone(), crowd.clone(), Duration::from_millis(250));
    let mut tasks = vec![tokio::spawn(crowd)];
    tasks.extend((0..hoppers).map(|i| tokio::spawn(hop(ingest_nodes.clone(), i))));
    Traffic(tasks)
}

/// Simulates a driver that jumps between two positions that are several kilometers apart, in different tiles and shards. It
/// keeps its resume token.
async fn hop(addresses: impl Fn() -> Vec<String>, number: usize) {
    let mut ticks = ticks(Duration::from_millis(250));
    let mut register = register(&format!("hopper-{number}"));
    let mut sequence = 0;
    for turn in number.. {
        let addresses = addresses();
        ticks.tick().await;
        let opened = DriverStream::open(channel(&addresses[turn % addresses.len()]), register.clone()).await;
        let Ok(mut stream) = opened else { continue };
        register.resume_token.clone_from(&stream.registered.resume_token);
        loop {
            sequence = u64::max(sequence, stream.registered.last_sequence) + 1;
            let east = if sequence.is_multiple_of(2) { 0.1 } else { -0.1 };
            let step = number as f64 / 1_000.0;
            match stream.report(update(sequence, PARIS.0 + step, PARIS.1 + east + step)).await {
                Ok(ack) => register.resume_token = ack.resume_token,
                Err(_) => break,
            }
            ticks.tick().await;
        }
    }
}

/// Counts of the results of many searches.
#[derive(Debug, Default)]
struct Tally {
    complete: usize,
    partial: usize,
    failed: Vec<String>,
    wrong: Vec<String>,
}

impl Tally {
    /// Asserts that no complete answer was wrong, and that no call failed.
    fn check(self) {
        let Self { complete, partial, failed, wrong } = self;
        println!("{complete} complete, {partial} partial");
        assert!(wrong.is_empty(), "{} wrong answers: {wrong:#?}", wrong.len());
        assert!(failed.is_empty(), "an aggregator always answers: {failed:?}");
    }
}

/// Searches until there are this many more complete answers.
async fn search_until(
    complete: usize,
    rng: &mut Pcg64Mcg,
    aggregators: &[Channel],
    crowd: &Truth,
    hoppers: usize,
    tally: &mut Tally,
) {
    let wanted = tally.complete + complete;
    let searching = async {
        for aggregator in aggregators.iter().cycle() {
            if tally.complete >= wanted {
                return;
            }
            let of_hoppers = crowd.is_empty();
            let search = if of_hoppers { within(PARIS, 20_000.0) } else { random_search(rng, BERLIN) };
            match find_nearby(aggregator, request(search.clone())).await {
                Err(status) => tally.failed.push(status.to_string()),
                Ok(answer) if !is_complete(answer.coverage.as_ref()) => tally.partial += 1,
                Ok(answer) => {
                    tally.complete += 1;
                    let verdict = if of_hoppers {
                        check_hoppers(&answer, hoppers)
                    } else {
                        check(crowd, &search, &answer)
                    };
                    tally.wrong.extend(verdict.err());
                }
            }
        }
    };
    in_time(&format!("{complete} complete answers"), STEP_TIMEOUT, searching).await;
}

/// Checks that the answer contains each hopper once. All their positions are inside the circle of the search.
fn check_hoppers(answer: &kerb_proto::v1::FindNearbyResponse, hoppers: usize) -> Result<(), String> {
    let mut ids: Vec<_> = answer.drivers.iter().map(|driver| driver.driver_id.clone()).collect();
    ids.sort_unstable();
    let mut wanted: Vec<_> = (0..hoppers).map(|i| format!("hopper-{i}")).collect();
    wanted.sort_unstable();
    if ids == wanted { Ok(()) } else { Err(format!("hoppers: {ids:?}")) }
}

async fn until_all_are_indexed(aggregators: &[Channel], crowd: &Truth, hoppers: usize) {
    let everywhere = inside((BERLIN.0 - 1.0, BERLIN.1 - 1.0), (BERLIN.0 + 1.0, BERLIN.1 + 1.0));
    for aggregator in aggregators {
        eventually("the crowd is there", STEP_TIMEOUT, async || {
            find_and_check(aggregator, crowd, everywhere.clone()).await
        })
        .await;
        eventually("the hoppers are there", STEP_TIMEOUT, async || {
            let answer = find_nearby(aggregator, request(within(PARIS, 20_000.0)))
                .await
                .map_err(|status| status.to_string())?;
            check_hoppers(&answer, hoppers)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_index_servers_and_ingest_nodes_cause_no_wrong_answer_and_recover() {
    let seed = 11;
    println!("seed {seed}");
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut cluster = Cluster::start(&[2, 3, 2], 2).await;
    let crowd = city(&mut rng, BERLIN, 400);
    let _traffic = traffic(&cluster, &crowd, 0);
    let aggregators = cluster.channels_of("aggregator");
    until_all_are_indexed(&aggregators, &crowd, 0).await;

    let mut tally = Tally::default();
    search_until(100, &mut rng, &aggregators, &crowd, 0, &mut tally).await;
    for victim in ["index-server-2", "location-ingest-1"] {
        cluster.kill(victim);
        search_until(300, &mut rng, &aggregators, &crowd, 0, &mut tally).await;
        cluster.restart(victim);
        search_until(100, &mut rng, &aggregators, &crowd, 0, &mut tally).await;
        cluster.covered(victim).await;
        search_until(100, &mut rng, &aggregators, &crowd, 0, &mut tally).await;
    }
    tally.check();
}

/// Each hopper moves between shards of different servers. A search must find it in exactly one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_that_moves_between_servers_is_always_found_once() {
    let mut rng = Pcg64Mcg::seed_from_u64(14);
    let (crowd, hoppers) = (Truth::new(), 12);
    let cluster = Cluster::start(&[2, 3, 2], 2).await;
    let _traffic = traffic(&cluster, &crowd, hoppers);
    let aggregators = cluster.channels_of("aggregator");
    until_all_are_indexed(&aggregators, &crowd, hoppers).await;
    let mut tally = Tally::default();
    search_until(2_000, &mut rng, &aggregators, &crowd, hoppers, &mut tally).await;
    tally.check();
}

/// With its resume token, a driver continues at another ingest node. Until that node has its first report, searches find its
/// last position.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drivers_of_a_killed_ingest_node_are_found_while_they_reconnect() {
    let mut rng = Pcg64Mcg::seed_from_u64(15);
    let (crowd, hoppers) = (Truth::new(), 12);
    let mut cluster = Cluster::start(&[2, 3, 2], 2).await;
    let _traffic = traffic(&cluster, &crowd, hoppers);
    let aggregators = cluster.channels_of("aggregator");
    until_all_are_indexed(&aggregators, &crowd, hoppers).await;
    let mut tally = Tally::default();
    cluster.kill("location-ingest-1");
    search_until(1_000, &mut rng, &aggregators, &crowd, hoppers, &mut tally).await;
    tally.check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_replica_the_answer_is_in_time_and_names_the_missing_shards() {
    let mut rng = Pcg64Mcg::seed_from_u64(12);
    let mut cluster = Cluster::start(&[1, 2, 1], 1).await;
    let crowd = city(&mut rng, BERLIN, 200);
    let _traffic = traffic(&cluster, &crowd, 0);
    let aggregators = cluster.channels_of("aggregator");
    until_all_are_indexed(&aggregators, &crowd, 0).await;

    cluster.kill("index-server-1");
    let everywhere = inside((BERLIN.0 - 0.2, BERLIN.1 - 0.2), (BERLIN.0 + 0.2, BERLIN.1 + 0.2));
    let answer = find_nearby(&aggregators[0], request(everywhere)).await.unwrap();
    let coverage = answer.coverage.unwrap();
    assert!(!coverage.shards_missing.is_empty(), "{coverage:?}");
    assert_eq!(coverage.shards_queried, coverage.shards_answered + coverage.shards_missing.len() as u32);
    // The drivers in the partial answer are correct.
    let stranger = answer.drivers.iter().find(|driver| !crowd.contains_key(&driver.driver_id));
    assert!(stranger.is_none(), "{stranger:?}");

    let url = cluster.url_of("aggregator-1");
    let (lat, lon) = (BERLIN.0.to_string(), BERLIN.1.to_string());
    let output = run(cluster.folder(), &["nearby", &lat, &lon, "--radius-m", "30000", "--endpoint", &url]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(text(&output.stderr).contains("shards did not answer"), "{output:?}");

    cluster.restart("index-server-1");
    cluster.covered("the restart").await;
    until_all_are_indexed(&aggregators, &crowd, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_during_traffic_causes_no_wrong_answer() {
    let mut rng = Pcg64Mcg::seed_from_u64(13);
    let cluster = Cluster::start(&[2, 2, 1], 2).await;
    let crowd = city(&mut rng, BERLIN, 400);
    let _traffic = traffic(&cluster, &crowd, 0);
    let aggregators = cluster.channels_of("aggregator");
    until_all_are_indexed(&aggregators, &crowd, 0).await;

    let (dir, url) = (cluster.folder().to_owned(), cluster.url_of("aggregator-1"));
    let rebuild = tokio::task::spawn_blocking(move || {
        let mut outputs = Vec::new();
        for shards in [&[][..], &["--shard", "3", "--shard", "7"]] {
            let args = [&["rebuild", "index-server-1", "--endpoint", &url], shards].concat();
            outputs.push(run(&dir, &args));
        }
        outputs
    });
    let mut tally = Tally::default();
    while !rebuild.is_finished() {
        search_crowd(&mut rng, &aggregators, &crowd, &mut tally).await;
    }
    let outputs = rebuild.await.unwrap();
    for (output, shards) in outputs.iter().zip(["1024 shards", "2 shards"]) {
        assert!(output.status.success(), "{output:?}");
        let report = text(&output.stdout);
        let wanted = ["rebuilt index-server-1", shards, "drivers", "location-ingest-1, location-ingest-2"];
        assert!(wanted.iter().all(|part| report.contains(part)), "{report}");
    }
    tally.check();
    cluster.covered("the rebuild").await;
    until_all_are_indexed(&aggregators, &crowd, 0).await;
}

async fn search_crowd(rng: &mut Pcg64Mcg, aggregators: &[Channel], crowd: &Truth, tally: &mut Tally) {
    let search: Search = random_search(rng, BERLIN);
    match find_nearby(&aggregators[0], request(search.clone())).await {
        Err(status) => tally.failed.push(status.to_string()),
        Ok(answer) if !is_complete(answer.coverage.as_ref()) => tally.partial += 1,
        Ok(answer) => tally.wrong.extend(check(crowd, &search, &answer).err()),
    }
}
