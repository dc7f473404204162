//! Measures how long a starting matcher takes to recover a market with 100,000 live trips from its snapshot.

use std::sync::Arc;
use std::time::Duration;

use kerb_geometry::LatLng;
use kerb_journal::FjallJournal;
use kerb_matcher::market::{Market, Proposal, Reservations, Rules};
use kerb_matcher::{Matcher, Options};
use kerb_ports::{DriverAction, TripJournal};
use kerb_trips::{MarketId, RideRequest, TripId};
use kerb_types::{Millis, Timestamp, TravelSource};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tokio::time::Instant;

use crate::drivers::driver;
use crate::node::ports_without_drivers;
use crate::rides::{WHOLE_TRIP, ride_request};
use crate::statistics::{millis, print};

const LIVE_TRIPS: usize = 100_000;
const ROUNDS: usize = 9;
/// Trips of one record.
const RECORD_TRIPS: usize = 10_000;
/// The number of actions of [`WHOLE_TRIP`] that the drivers of five trips have done. The first trip has no driver, the
/// second has an offer.
const ACTIONS: [usize; 5] = [0, 0, 1, 2, 3];

pub(crate) async fn run() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Arc::new(FjallJournal::open(folder.path()).unwrap());
    let bytes = fill(&journal).await;
    println!("a snapshot of {LIVE_TRIPS} live trips: {:.1} MB", bytes as f64 / 1e6);
    let (mut opened, mut started) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        drop(journal);
        let began = Instant::now();
        journal = Arc::new(FjallJournal::open(folder.path()).unwrap());
        opened.push(millis(began.elapsed()));
        let ports = ports_without_drivers(journal.clone());
        let began = Instant::now();
        let matcher = Matcher::start(Options { waiting_max: 200_000, ..Options::default() }, ports).await;
        started.push(millis(began.elapsed()));
        let matcher = matcher.unwrap();
        let counts = matcher.reports().await.unwrap().remove(0).counts;
        let live = [counts.waiting, counts.offered, counts.en_route, counts.arrived, counts.on_trip];
        assert_eq!(live.iter().sum::<usize>(), LIVE_TRIPS);
        // The drop saves no new snapshot, unlike a shutdown.
        drop(matcher);
        until_unshared(&journal).await;
    }
    print("recovery of a market", "ms", &started, ", target < 1,000 ms");
    print("  opening of the journal before it", "ms", &opened, "");
}

/// Waits until the matcher's tasks have dropped the journal.
async fn until_unshared(journal: &Arc<FjallJournal>) {
    while Arc::strong_count(journal) > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Writes trips in all live states, of riders who wait for an hour. Returns the size of the snapshot in bytes.
async fn fill(journal: &FjallJournal) -> usize {
    let id = MarketId::new("world").unwrap();
    let hour_ms = 3_600_000;
    let rules = Rules { waiting_max: LIVE_TRIPS, offer_ms: Millis::new(hour_ms), ..Rules::default() };
    let mut market = Market::new(id.clone(), rules, Reservations::new());
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let now = kerb_types::Clock::now(&kerb_types::SystemClock);
    for n in 0..LIVE_TRIPS {
        let mut position =
            || LatLng::new(rng.random_range(52.4..52.6), rng.random_range(13.2..13.6)).unwrap();
        let request = ride_request(&format!("rider-{n:06}"), position(), position());
        market.request(now, RideRequest { wait_max_ms: Millis::new(hour_ms), ..request }).unwrap();
        if (n + 1) % RECORD_TRIPS == 0 {
            advance(&mut market, n + 1 - RECORD_TRIPS..n + 1, now);
            let record = market.take_record(now).unwrap();
            let version = journal.append(id.clone(), market.version(), record).await.unwrap();
            market.committed(version);
        }
    }
    let snapshot = market.snapshot();
    let bytes = snapshot.len();
    journal.save_snapshot(id, market.version(), snapshot).await.unwrap();
    bytes
}

fn proposal(trip: TripId, driver: kerb_types::DriverId) -> Proposal {
    Proposal { trip, driver, pickup_eta_s: 240, travel_source: TravelSource::StraightLine }
}

/// Advances these trips as far as [`ACTIONS`] defines.
fn advance(market: &mut Market, trips: std::ops::Range<usize>, now: Timestamp) {
    let trip = |n: usize| TripId { market: market.id().clone(), number: n as u64 + 1 };
    let offered: Vec<(usize, Proposal)> =
        trips.filter(|n| n % ACTIONS.len() != 0).map(|n| (n, proposal(trip(n), driver(n)))).collect();
    for (n, proposal) in offered {
        assert_eq!(market.offer(now, std::slice::from_ref(&proposal)), 1);
        let actions: &[DriverAction] = &WHOLE_TRIP[..ACTIONS[n % ACTIONS.len()]];
        for action in actions {
            market.act(now, &proposal.driver, &proposal.trip, action).unwrap();
        }
    }
}
