//! The core of a market: a snapshot of a city's live trips, and the offers of one large window.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use kerb_geometry::LatLng;
use kerb_matcher::market::{Market, Proposal, Reservations, Rules};
use kerb_trips::{IdempotencyKey, MarketId, RideRequest, RiderId, TripId, Version};
use kerb_types::{Capabilities, DriverId, Millis, Timestamp, TravelSource, VehicleClass};

const LIVE_TRIPS: u64 = 100_000;
const WINDOW: u64 = 5_000;

fn id() -> MarketId {
    MarketId::new("city").expect("a legal name")
}

fn rules() -> Rules {
    Rules { waiting_max: LIVE_TRIPS as usize, ..Rules::default() }
}

fn request(n: u64) -> RideRequest {
    let at = |n: u64| {
        LatLng::new(37.6 + (n % 997) as f64 * 2e-4, -122.5 + (n % 1009) as f64 * 2e-4).expect("in range")
    };
    RideRequest {
        rider: RiderId::new(&format!("rider-{n}")).expect("a legal id"),
        key: IdempotencyKey::new(&format!("ride-{n}-of-the-day")).expect("a legal key"),
        pickup: at(n * 7),
        dropoff: at(n * 13 + 1),
        vehicle_class: VehicleClass(0),
        capabilities: Capabilities(0),
        party_size: 1,
        wait_max_ms: Millis::new(300_000),
    }
}

/// A market with `requests` requests, of which `offered` have an offer.
fn market(requests: u64, offered: u64) -> Market {
    let mut market = Market::new(id(), rules(), Reservations::new());
    for n in 0..requests {
        market.request(Timestamp::from_millis(n as i64), request(n)).expect("the market accepts the request");
    }
    let offers = market.offer(Timestamp::from_millis(requests as i64), &proposals(offered));
    assert_eq!(offers as u64, offered);
    let record =
        market.take_record(Timestamp::from_millis(requests as i64)).expect("the market has pending changes");
    black_box(record.changes.len());
    black_box(market.committed(Version::new(1)));
    market
}

fn proposals(count: u64) -> Vec<Proposal> {
    let proposal = |n: u64| Proposal {
        trip: TripId { market: id(), number: n + 1 },
        driver: DriverId::new(&format!("driver-{n}")).expect("a legal id"),
        pickup_eta_s: 240,
        travel_source: TravelSource::StraightLine,
    };
    (0..count).map(proposal).collect()
}

fn snapshots(c: &mut Criterion) {
    let market = market(LIVE_TRIPS, LIVE_TRIPS / 2);
    let snapshot = market.snapshot();
    let mut group = c.benchmark_group("snapshot of 100,000 live trips");
    group.sample_size(10);
    group
        .bench_function(format!("write {} MB", snapshot.len() / 1_000_000), |b| b.iter(|| market.snapshot()));
    group.bench_function("read", |b| {
        b.iter(|| {
            Market::restore(id(), rules(), Reservations::new(), Version::new(1), &snapshot)
                .map(|market| market.counts())
        });
    });
}

fn window(c: &mut Criterion) {
    let proposals = proposals(WINDOW);
    let mut group = c.benchmark_group("window of 5,000 offers");
    group.sample_size(20);
    let decide = |mut market: Market| {
        market.offer(Timestamp::from_millis(10_000), &proposals);
        let record = market.take_record(Timestamp::from_millis(10_000));
        let effects = market.committed(Version::new(2));
        (market, record, effects)
    };
    group.bench_function("decide", |b| b.iter_batched(|| market(WINDOW, 0), decide, BatchSize::LargeInput));
}

criterion_group!(benches, snapshots, window);
criterion_main!(benches);
