//! Measures a window of 5,000 requests and 20,000 drivers, from the query for candidates until the offers are durable.

use futures::stream::{StreamExt, iter};
use kerb_matcher::Options;

use crate::city::Spread;
use crate::node::{DRIVERS, Node};
use crate::rides::CALLERS;
use crate::statistics::{millis, print};

const REQUESTS: usize = 5_000;
const ROUNDS: usize = 15;
/// Long enough for all requests to arrive before the window begins.
const WINDOW_MS: u32 = 2_000;

pub(crate) async fn run() {
    for spread in [Spread::Uniform, Spread::Clustered] {
        measure(spread).await;
    }
}

async fn measure(spread: Spread) {
    let node = Node::start(options(), spread).await;
    measure_in(node, &format!("{spread:?}")).await;
}

/// Returns options with windows that contain all requests of a round.
pub(crate) fn options() -> Options {
    Options { window_min_ms: WINDOW_MS, window_max_ms: WINDOW_MS, ..Options::default() }
}

/// Measures the windows of this node.
pub(crate) async fn measure_in(mut node: Node, city: &str) {
    let mut times = [const { Vec::new() }; 4];
    let mut offers = Vec::new();
    let mut windows = node.stopwatch.watch();
    for round in 0..ROUNDS {
        let trips = node.request_rides(round, REQUESTS).await;
        node.fleet.report_all().await;
        windows.changed().await.unwrap();
        let window = windows.borrow_and_update().unwrap();
        assert_eq!(window.requests, REQUESTS, "all requests arrived before the window began");
        let report = node.matcher.reports().await.unwrap().remove(0);
        offers.push(window.offers as f64);
        let parts = [window.time, window.append].map(millis);
        let inner = [report.last_candidates_us, report.last_solve_us].map(|us| f64::from(us) / 1e3);
        for (times, time) in times.iter_mut().zip(parts.into_iter().chain(inner)) {
            times.push(time);
        }
        // All trips are canceled, so that all drivers are free in the next round.
        let matcher = &node.matcher;
        let ended =
            iter(trips).map(|trip| async { matcher.force_cancel(trip, String::new()).await.unwrap() });
        assert_eq!(ended.buffer_unordered(CALLERS).count().await, REQUESTS);
        while node.offers.try_recv().is_ok() {}
        windows.mark_unchanged();
    }
    let [whole, append, candidates, solve] = times;
    let what = format!("window of {REQUESTS} requests, {DRIVERS} drivers, {city}");
    print(&what, "ms", &whole, ", target < 500 ms");
    print("  candidates", "ms", &candidates, "");
    print("  travel times and assignment", "ms", &solve, "");
    print("  durable record", "ms", &append, "");
    print("  offers", "", &offers, "");
    node.shutdown().await;
}
