//! The whole way from drives to speeds: match, learn, match again with what was learned, and learn anew.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::drives::Drive;
use super::matcher::{Estimates, Leg, MatchOptions, MatchedDrive, Matcher, TraversedSegment};
use super::speed_estimator::{LearnedSpeeds, Legs, SpeedEstimator};
use super::trips::Trip;
use crate::engine::StreetsError;
use crate::graph::DirectedSegment;
use crate::roads::Roads;
use crate::speeds::{HourOfWeek, UtcOffset};

/// Drives are handed to threads so many at a time.
const DRIVES_AT_ONCE: usize = 16;
/// The hour whose speeds drives are matched with after the first round: Wednesday at noon.
const MATCHED_AT: u8 = 2 * 24 + 12;

/// What is learned from, and how.
#[derive(Debug)]
pub struct LearningRun<'a> {
    /// Positions.
    pub drives: &'a [Drive],
    /// Trips of which only both ends are known: the way between is the fastest.
    pub trips: &'a [Trip],
    /// How far local clocks are ahead of UTC.
    pub offset: UtcOffset,
    /// The model at first; later rounds take its numbers from the round before.
    pub options: MatchOptions,
    /// How often drives are matched.
    pub rounds: NonZeroUsize,
    /// Threads that match.
    pub threads: NonZeroUsize,
}

/// What a round came to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LearningRound {
    /// Positions that have a street.
    pub positions: usize,
    /// Sequences without a break.
    pub chains: usize,
    /// Ways between positions.
    pub legs: usize,
    /// The model's numbers, as this round tells them; none without legs.
    pub estimates: Option<Estimates>,
}

impl LearningRun<'_> {
    /// Learns on these roads, whose times it changes. `progress` gets the number of drives matched, of all rounds, from
    /// any thread.
    pub fn learn(
        &self,
        roads: &Roads,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<(LearnedSpeeds, Vec<LearningRound>), StreetsError> {
        let lesson = SpeedEstimator::new(roads.network());
        let hour = HourOfWeek::new(MATCHED_AT).expect("an hour of the week");
        let (mut options, mut rounds) = (self.options, Vec::new());
        roads.engine().replace(roads.network().time_ms())?;
        loop {
            let before = rounds.len() * self.drives.len();
            let matched = self.matched(&Matcher::new(roads, options), &|done| progress(before + done));
            let mut legs = Legs::default();
            matched.iter().flat_map(|matched| &matched.legs).for_each(|leg| legs.add(leg, self.offset));
            self.trips
                .iter()
                .filter_map(|trip| way_of(roads, trip))
                .for_each(|leg| legs.add(&leg, self.offset));
            let learned = lesson.learn(&legs);
            let estimates = Estimates::of(matched.iter());
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
            if let Some(Estimates { sigma_m, beta_m }) = estimates {
                options = MatchOptions { sigma_m, beta_m, ..options };
            }
        }
    }

    /// All drives in their order, matched on several threads.
    fn matched(&self, matcher: &Matcher<'_>, progress: &(dyn Fn(usize) + Sync)) -> Vec<MatchedDrive> {
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let chunks: Vec<&[Drive]> = self.drives.chunks(DRIVES_AT_ONCE).collect();
        let work = || {
            let mut own = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(chunk) = chunks.get(number) else { return own };
                own.push((number, chunk.iter().map(|drive| matcher.matched(drive)).collect::<Vec<_>>()));
                progress(done.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len());
            }
        };
        let mut parts = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads.get()).map(|_| scope.spawn(work)).collect();
            let joined = threads.into_iter().map(|thread| thread.join().expect("matching does not panic"));
            joined.flatten().collect::<Vec<_>>()
        });
        parts.sort_by_key(|(number, _)| *number);
        parts.into_iter().flat_map(|(_, matched)| matched).collect()
    }
}

/// The fastest way of a trip, with the time that it took.
fn way_of(roads: &Roads, trip: &Trip) -> Option<Leg> {
    let (from, to) = (roads.ends(trip.from).ok()?, roads.ends(trip.to).ok()?);
    let route = roads.engine().routes().route(&from, &to)?;
    let arcs = roads.network().directed_segments();
    let parts = route.arc_segments.iter().map(|arc_part| TraversedSegment {
        arc: DirectedSegment::from_number(arcs[arc_part.arc as usize]),
        share: arc_part.to - arc_part.from,
    });
    Some(Leg { start_s: trip.start_s, time_s: trip.time_s, parts: parts.collect() })
}
