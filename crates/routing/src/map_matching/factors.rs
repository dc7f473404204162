//! How many times longer than at free flow a street takes, by street and hour, from sums of few observations.
//!
//! Levels from the coarse to the fine, each a factor on the one before: the network, the network by hour of the day, the
//! class of street by hour of the day, the network by hour of the week, the direction of a segment, that by hour of the
//! day, that by hour of the week. (Days are of two kinds: Monday to Friday, and the weekend.) A level's factor is
//! observed over expected time, each with a prior in seconds added: the mean of a gamma prior around 1. Where little was
//! observed it stays near 1, and the coarser levels speak.

use crate::RoadClass;
use crate::graph::{DirectedSegment, Network};
use crate::speeds::{HOURS, HourOfWeek};

/// Hours of the two kinds of day.
const DAY_HOURS: usize = 48;
/// Seconds of the prior of one street's levels: what a handful of drives spend on one block.
const STREET_PRIOR_S: f64 = 60.0;
/// Seconds of the prior of levels that many streets share.
const SHARED_PRIOR_S: f64 = 3_600.0;

/// Times of directions by hour of the week, in seconds.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    by_hour: Vec<f32>,
}

/// Factors of directions by hour of the week.
#[derive(Debug, Clone)]
pub(super) struct Factors {
    by_hour: Vec<f32>,
}

impl Sums {
    pub(super) fn new(network: &Network) -> Self {
        Self { by_hour: vec![0.0; 2 * network.segments() * HOURS] }
    }

    pub(super) fn add(&mut self, arc: DirectedSegment, hour: HourOfWeek, time_s: f64) {
        self.by_hour[index(arc, hour)] += time_s as f32;
    }

    /// Directions that were seen at all.
    pub(super) fn seen(&self) -> usize {
        self.by_hour.chunks(HOURS).filter(|hours| hours.iter().any(|time_s| *time_s > 0.0)).count()
    }
}

impl Factors {
    /// Free flow.
    pub(super) fn ones(network: &Network) -> Self {
        Self { by_hour: vec![1.0; 2 * network.segments() * HOURS] }
    }

    pub(super) fn at(&self, arc: DirectedSegment, hour: HourOfWeek) -> f64 {
        f64::from(self.by_hour[index(arc, hour)])
    }

    /// What observed times say of free-flow times of the same drives.
    pub(super) fn of(network: &Network, observed: &Sums, free: &Sums) -> Self {
        let class = |arc: DirectedSegment| network.class(arc.segment) as usize;
        let classes = RoadClass::all().len();
        let day_hour = |hour: HourOfWeek| hour.of_day() + if hour.is_weekend() { DAY_HOURS / 2 } else { 0 };
        let mut factors = Self::ones(network);
        let mut level =
            |groups: usize, prior_s: f64, group: &dyn Fn(DirectedSegment, HourOfWeek) -> usize| {
                factors.refine((observed, free), groups, prior_s, group);
            };
        level(1, SHARED_PRIOR_S, &|_, _| 0);
        level(DAY_HOURS, SHARED_PRIOR_S, &|_, hour| day_hour(hour));
        level(classes * DAY_HOURS, SHARED_PRIOR_S, &|arc, hour| class(arc) * DAY_HOURS + day_hour(hour));
        level(HOURS, SHARED_PRIOR_S, &|_, hour| hour.number());
        let directions = 2 * network.segments();
        level(directions, STREET_PRIOR_S, &|arc, _| arc.number() as usize);
        level(directions * DAY_HOURS, STREET_PRIOR_S, &|arc, hour| {
            arc.number() as usize * DAY_HOURS + day_hour(hour)
        });
        level(directions * HOURS, STREET_PRIOR_S, &|arc, hour| index(arc, hour));
        factors
    }

    /// One level: a factor for each group of cells.
    fn refine(
        &mut self,
        (observed, free): (&Sums, &Sums),
        groups: usize,
        prior_s: f64,
        group: &dyn Fn(DirectedSegment, HourOfWeek) -> usize,
    ) {
        let mut sums = vec![[prior_s; 2]; groups];
        let cells = |index: usize| {
            let hour = HourOfWeek::new((index % HOURS) as u8).expect("the rest is below a week's hours");
            (DirectedSegment::from_number((index / HOURS) as u32), hour)
        };
        for (index, free_s) in free.by_hour.iter().enumerate().filter(|(_, free_s)| **free_s > 0.0) {
            let (arc, hour) = cells(index);
            let [seen_s, expected_s] = &mut sums[group(arc, hour)];
            *seen_s += f64::from(observed.by_hour[index]);
            *expected_s += f64::from(*free_s) * f64::from(self.by_hour[index]);
        }
        for (index, factor) in self.by_hour.iter_mut().enumerate() {
            let (arc, hour) = cells(index);
            let [seen_s, expected_s] = sums[group(arc, hour)];
            *factor *= (seen_s / expected_s) as f32;
        }
    }
}

fn index(arc: DirectedSegment, hour: HourOfWeek) -> usize {
    arc.number() as usize * HOURS + hour.number()
}
