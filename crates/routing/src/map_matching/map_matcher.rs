//! Finds the streets of a drive from its positions, with a hidden Markov model (Newson, Krumm 2009).
//!
//! The hidden state is the point on a street where the car was; candidates are the nearest points of streets near the
//! position. The emission cost is that of a Gaussian error of the position. The transition cost is that of an
//! exponential distribution: route length and straight line between two positions differ little. Costs are negative log
//! likelihoods, so the Viterbi algorithm finds the most likely sequence as the cheapest one.
//!
//! Two things differ from the paper. A candidate has a direction, so that a car only makes U-turns at junctions. The
//! route between two candidates is the fastest, not the shortest: positions are a minute apart, and drivers prefer
//! major roads.

use std::sync::Arc as Shared;

use kerb_geometry::{LatLng, distance_m};

use super::drives::{Drive, Ping};
use super::viterbi::{Chain, cheapest_chains};
use crate::engine::{PhantomNode, Route, Router};
use crate::network::DirectedSegment;
use crate::roads::Roads;

/// The highest speed of a car in meters per second. Newson and Krumm 2009 use the same limit.
const SPEED_MAX_M_S: f64 = 50.0;
/// The largest difference between route and straight line in meters. Newson and Krumm 2009 use the same limit.
const DETOUR_MAX_M: f64 = 2_000.0;
/// The largest emission cost above the best candidate of the same position: e^-20 of its likelihood.
const BEAM: f64 = 20.0;
/// The lower limit of both estimates. Perfect positions would give 0, and the costs divide by the estimates.
const ESTIMATE_MIN_M: f64 = 1.0;

/// The parameters of map matching.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MapMatchingOptions {
    /// The standard deviation of a position's distance to its street, in meters.
    pub sigma_m: f64,
    /// The mean difference between the route and the straight line from one position to the next, in meters.
    pub beta_m: f64,
    /// The largest distance from a position to a candidate's street, in meters.
    pub radius_m: f64,
    /// The most streets that are candidates of one position. Each may give two candidates, one for each direction.
    pub streets_max: usize,
}

impl Default for MapMatchingOptions {
    fn default() -> Self {
        Self { sigma_m: 15.0, beta_m: 100.0, radius_m: 75.0, streets_max: 5 }
    }
}

/// The route between two successive positions of a drive.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchedLeg {
    /// The start in seconds since the Unix epoch.
    pub start_s: i64,
    /// The time between the two positions in seconds.
    pub time_s: f64,
    /// The driven parts of segments, in order.
    pub parts: Vec<TraversedSegment>,
}

/// A part of one direction of a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraversedSegment {
    /// The segment and its driven direction.
    pub arc: DirectedSegment,
    /// The driven share of its length, 0 to 1.
    pub share: f64,
}

/// The streets of a drive.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MatchedDrive {
    /// The routes between its positions, in order of time.
    pub legs: Vec<MatchedLeg>,
    /// The number of unbroken sequences of matched positions.
    pub chains: usize,
    /// The number of positions that were matched to a street.
    pub positions: usize,
    /// The distance of each matched position to its street in meters.
    pub off_m: Vec<f32>,
    /// The difference between route and straight line of each leg in meters.
    pub detour_m: Vec<f32>,
}

/// The two model parameters, estimated from matched drives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelEstimates {
    /// [`MapMatchingOptions::sigma_m`]: 1.4826 times the median distance to the street (Newson, Krumm 2009).
    pub sigma_m: f64,
    /// [`MapMatchingOptions::beta_m`]: the median difference over ln 2 (Newson, Krumm 2009).
    pub beta_m: f64,
}

/// Matches drives to streets with one set of travel times.
#[derive(Debug)]
pub struct MapMatcher<'a> {
    roads: &'a Roads,
    router: Shared<Router>,
    options: MapMatchingOptions,
}

/// A point on one direction of a street where the car may have been.
struct StreetCandidate {
    /// One phantom node for each arc of the direction.
    phantom_nodes: Vec<PhantomNode>,
    /// The distance to the position in meters.
    off_m: f64,
}

impl<'a> MapMatcher<'a> {
    /// Pins the newest travel times of `roads`.
    pub fn new(roads: &'a Roads, options: MapMatchingOptions) -> Self {
        Self { roads, router: roads.engine().router(), options }
    }

