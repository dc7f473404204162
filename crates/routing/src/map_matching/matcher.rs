//! Finds the streets behind a drive's positions.
//!
//! A hidden Markov model (Newson, Krumm 2009): what is hidden is the point of a street where the car was. A position is
//! off its street by a Gaussian error (section 4.1); between two positions the way along the streets and the straight
//! line differ little, exponentially distributed (section 4.2). Unlike there a candidate has a direction, so that a car
//! turns round at junctions only, and the way between two candidates is the fastest, not the shortest: positions are a
//! minute apart, and drivers take the great roads.

use std::sync::Arc as Shared;

use kerb_geometry::{LatLng, distance_m};

use super::drives::{Drive, Ping};
use super::viterbi::{Chain, cheapest_chains};
use crate::engine::{PhantomNode, Route, Routes};
use crate::graph::DirectedSegment;
use crate::roads::Roads;

/// No car goes faster, meters per second (Newson, Krumm 2009, section 4.3).
const SPEED_MAX_M_S: f64 = 50.0;
/// A way so much longer than the straight line is none that was driven (the same).
const DETOUR_MAX_M: f64 = 2_000.0;
/// A candidate so much dearer than the best of its step is not followed: e^-20 of its likelihood.
const BEAM: f64 = 20.0;
/// Positions that are all too good still leave a model that can be divided by.
const ESTIMATE_MIN_M: f64 = 1.0;

/// How positions are matched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatchOptions {
    /// Standard deviation of a position's distance to its street, meters.
    pub sigma_m: f64,
    /// Mean of the difference between the way and the straight line from one position to the next, meters.
    pub beta_m: f64,
    /// Streets farther from a position are no candidates, meters.
    pub radius_m: f64,
    /// At most so many streets are candidates; each may give two directions.
    pub streets_max: usize,
}

impl Default for MatchOptions {
    fn default() -> Self {
        Self { sigma_m: 15.0, beta_m: 100.0, radius_m: 75.0, streets_max: 5 }
    }
}

/// The way between two positions of a drive, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    /// When it began, unix seconds.
    pub start_s: i64,
    /// How long it took, seconds.
    pub time_s: f64,
    /// What was driven, in order.
    pub parts: Vec<TraversedSegment>,
}

/// A part of one direction of a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraversedSegment {
    /// The direction.
    pub arc: DirectedSegment,
    /// How much of it, 0 to 1.
    pub share: f64,
}

/// A drive on streets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MatchedDrive {
    /// The ways between its positions, in order of time.
    pub legs: Vec<Leg>,
    /// Sequences without a break.
    pub chains: usize,
    /// Positions that have a street.
    pub positions: usize,
    /// How far each of them is from it, meters.
    pub off_m: Vec<f32>,
    /// The difference between way and straight line of each leg, meters.
    pub detour_m: Vec<f32>,
}

/// The model's two numbers, as the drives themselves tell them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimates {
    /// Newson, Krumm 2009, equation 6.
    pub sigma_m: f64,
    /// The same, equation 7.
    pub beta_m: f64,
}

/// Matches drives under the newest times of its roads.
#[derive(Debug)]
pub struct Matcher<'a> {
    roads: &'a Roads,
    routes: Shared<Routes>,
    options: MatchOptions,
}

/// A point of a street, in one direction, where the car may have been.
struct Candidate {
    ends: Vec<PhantomNode>,
    off_m: f64,
}

impl<'a> Matcher<'a> {
    /// With the roads' times of now.
    pub fn new(roads: &'a Roads, options: MatchOptions) -> Self {
        Self { roads, routes: roads.engine().routes(), options }
    }

    /// The streets of a drive.
    pub fn matched(&self, drive: &Drive) -> MatchedDrive {
        let pings = self.apart(&drive.pings);
        let candidates: Vec<Vec<Candidate>> = pings.iter().map(|ping| self.candidates(ping.place)).collect();
        let costs: Vec<Vec<f64>> = candidates.iter().map(|all| self.emissions(all)).collect();
        let chains = cheapest_chains(&costs, |step, from, to| {
            let (a, b) = (&candidates[step], &candidates[step + 1]);
            let route = self.route(&pings[step..step + 2], &a[from], &b[to]);
            route.map_or(f64::INFINITY, |(_, detour_m)| detour_m / self.options.beta_m)
        });
        let mut matched = MatchedDrive::default();
        for chain in chains.iter().filter(|chain| chain.picks.len() > 1) {
            self.add_chain(chain, &pings, &candidates, &mut matched);
        }
        matched
    }

    /// Without positions that are within the noise of the one before: they only seem to move (Newson, Krumm 2009,
    /// section 4.1). The time until the next one counts all the same.
    fn apart(&self, pings: &[Ping]) -> Vec<Ping> {
        let mut kept = Vec::<Ping>::new();
        for ping in pings {
            let is_apart = |last: &Ping| distance_m(last.place, ping.place) > 2.0 * self.options.sigma_m;
            if kept.last().is_none_or(is_apart) {
                kept.push(*ping);
            }
        }
        kept
    }

