//! How long a rider waits until a driver is asked, by the default settings: alone, and among 50 requests a second.

use std::collections::HashMap;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use kerb_matcher::{Matcher, Options};
use kerb_trips::TripId;
use rand::RngExt;
use tokio::time::{Instant, interval, sleep_until};

use crate::city::Spread;
use crate::drivers::{Fleet, Offer};
use crate::figures::{millis, print, quantile, sorted};
use crate::node::{DRIVERS, Node};
use crate::rides::{WHOLE_TRIP, drive};

const RATE_PER_S: f64 = 50.0;
const ROUNDS: usize = 5;
const REQUESTS_A_ROUND: usize = 1_000;
const LONE_REQUESTS: usize = 50;
/// Drivers report every 3 s, a thirtieth of them every 100 ms.
const REPORT_EVERY: Duration = Duration::from_millis(100);
const REPORT_PARTS: usize = 30;

pub(crate) async fn run() {
    let mut node = Node::start(Options::default(), Spread::Clustered).await;
    let lone = lone(&mut node).await;
    print("a lone request to its offer", "ms", &lone, ", asked < 100 ms of the window + 100 ms");
    let mut parts = [const { Vec::new() }; 3];
    for round in 0..ROUNDS {
        let times = sorted(&many(&mut node, round).await);
        for (values, part) in parts.iter_mut().zip([0.5, 0.9, 0.99]) {
            values.push(quantile(&times, part));
        }
    }
    let [p50, p90, p99] = parts;
    let what = format!("request to offer, {RATE_PER_S} requests/s, {REQUESTS_A_ROUND} a round, p50");
    print(&what, "ms", &p50, ", asked < 1,000 ms of the window + 100 ms");
    print("  p90", "ms", &p90, "");
    print("  p99", "ms", &p99, "");
    node.shutdown().await;
}

/// One after the other, with nobody else there.
async fn lone(node: &mut Node) -> Vec<f64> {
    let mut times = Vec::new();
    for n in 0..LONE_REQUESTS {
        node.fleet.report_all().await;
        let wish = node.wish(&format!("lone-{n}"));
        let began = Instant::now();
        node.matcher.request(wish).await.unwrap();
        let offer = node.offers.recv().await.unwrap();
        times.push(millis(offer.told - began));
        drive(&node.matcher, &offer, &WHOLE_TRIP).await;
    }
    times
}

/// At random times, on the average so many a second, while drivers report and drive.
async fn many(node: &mut Node, round: usize) -> Vec<f64> {
    let mut at = Duration::ZERO;
    let requests: Vec<_> = (0..REQUESTS_A_ROUND)
        .map(|n| {
            at += Duration::from_secs_f64(-node.rng.random_range(f64::EPSILON..1.0).ln() / RATE_PER_S);
            (at, node.wish(&format!("rider-{round}-{n}")))
        })
        .collect();
    let began = Instant::now();
    let matcher = &node.matcher;
    let mut asking: FuturesUnordered<_> = requests
        .into_iter()
        .map(|(at, wish)| async move {
            sleep_until(began + at).await;
            let asked = Instant::now();
            (matcher.request(wish).await.unwrap().id, asked)
        })
        .collect();
    let mut asked: HashMap<TripId, Instant> = HashMap::new();
    let mut told: HashMap<TripId, Instant> = HashMap::new();
    let mut driving = FuturesUnordered::new();
    let mut reporting = Box::pin(report(&mut node.fleet));
    while told.len() < REQUESTS_A_ROUND || asked.len() < REQUESTS_A_ROUND {
        tokio::select! {
            Some((trip, time)) = asking.next() => {
                asked.insert(trip, time);
            }
            Some(offer) = node.offers.recv() => {
                told.entry(offer.trip.clone()).or_insert(offer.told);
                driving.push(whole_trip(matcher, offer));
            }
            Some(()) = driving.next() => {}
            () = &mut reporting => {}
        }
    }
    while driving.next().await.is_some() {}
    told.into_iter().map(|(trip, told)| millis(told - asked[&trip])).collect()
}

async fn whole_trip(matcher: &Matcher, offer: Offer) {
    drive(matcher, &offer, &WHOLE_TRIP).await;
}

/// For ever.
async fn report(fleet: &mut Fleet) {
    let mut ticks = interval(REPORT_EVERY);
    for part in (0..REPORT_PARTS).cycle() {
        ticks.tick().await;
        let first = DRIVERS * part / REPORT_PARTS;
        fleet.report(first..DRIVERS * (part + 1) / REPORT_PARTS).await;
    }
}