    /// Finds the streets of a drive.
    pub fn matched(&self, drive: &Drive) -> MatchedDrive {
        let pings = self.apart(&drive.pings);
        let candidates: Vec<Vec<StreetCandidate>> =
            pings.iter().map(|ping| self.candidates(ping.place)).collect();
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

    /// Drops positions that are within 2 sigma of the position before, because their movement may be noise (Newson,
    /// Krumm 2009). Their time counts toward the leg to the next position.
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

    fn candidates(&self, at: LatLng) -> Vec<StreetCandidate> {
        let network = self.roads.network();
        let snaps = self.roads.snapper().within(at, self.options.radius_m, self.options.streets_max);
        let directions = snaps.iter().flat_map(|snap| {
            [false, true].map(|reverse| {
                let arcs = network.arcs_of(DirectedSegment { segment: snap.segment, reverse });
                let fraction = if reverse { 1.0 - snap.share } else { snap.share };
                let phantom_nodes = arcs.iter().map(|arc| PhantomNode { arc: *arc, fraction }).collect();
                StreetCandidate { phantom_nodes, off_m: snap.distance_m }
            })
        });
        directions.filter(|candidate| !candidate.phantom_nodes.is_empty()).collect()
    }

    /// The emission cost of each candidate: the negative log of a Gaussian without its constant, which is equal for all
    /// candidates. Candidates beyond the beam get an infinite cost.
    fn emissions(&self, candidates: &[StreetCandidate]) -> Vec<f64> {
        let cost = |candidate: &StreetCandidate| 0.5 * (candidate.off_m / self.options.sigma_m).powi(2);
        let costs: Vec<f64> = candidates.iter().map(cost).collect();
        let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
        costs.into_iter().map(|cost| if cost > least + BEAM { f64::INFINITY } else { cost }).collect()
    }

    /// The route between two candidates, and its difference to the straight line in meters. `None` when a car cannot
    /// have driven it.
    fn route(&self, pings: &[Ping], from: &StreetCandidate, to: &StreetCandidate) -> Option<(Route, f64)> {
        let straight_m = distance_m(pings[0].place, pings[1].place);
        let time_s = (pings[1].at_s - pings[0].at_s) as f64;
        let route = self.router.route(&from.phantom_nodes, &to.phantom_nodes)?;
        let route_m = self.length_m(&route);
        let detour_m = (route_m - straight_m).abs();
        let is_possible = route_m <= SPEED_MAX_M_S * time_s && detour_m <= DETOUR_MAX_M;
        is_possible.then_some((route, detour_m))
    }

    fn length_m(&self, route: &Route) -> f64 {
        let network = self.roads.network();
        let lengths_m = route.arc_segments.iter().map(|arc_segment| {
            let segment = network.directed_segments()[arc_segment.arc as usize] / 2;
            (arc_segment.to - arc_segment.from) * f64::from(network.lengths_cm()[segment as usize]) / 100.0
        });
        lengths_m.sum()
    }

    fn add_chain(
        &self,
        chain: &Chain,
        pings: &[Ping],
        candidates: &[Vec<StreetCandidate>],
        matched: &mut MatchedDrive,
    ) {
        let steps = chain.first..chain.first + chain.picks.len();
        let picked: Vec<&StreetCandidate> =
            steps.clone().zip(&chain.picks).map(|(step, pick)| &candidates[step][*pick]).collect();
        matched.chains += 1;
        matched.positions += picked.len();
        matched.off_m.extend(picked.iter().map(|candidate| candidate.off_m as f32));
        for (pair, pings) in picked.windows(2).zip(pings[steps].windows(2)) {
            let (route, detour_m) =
                self.route(pings, pair[0], pair[1]).expect("a chain has a route between its picks");
            matched.detour_m.push(detour_m as f32);
            matched.legs.push(self.leg(pings, &route));
        }
    }

    fn leg(&self, pings: &[Ping], route: &Route) -> MatchedLeg {
        let arcs = self.roads.network().directed_segments();
        let parts = route.arc_segments.iter().map(|arc_segment| TraversedSegment {
            arc: DirectedSegment::from_number(arcs[arc_segment.arc as usize]),
            share: arc_segment.to - arc_segment.from,
        });
        MatchedLeg {
            start_s: pings[0].at_s,
            time_s: (pings[1].at_s - pings[0].at_s) as f64,
            parts: parts.collect(),
        }
    }
}

impl ModelEstimates {
    /// Estimates the parameters from matched drives; `None` without legs.
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
        // Medians instead of means, so that few gross errors do not dominate: 1.4826 times the median absolute
        // deviation is the standard deviation of a Gaussian, and the median over ln 2 is the mean of an exponential
        // distribution.
        let (sigma_m, beta_m) = (1.4826 * median(off_m)?, median(detour_m)? / std::f64::consts::LN_2);
        Some(Self { sigma_m: sigma_m.max(ESTIMATE_MIN_M), beta_m: beta_m.max(ESTIMATE_MIN_M) })
    }
}