    fn candidates(&self, at: LatLng) -> Vec<Candidate> {
        let network = self.roads.network();
        let snaps = self.roads.snapper().within(at, self.options.radius_m, self.options.streets_max);
        let directions = snaps.iter().flat_map(|snap| {
            [false, true].map(|reverse| {
                let arcs = network.arcs_of(DirectedSegment { segment: snap.segment, reverse });
                let fraction = if reverse { 1.0 - snap.share } else { snap.share };
                let ends = arcs.iter().map(|arc| PhantomNode { arc: *arc, fraction }).collect();
                Candidate { ends, off_m: snap.distance_m }
            })
        });
        directions.filter(|candidate| !candidate.ends.is_empty()).collect()
    }

    /// Of the Gaussian only what differs between candidates. Those that are far too dear are out of reach.
    fn emissions(&self, candidates: &[Candidate]) -> Vec<f64> {
        let cost = |candidate: &Candidate| 0.5 * (candidate.off_m / self.options.sigma_m).powi(2);
        let costs: Vec<f64> = candidates.iter().map(cost).collect();
        let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
        costs.into_iter().map(|cost| if cost > least + BEAM { f64::INFINITY } else { cost }).collect()
    }

    /// The way between two candidates that a car can have driven, and how much it differs from the straight line.
    fn route(&self, pings: &[Ping], from: &Candidate, to: &Candidate) -> Option<(Route, f64)> {
        let straight_m = distance_m(pings[0].place, pings[1].place);
        let time_s = (pings[1].at_s - pings[0].at_s) as f64;
        let route = self.routes.route(&from.ends, &to.ends)?;
        let way_m = self.length_m(&route);
        let detour_m = (way_m - straight_m).abs();
        let is_possible = way_m <= SPEED_MAX_M_S * time_s && detour_m <= DETOUR_MAX_M;
        is_possible.then_some((route, detour_m))
    }

    fn length_m(&self, route: &Route) -> f64 {
        let network = self.roads.network();
        let arc_segments = route.arc_segments.iter().map(|arc_part| {
            let segment = network.directed_segments()[arc_part.arc as usize] / 2;
            (arc_part.to - arc_part.from) * f64::from(network.lengths_cm()[segment as usize]) / 100.0
        });
        arc_segments.sum()
    }

    fn add_chain(
        &self,
        chain: &Chain,
        pings: &[Ping],
        candidates: &[Vec<Candidate>],
        matched: &mut MatchedDrive,
    ) {
        let steps = chain.first..chain.first + chain.picks.len();
        let picked: Vec<&Candidate> =
            steps.clone().zip(&chain.picks).map(|(step, pick)| &candidates[step][*pick]).collect();
        matched.chains += 1;
        matched.positions += picked.len();
        matched.off_m.extend(picked.iter().map(|candidate| candidate.off_m as f32));
        for (pair, pings) in picked.windows(2).zip(pings[steps].windows(2)) {
            let (route, detour_m) =
                self.route(pings, pair[0], pair[1]).expect("a chain has a way between its picks");
            matched.detour_m.push(detour_m as f32);
            matched.legs.push(self.leg(pings, &route));
        }
    }

    fn leg(&self, pings: &[Ping], route: &Route) -> Leg {
        let arcs = self.roads.network().directed_segments();
        let parts = route.arc_segments.iter().map(|arc_part| TraversedSegment {
            arc: DirectedSegment::from_number(arcs[arc_part.arc as usize]),
            share: arc_part.to - arc_part.from,
        });
        Leg { start_s: pings[0].at_s, time_s: (pings[1].at_s - pings[0].at_s) as f64, parts: parts.collect() }
    }
}

impl Estimates {
    /// Of all drives that were matched. `None` without legs.
    pub fn of<'a>(matched: impl Iterator<Item = &'a MatchedDrive>) -> Option<Self> {
        let (mut off_m, mut detour_m) = (Vec::new(), Vec::new());
        for matched in matched {
            off_m.extend(&matched.off_m);
            detour_m.extend(&matched.detour_m);
        }
        let median = |mut values: Vec<f32>| {
            let middle = values.len() / 2;
            (!values.is_empty()).then(|| f64::from(*values.select_nth_unstable_by(middle, f32::total_cmp).1))
        };
        let (sigma_m, beta_m) = (1.4826 * median(off_m)?, median(detour_m)? / std::f64::consts::LN_2);
        Some(Self { sigma_m: sigma_m.max(ESTIMATE_MIN_M), beta_m: beta_m.max(ESTIMATE_MIN_M) })
    }
}
