//! Measures the time from a request to its offer with the default settings: for a single request, and at 50 requests a second.

use std::collections::HashMap;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use kerb_matcher::{Matcher, Options};
use kerb_trips::TripId;
use rand::RngExt;
use tokio::time::{Instant, interval, sleep_until};

use crate::city::Spread;
use crate::drivers::{Fleet, Offer};
use crate::node::{DRIVERS, Node};
use crate::rides::{WHOLE_TRIP, drive};
use crate::statistics::{millis, print, quantile, sorted};

const RATE_PER_S: f64 = 50.0;
const ROUNDS: usize = 5;
const REQUESTS_PER_ROUND: usize = 1_000;
const SINGLE_REQUESTS: usize = 50;
/// Each driver reports every 3 s, and a thirtieth of the drivers every 100 ms.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);
const REPORT_PARTS: usize = 30;

pub(crate) async fn run() {
    let mut node = Node::start(Options::default(), Spread::Clustered).await;
    let single = single_requests(&mut node).await;
    print("a single request to its offer", "ms", &single, ", target < 100 ms of the window + 100 ms");
    let mut quantiles = [const { Vec::new() }; 3];
    for round in 0..ROUNDS {
        let times = sorted(&concurrent_requests(&mut node, round).await);
        for (values, share) in quantiles.iter_mut().zip([0.5, 0.9, 0.99]) {
            values.push(quantile(&times, share));
        }
    }
    let [p50, p90, p99] = quantiles;
    let what = format!("request to offer, {RATE_PER_S} requests/s, {REQUESTS_PER_ROUND} a round, p50");
    print(&what, "ms", &p50, ", target < 1,000 ms of the window + 100 ms");
    print("  p90", "ms", &p90, "");
    print("  p99", "ms", &p99, "");
    node.shutdown().await;
}

/// Sends requests one after the other, each while no other trip is live.
async fn single_requests(node: &mut Node) -> Vec<f64> {
    let mut times = Vec::new();
    for n in 0..SINGLE_REQUESTS {
        node.fleet.report_all().await;
        let request = node.ride_request(&format!("single-{n}"));
        let began = Instant::now();
        node.matcher.request(request).await.unwrap();
        let offer = node.offers.recv().await.unwrap();
        times.push(millis(offer.received - began));
        drive(&node.matcher, &offer, &WHOLE_TRIP).await;
    }
    times
}

/// Sends requests at random times, on average [`RATE_PER_S`] a second, while drivers report and drive.
async fn concurrent_requests(node: &mut Node, round: usize) -> Vec<f64> {
    let mut at = Duration::ZERO;
    let requests: Vec<_> = (0..REQUESTS_PER_ROUND)
        .map(|n| {
            // Exponential gaps make a Poisson process.
            at += Duration::from_secs_f64(-node.rng.random_range(f64::EPSILON..1.0).ln() / RATE_PER_S);
            (at, node.ride_request(&format!("rider-{round}-{n}")))
        })
        .collect();
    let began = Instant::now();
    let matcher = &node.matcher;
    let mut requesting: FuturesUnordered<_> = requests
        .into_iter()
        .map(|(at, request)| async move {
            sleep_until(began + at).await;
            let requested = Instant::now();
            (matcher.request(request).await.unwrap().id, requested)
        })
        .collect();
    let mut requested: HashMap<TripId, Instant> = HashMap::new();
    let mut offered: HashMap<TripId, Instant> = HashMap::new();
    let mut driving = FuturesUnordered::new();
    let mut reporting = Box::pin(report_forever(&mut node.fleet));
    while offered.len() < REQUESTS_PER_ROUND || requested.len() < REQUESTS_PER_ROUND {
        tokio::select! {
            Some((trip, time)) = requesting.next() => {
                requested.insert(trip, time);
            }
            Some(offer) = node.offers.recv() => {
                // Only the first offer of a trip counts.
                offered.entry(offer.trip.clone()).or_insert(offer.received);
                driving.push(whole_trip(matcher, offer));
            }
            Some(()) = driving.next() => {}
            () = &mut reporting => {}
        }
    }
    while driving.next().await.is_some() {}
    offered.into_iter().map(|(trip, offered)| millis(offered - requested[&trip])).collect()
}

async fn whole_trip(matcher: &Matcher, offer: Offer) {
    drive(matcher, &offer, &WHOLE_TRIP).await;
}

/// Reports a part of the fleet at each interval, without an end.
async fn report_forever(fleet: &mut Fleet) {
    let mut ticks = interval(REPORT_INTERVAL);
    for part in (0..REPORT_PARTS).cycle() {
        ticks.tick().await;
        let first = DRIVERS * part / REPORT_PARTS;
        fleet.report(first..DRIVERS * (part + 1) / REPORT_PARTS).await;
    }
}
