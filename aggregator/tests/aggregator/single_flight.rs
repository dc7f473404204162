use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use kerb_aggregator::Options;
use kerb_aggregator::single_flight::SingleFlight;
use kerb_ports::ErrorCode;
use tokio::time::{Instant, advance};

use crate::fakes::{Cluster, Script, nearest};
use crate::simulated_time::pass;

const MS: Duration = Duration::from_millis(1);
const WINDOW: Duration = Duration::from_millis(2);

#[tokio::test(start_paused = true)]
async fn identical_concurrent_searches_are_sent_once() {
    let cluster = Cluster::new(1, 1);
    cluster.put_line();
    cluster.servers[0].set(Script::After(20 * MS));
    let aggregator = cluster.aggregator(Options::default());
    let deadline = Instant::now() + 200 * MS;
    let same = (0..50).map(|_| aggregator.find(nearest(5), deadline));
    let other = aggregator.find(nearest(6), deadline);
    let (same, other) = tokio::join!(futures::future::join_all(same), other);
    assert!(same.iter().all(|found| found.as_ref().unwrap().neighbors.len() == 5));
    assert_eq!(other.unwrap().neighbors.len(), 6);
    assert_eq!(cluster.queries_received(), 2);
    assert_eq!(aggregator.metrics().joined, 49);
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_started_longer_ago_is_not_joined() {
    let cluster = Cluster::new(1, 1);
    cluster.servers[0].set(Script::After(20 * MS));
    let aggregator = cluster.aggregator(Options::default());
    let search = || aggregator.find(nearest(5), Instant::now() + 200 * MS);
    let late = async {
        pass(3 * MS).await;
        search().await
    };
    let (first, late) = tokio::join!(search(), late);
    assert!(first.is_ok() && late.is_ok());
    assert_eq!((cluster.queries_received(), aggregator.metrics().joined), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_joiner_with_more_time_asks_again_when_the_shared_answer_is_partial() {
    let cluster = Cluster::new(1, 1);
    cluster.put_line();
    cluster.servers[0].set(Script::After(30 * MS));
    let aggregator = cluster.aggregator(Options::default());
    let now = Instant::now();
    let (hasty, patient) =
        tokio::join!(aggregator.find(nearest(5), now + 10 * MS), aggregator.find(nearest(5), now + 200 * MS));
    assert!(!hasty.unwrap().coverage.is_complete());
    assert!(patient.unwrap().coverage.is_complete());
}

#[tokio::test(start_paused = true)]
async fn who_has_less_time_than_the_flight_does_not_join_it() {
    let cluster = Cluster::new(1, 1);
    cluster.servers[0].set(Script::Silent);
    let aggregator = cluster.aggregator(Options::default());
    let now = Instant::now();
    let hasty = async {
        let found = aggregator.find(nearest(5), now + 10 * MS).await;
        (found, now.elapsed())
    };
    let (_, (found, took)) = tokio::join!(aggregator.find(nearest(5), now + 200 * MS), hasty);
    assert!(found.is_ok());
    assert_eq!(took, 10 * MS);
}

/// A flight of 10 ms that counts its starts and ends.
#[derive(Clone, Default)]
struct FlightCounter {
    started: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl FlightCounter {
    fn flight(&self) -> impl Future<Output = u32> + Send + use<> {
        let Self { started, ended } = self.clone();
        async move {
            started.fetch_add(1, Ordering::SeqCst);
            pass(10 * MS).await;
            ended.fetch_add(1, Ordering::SeqCst);
            7
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_flight_lives_while_anybody_waits_and_no_longer() {
    let flights = SingleFlight::<&str, u32>::new(WINDOW);
    let (counter, now) = (FlightCounter::default(), Instant::now());
    let mut leader = Box::pin(flights.run("key", now, now + 100 * MS, || counter.flight()));
    let mut joiner = Box::pin(flights.run("key", now, now + 100 * MS, || counter.flight()));
    assert!(leader.as_mut().now_or_never().is_none() && joiner.as_mut().now_or_never().is_none());
    drop(leader);
    assert_eq!(joiner.await.unwrap().value, 7);
    assert_eq!((counter.started.load(Ordering::SeqCst), counter.ended.load(Ordering::SeqCst)), (1, 1));
    assert!(flights.is_empty());

    let now = Instant::now();
    let mut alone = Box::pin(flights.run("key", now, now + 100 * MS, || counter.flight()));
    assert!(alone.as_mut().now_or_never().is_none());
    assert_eq!(flights.len(), 1);
    drop(alone);
    assert!(flights.is_empty());
    advance(100 * MS).await;
    assert_eq!(counter.ended.load(Ordering::SeqCst), 1, "nobody waited, so it stopped");
}

#[tokio::test(start_paused = true)]
async fn a_newer_flight_is_joined_and_outlives_the_older_one() {
    let flights = SingleFlight::<&str, u32>::new(WINDOW);
    let counter = FlightCounter::default();
    let run = || flights.run("key", Instant::now(), Instant::now() + 100 * MS, || counter.flight());
    let mut first = Box::pin(run());
    assert!(first.as_mut().now_or_never().is_none());
    advance(3 * MS).await;
    let mut second = Box::pin(run());
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    let third = run().await.unwrap();
    assert!(third.joined.is_some(), "the first flight's end leaves the second on the list");
    assert_eq!(counter.started.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_those_who_wait_and_nobody_else() {
    let cluster = Cluster::new(1, 1);
    cluster.put_line();
    cluster.servers[0].set(Script::Panics);
    let aggregator = cluster.aggregator(Options::default());
    let deadline = Instant::now() + 200 * MS;
    let (a, b) = tokio::join!(aggregator.find(nearest(5), deadline), aggregator.find(nearest(5), deadline));
    assert_eq!(a.unwrap_err().code(), ErrorCode::Internal);
    assert_eq!(b.unwrap_err().code(), ErrorCode::Internal);
    cluster.servers[0].set(Script::Immediate);
    assert_eq!(aggregator.find(nearest(5), deadline).await.unwrap().neighbors.len(), 5);
}
