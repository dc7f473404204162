//! Measures trip events by many callers at once. Each reply comes after the event is durable.

use futures::stream::{StreamExt, iter};
use kerb_matcher::Options;
use tokio::time::Instant;

use crate::city::Spread;
use crate::node::Node;
use crate::rides::{CALLERS, WHOLE_TRIP, drive};
use crate::statistics::{millis, print, quantile, sorted};

const TRIPS: usize = 5_000;
const ROUNDS: usize = 9;

pub(crate) async fn run() {
    // The offers are valid until all of them are made.
    let options = Options { offer_ms: 120_000, ..Options::default() };
    let mut node = Node::start(options, Spread::Uniform).await;
    let (mut rates, mut times) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        node.fleet.report_all().await;
        let requested = node.request_rides(round, TRIPS).await.len();
        let mut offers = Vec::with_capacity(requested);
        while offers.len() < requested {
            offers.push(node.offers.recv().await.unwrap());
        }
        let matcher = &node.matcher;
        let began = Instant::now();
        let driven = iter(offers).map(|offer| async move {
            let mut times = Vec::with_capacity(WHOLE_TRIP.len());
            for action in &WHOLE_TRIP {
                let began = Instant::now();
                drive(matcher, &offer, std::slice::from_ref(action)).await;
                times.push(millis(began.elapsed()));
            }
            times
        });
        let round_times: Vec<_> = driven.buffer_unordered(CALLERS).collect().await;
        rates.push((TRIPS * WHOLE_TRIP.len()) as f64 / began.elapsed().as_secs_f64());
        times.extend(round_times.into_iter().flatten());
    }
    let what = format!("trip events by {CALLERS} callers, {} a round", TRIPS * WHOLE_TRIP.len());
    print(&what, "/s", &rates, ", target >= 2,000/s");
    let times = sorted(&times);
    let [p50, p99] = [0.5, 0.99].map(|share| quantile(&times, share));
    println!("  reply to a durable event after {p50:.1} ms (p50), {p99:.1} ms (p99)");
    one_caller(&mut node).await;
    node.shutdown().await;
}

/// Measures the events of a single caller, which wait for the disk one by one.
async fn one_caller(node: &mut Node) {
    let mut times = Vec::new();
    for round in 0..50 {
        node.fleet.report_all().await;
        node.request_rides(ROUNDS + round, 1).await;
        let offer = node.offers.recv().await.unwrap();
        for action in WHOLE_TRIP {
            let began = Instant::now();
            drive(&node.matcher, &offer, &[action]).await;
            times.push(millis(began.elapsed()));
        }
    }
    print("  an event of a single caller", "ms", &times, "");
}
