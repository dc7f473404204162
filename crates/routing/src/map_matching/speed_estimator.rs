//! Estimates speeds by street and hour of the week from matched drives.
//!
//! A leg covers several streets but has only one time. Each round divides this time among the streets in proportion to
//! their expected times, then estimates the streets' factors from the shares. This is expectation maximization as in
//! emission tomography (Shepp, Vardi, "Maximum Likelihood Reconstruction for Emission Tomography", IEEE Transactions on
//! Medical Imaging 1, 1982), with the priors of `factors.rs` in each round.

use kerb_types::Timestamp;

use super::factors::{Factors, Sums};
use super::map_matcher::{MatchedLeg, TraversedSegment};
use crate::network::Network;
use crate::speeds::{HourOfWeek, Speed, SpeedTable, UtcOffset, list_directions};

/// After this many rounds factors change by less than 1 %.
const ROUNDS: usize = 12;
/// The largest ratio of a leg's time and its expected time, in either direction. A time beyond it is clamped: the car
/// stood, or a position is wrong.
const RATIO_MAX: f64 = 6.0;

/// Legs in a compact form: shares and times have the seven digits of an `f32`, far more than the positions' noise.
#[derive(Debug, Default)]
pub struct Legs {
    rows: Vec<LegRow>,
    /// The number of each traversed direction, and the share of it.
    parts: Vec<(u32, f32)>,
}

#[derive(Debug, Clone, Copy)]
struct LegRow {
    hour: HourOfWeek,
    time_s: f32,
    /// The end of this leg's range in `parts`.
    end: usize,
}

impl Legs {
    /// Adds a leg. `offset` defines its local hour. A leg without parts is ignored.
    pub fn add(&mut self, leg: &MatchedLeg, offset: UtcOffset) {
        if leg.parts.is_empty() {
            return;
        }
        self.parts.extend(leg.parts.iter().map(|part| (part.arc.number(), part.share as f32)));
        let hour = HourOfWeek::at(Timestamp::from_millis(leg.start_s.saturating_mul(1_000)), offset);
        self.rows.push(LegRow { hour, time_s: leg.time_s as f32, end: self.parts.len() });
    }

    /// The number of legs.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no legs.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn each(&self) -> impl Iterator<Item = (LegRow, impl Iterator<Item = TraversedSegment> + Clone)> {
        let mut start = 0;
        self.rows.iter().map(move |row| {
            let parts = &self.parts[std::mem::replace(&mut start, row.end)..row.end];
            let part = |(number, share): &(u32, f32)| TraversedSegment {
                arc: crate::network::DirectedSegment::from_number(*number),
                share: f64::from(*share),
            };
            (*row, parts.iter().map(part))
        })
    }
}

/// Estimates speeds on one network.
#[derive(Debug)]
pub struct SpeedEstimator<'a> {
    network: &'a Network,
    /// The free-flow time of each direction in seconds.
    free_s: Vec<f64>,
}

/// The result of an estimation.
#[derive(Debug)]
pub struct LearnedSpeeds {
    /// A speed for every direction and hour of the week.
    pub speeds: SpeedTable,
    /// The number of directions that any drive covers. All others have the speeds of their class.
    pub directions_seen: usize,
    /// The time of all legs over their free-flow time.
    pub slowness: f64,
}

impl<'a> SpeedEstimator<'a> {
    /// Prepares the free-flow times of a network.
    pub fn new(network: &'a Network) -> Self {
        let mut free_s = vec![0.0; 2 * network.segments()];
        for (direction, time_ms) in network.directed_segments().iter().zip(network.time_ms()) {
            free_s[*direction as usize] = f64::from(*time_ms) / 1e3;
        }
        Self { network, free_s }
    }

    /// Estimates the speeds that explain the legs' times.
    pub fn learn(&self, legs: &Legs) -> LearnedSpeeds {
        let (free, free_total_s) = self.free_flow(legs);
        let mut factors = Factors::ones(self.network);
        let mut slowness = 1.0;
        for round in 0..ROUNDS {
            let (observed, total_s) = self.divide_times(legs, &factors, round == 0);
            // Without legs both totals are 0.
            slowness = total_s / free_total_s.max(f64::MIN_POSITIVE);
            factors = Factors::estimate(self.network, &observed, &free);
        }
        LearnedSpeeds { speeds: self.speeds(&factors), directions_seen: free.seen(), slowness }
    }

    /// The free-flow times of all legs: by direction and hour, and in total, in seconds.
    fn free_flow(&self, legs: &Legs) -> (Sums, f64) {
        let (mut sums, mut total_s) = (Sums::new(self.network), 0.0);
        for (row, parts) in legs.each() {
            for part in parts {
                let time_s = self.free_s(part);
                sums.add(part.arc, row.hour, time_s);
                total_s += time_s;
            }
        }
        (sums, total_s)
    }

    /// Divides the times of all legs among their directions in proportion to the expected times. Returns them by
    /// direction and hour, and in total, in seconds.
    fn divide_times(&self, legs: &Legs, factors: &Factors, is_first: bool) -> (Sums, f64) {
        let (mut sums, mut total_s) = (Sums::new(self.network), 0.0);
        for (row, parts) in legs.each() {
            let expected = |part: TraversedSegment| self.free_s(part) * factors.at(part.arc, row.hour);
            let expected_s: f64 = parts.clone().map(expected).sum();
            if expected_s <= 0.0 {
                continue;
            }
            let ratio = f64::from(row.time_s) / expected_s;
            // The first round expects free flow, which real times exceed by a lot, so it clamps nothing.
            let ratio = if is_first { ratio } else { ratio.clamp(1.0 / RATIO_MAX, RATIO_MAX) };
            for part in parts {
                sums.add(part.arc, row.hour, expected(part) * ratio);
            }
            total_s += expected_s * ratio;
        }
        (sums, total_s)
    }

    fn free_s(&self, part: TraversedSegment) -> f64 {
        self.free_s[part.arc.number() as usize] * part.share
    }

    fn speeds(&self, factors: &Factors) -> SpeedTable {
        let mut speeds = SpeedTable::new(self.network);
        for row in list_directions(self.network) {
            for hour in HourOfWeek::all() {
                let kmh = row.free_flow.kmh() / factors.at(row.arc, hour);
                speeds.set_at(row.arc, hour, Speed::clamped(kmh));
            }
        }
        speeds
    }
}
