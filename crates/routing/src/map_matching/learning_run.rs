//! Learns speeds from drives: alternates map matching and speed estimation, so that later rounds match with better
//! speeds.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::drives::Drive;
use super::map_matcher::{
    MapMatcher, MapMatchingOptions, MatchedDrive, MatchedLeg, ModelEstimates, TraversedSegment,
};
use super::speed_estimator::{LearnedSpeeds, Legs, SpeedEstimator};
use super::trips::DrivenTrip;
use crate::engine::StreetsError;
use crate::network::DirectedSegment;
use crate::roads::Roads;
use crate::speeds::{HourOfWeek, UtcOffset};

/// Threads take drives in batches of this size.
const BATCH_DRIVES: usize = 16;
/// After the first round, all drives are matched with the learned speeds of this hour: Wednesday at noon.
const MAP_MATCHING_HOUR: u8 = 2 * 24 + 12;

/// The data and the options of a learning run.
#[derive(Debug)]
pub struct LearningRun<'a> {
    /// The drives with their positions.
    pub drives: &'a [Drive],
    /// Trips with both ends only. The run assumes that they took the fastest route.
    pub trips: &'a [DrivenTrip],
    /// The local time of the hours of the week.
    pub offset: UtcOffset,
    /// The model of the first round. Later rounds use the estimates of the round before.
    pub options: MapMatchingOptions,
    /// How often all drives are matched.
    pub rounds: NonZeroUsize,
    /// The number of threads that match drives.
    pub threads: NonZeroUsize,
}

/// The result of one round of map matching and estimation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LearningRound {
    /// The number of positions that were matched to a street.
    pub positions: usize,
    /// The number of unbroken sequences of matched positions.
    pub chains: usize,
    /// The number of legs between matched positions.
    pub legs: usize,
    /// The model parameters that this round estimates; `None` without legs.
    pub estimates: Option<ModelEstimates>,
}

impl LearningRun<'_> {
    /// Learns speeds on `roads` and replaces their travel times. `progress` gets the number of matched drives of all
    /// rounds, from any thread.
    pub fn learn(
        &self,
        roads: &Roads,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<(LearnedSpeeds, Vec<LearningRound>), StreetsError> {
        let estimator = SpeedEstimator::new(roads.network());
        let hour = HourOfWeek::new(MAP_MATCHING_HOUR).expect("an hour of the week");
        let (mut options, mut rounds) = (self.options, Vec::new());
        roads.engine().replace(roads.network().time_ms())?;
        loop {
            let before = rounds.len() * self.drives.len();
            let matched = self.matched(&MapMatcher::new(roads, options), &|done| progress(before + done));
            let mut legs = Legs::default();
            matched.iter().flat_map(|matched| &matched.legs).for_each(|leg| legs.add(leg, self.offset));
            self.trips
                .iter()
                .filter_map(|trip| fastest_leg(roads, trip))
                .for_each(|leg| legs.add(&leg, self.offset));
            let learned = estimator.learn(&legs);
            let estimates = ModelEstimates::of(matched.iter());
            rounds.push(LearningRound {
                positions: matched.iter().map(|matched| matched.positions).sum(),
                chains: matched.iter().map(|matched| matched.chains).sum(),
                legs: legs.len(),
                estimates,
            });
            if rounds.len() == self.rounds.get() {
                return Ok((learned, rounds));
            }
            roads.engine().replace(&learned.speeds.times_ms(roads.network(), hour))?;
            if let Some(ModelEstimates { sigma_m, beta_m }) = estimates {
                options = MapMatchingOptions { sigma_m, beta_m, ..options };
            }
        }
    }

    /// Matches all drives on several threads. Returns them in their order.
    fn matched(&self, matcher: &MapMatcher<'_>, progress: &(dyn Fn(usize) + Sync)) -> Vec<MatchedDrive> {
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let chunks: Vec<&[Drive]> = self.drives.chunks(BATCH_DRIVES).collect();
        let work = || {
            let mut own = Vec::new();
            loop {
                // Relaxed: the counters share out work and count it; joining the threads publishes the results.
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(chunk) = chunks.get(number) else { return own };
                own.push((number, chunk.iter().map(|drive| matcher.matched(drive)).collect::<Vec<_>>()));
                progress(done.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len());
            }
        };
        let mut batches = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads.get()).map(|_| scope.spawn(work)).collect();
            let joined =
                threads.into_iter().map(|thread| thread.join().expect("map matching does not panic"));
            joined.flatten().collect::<Vec<_>>()
        });
        // Threads finish in any order; the results must not depend on it.
        batches.sort_by_key(|(number, _)| *number);
        batches.into_iter().flat_map(|(_, matched)| matched).collect()
    }
}

/// The fastest route of a trip as a leg, with the time that the trip really took.
fn fastest_leg(roads: &Roads, trip: &DrivenTrip) -> Option<MatchedLeg> {
    let (from, to) = (roads.phantom_nodes(trip.from).ok()?, roads.phantom_nodes(trip.to).ok()?);
    let route = roads.engine().router().route(&from, &to)?;
    let arcs = roads.network().directed_segments();
    let parts = route.arc_segments.iter().map(|arc_segment| TraversedSegment {
        arc: DirectedSegment::from_number(arcs[arc_segment.arc as usize]),
        share: arc_segment.to - arc_segment.from,
    });
    Some(MatchedLeg { start_s: trip.start_s, time_s: trip.time_s, parts: parts.collect() })
}
