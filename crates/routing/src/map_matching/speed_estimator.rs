//! Speeds by street and hour of the week out of matched drives.
//!
//! A leg between two positions goes over several streets and has one time. The time is shared out as the speeds known so
//! far expect it, the streets' factors are taken from the shares, and both again: expectation maximization, as in
//! emission tomography (Shepp, Vardi, "Maximum Likelihood Reconstruction for Emission Tomography", IEEE Transactions on
//! Medical Imaging 1, 1982), with the priors of `factors.rs` in each round.

use super::factors::{Factors, Sums};
use super::matcher::{Leg, TraversedSegment};
use crate::graph::Network;
use crate::speeds::{HourOfWeek, Speed, SpeedTable, UtcOffset, listed};

/// After so many rounds factors move by less than a hundredth.
const ROUNDS: usize = 12;
/// A leg that took so many times longer, or shorter, than expected is cut to it: the car stood, or the position is wrong.
const RATIO_MAX: f64 = 6.0;

/// Legs in little memory.
#[derive(Debug, Default)]
pub struct Legs {
    rows: Vec<Row>,
    parts: Vec<(u32, f32)>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    hour: HourOfWeek,
    time_s: f32,
    end: usize,
}

impl Legs {
    /// Adds a leg, at the hour of clocks so far ahead of UTC. One without length is left out.
    pub fn add(&mut self, leg: &Leg, offset: UtcOffset) {
        if leg.parts.is_empty() {
            return;
        }
        self.parts.extend(leg.parts.iter().map(|part| (part.arc.number(), part.share as f32)));
        let hour = HourOfWeek::at(leg.start_s.saturating_mul(1_000), offset);
        self.rows.push(Row { hour, time_s: leg.time_s as f32, end: self.parts.len() });
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn each(&self) -> impl Iterator<Item = (Row, impl Iterator<Item = TraversedSegment> + Clone)> {
        let mut start = 0;
        self.rows.iter().map(move |row| {
            let parts = &self.parts[std::mem::replace(&mut start, row.end)..row.end];
            let part = |(number, share): &(u32, f32)| TraversedSegment {
                arc: crate::graph::DirectedSegment::from_number(*number),
                share: f64::from(*share),
            };
            (*row, parts.iter().map(part))
        })
    }
}

/// Drives on a network, to learn from.
#[derive(Debug)]
pub struct SpeedEstimator<'a> {
    network: &'a Network,
    /// Seconds at free flow, by direction.
    free_s: Vec<f64>,
}

/// What was learned.
#[derive(Debug)]
pub struct LearnedSpeeds {
    /// A speed for every direction and hour.
    pub speeds: SpeedTable,
    /// Directions that were driven at all; the others have the speeds of their class.
    pub directions_seen: usize,
    /// Mean time over time at free flow, of all legs.
    pub slowness: f64,
}

impl<'a> SpeedEstimator<'a> {
    /// On this network.
    pub fn new(network: &'a Network) -> Self {
        let mut free_s = vec![0.0; 2 * network.segments()];
        for (direction, time_ms) in network.directed_segments().iter().zip(network.time_ms()) {
            free_s[*direction as usize] = f64::from(*time_ms) / 1e3;
        }
        Self { network, free_s }
    }

    /// The speeds that explain the legs' times.
    pub fn learn(&self, legs: &Legs) -> LearnedSpeeds {
        let free = self.free(legs);
        let mut factors = Factors::ones(self.network);
        let mut slowness = 1.0;
        for round in 0..ROUNDS {
            let (observed, total_s) = self.shared_out(legs, &factors, round == 0);
            slowness = total_s / free.1.max(f64::MIN_POSITIVE);
            factors = Factors::of(self.network, &observed, &free.0);
        }
        LearnedSpeeds { speeds: self.speeds(&factors), directions_seen: free.0.seen(), slowness }
    }

    /// Seconds at free flow by direction and hour, and of all.
    fn free(&self, legs: &Legs) -> (Sums, f64) {
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

    /// The legs' times by direction and hour, and of all.
    fn shared_out(&self, legs: &Legs, factors: &Factors, is_first: bool) -> (Sums, f64) {
        let (mut sums, mut total_s) = (Sums::new(self.network), 0.0);
        for (row, parts) in legs.each() {
            let expected = |part: TraversedSegment| self.free_s(part) * factors.at(part.arc, row.hour);
            let expected_s: f64 = parts.clone().map(expected).sum();
            if expected_s <= 0.0 {
                continue;
            }
            let ratio = f64::from(row.time_s) / expected_s;
            // Before anything is learned the mean is not known, and nothing is odd.
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
        for row in listed(self.network) {
            for hour in HourOfWeek::all() {
                let kmh = row.free_flow.kmh() / factors.at(row.arc, hour);
                speeds.set_at(row.arc, hour, Speed::within(kmh));
            }
        }
        speeds
    }
}
