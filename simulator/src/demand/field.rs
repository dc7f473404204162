//! Demand as a Poisson process in time, with ends around hot spots.

use kerb_geometry::{LatLng, distance_m};
use rand_pcg::Pcg64Mcg;

use super::{TripDraft, burst_factor};
use crate::scenario::random_streams::{Purpose, between, gap_ms, happens, pick, stream};
use crate::scenario::{BoundingBox, DemandSource, HotSpot, Scenario};
use kerb_loadgen::city::{gaussian_pair, shifted};

/// Maximum draws of a drop-off until the ride is long enough. The last one is used in any case.
const TRIES: u32 = 20;
const HOUR_MS: i64 = 3_600_000;

/// Draws the trips of a run: a process at the highest rate, thinned to the rate of each moment (Lewis, Shedler 1979).
pub(crate) fn draw(scenario: &Scenario, seed: u64) -> Vec<TripDraft> {
    let DemandSource::Field { rate_per_h, by_hour, pickups, dropoffs, anywhere, area, ride_min_m } =
        &scenario.demand.source
    else {
        unreachable!("only a field is drawn here")
    };
    let (from_ms, to_ms, offset_ms) = (scenario.from_ms(), scenario.to_ms(), scenario.utc_offset_s() * 1_000);
    let rate_at = |at_ms: i64| {
        let hour = (at_ms + offset_ms).div_euclid(HOUR_MS).rem_euclid(24) as usize;
        by_hour.get(hour).copied().unwrap_or(1.0) * burst_factor(&scenario.demand.bursts, at_ms - from_ms)
    };
    let burst_max: f64 = scenario.demand.bursts.iter().map(|burst| burst.factor.max(1.0)).product();
    let most = by_hour.iter().copied().fold(0.0, f64::max);
    let rate_max = burst_max * if by_hour.is_empty() { 1.0 } else { most };
    let rate_max_per_h = rate_per_h * scenario.demand.scale * rate_max;
    let ends = [pickups.as_slice(), if dropoffs.is_empty() { pickups } else { dropoffs }];

    let mut times = stream(seed, Purpose::Demand, u64::MAX);
    let (mut drafts, mut at_ms, mut number) = (Vec::new(), from_ms, 0);
    loop {
        at_ms += gap_ms(&mut times, rate_max_per_h);
        if at_ms >= to_ms {
            return drafts;
        }
        // Each rider has its own stream for places, so that the rate of one hour does not change the places of the next.
        let mut rng = stream(seed, Purpose::Demand, number << 1 | 1);
        number += 1;
        if happens(&mut rng, rate_at(at_ms) / rate_max) {
            let (pickup, dropoff) = ride(&mut rng, ends, *anywhere, area, *ride_min_m);
            drafts.push(TripDraft { at_ms, pickup, dropoff, passengers: 1 });
        }
    }
}

fn ride(
    rng: &mut Pcg64Mcg,
    [pickups, dropoffs]: [&[HotSpot]; 2],
    anywhere: f64,
    area: &BoundingBox,
    ride_min_m: f64,
) -> (LatLng, LatLng) {
    let pickup = place(rng, pickups, anywhere, area);
    let mut dropoff = place(rng, dropoffs, anywhere, area);
    for _ in 0..TRIES {
        if distance_m(pickup, dropoff) >= ride_min_m {
            break;
        }
        dropoff = place(rng, dropoffs, anywhere, area);
    }
    (pickup, dropoff)
}

fn place(rng: &mut Pcg64Mcg, spots: &[HotSpot], anywhere: f64, area: &BoundingBox) -> LatLng {
    if happens(rng, anywhere) || spots.is_empty() {
        let (lat, lon) = (between(rng, [area.south, area.north]), between(rng, [area.west, area.east]));
        return LatLng::new(lat, lon).expect("the box is valid");
    }
    let spot = spots[pick(rng, spots.iter().map(|spot| spot.weight))];
    let (east, north) = gaussian_pair(rng);
    let center = LatLng::new(spot.lat, spot.lon).expect("hot spots are valid");
    let at = shifted(center, east * spot.spread_m, north * spot.spread_m);
    let (lat, lon) = (at.lat_deg().clamp(area.south, area.north), at.lon_deg().clamp(area.west, area.east));
    LatLng::new(lat, lon).expect("the box is valid")
}
