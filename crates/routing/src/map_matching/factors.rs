//! Slowdown factors: travel time over free-flow time, by direction and hour of the week, from few observations.
//!
//! Each level refines the product of the coarser ones: the network, the network by hour of the day, the road class by
//! hour of the day, the network by hour of the week, the direction, the direction by hour of the day, the direction by
//! hour of the week. (Hours of the day differ between Monday to Friday and the weekend.)
//!
//! A level's factor is its observed time over its expected time. A prior of some seconds is added to both: this is the
//! mean under a gamma prior around 1. A factor with few observations stays near 1, so the coarser levels determine the
//! result.

use crate::network::RoadClass;
use crate::network::{DirectedSegment, Network};
use crate::speeds::{HOURS, HourOfWeek};

/// The hours of a working day and of a weekend day.
const DAY_HOURS: usize = 48;
/// The prior of the levels of a single direction, in seconds: what a handful of drives spend on one block.
const STREET_PRIOR_S: f64 = 60.0;
/// The prior of the levels that many streets share, in seconds.
const SHARED_PRIOR_S: f64 = 3_600.0;

/// Summed times by direction and hour of the week, in seconds.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    by_hour: Vec<f32>,
}

/// Slowdown factors by direction and hour of the week.
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

    /// The number of directions with any time.
    pub(super) fn seen(&self) -> usize {
        self.by_hour.chunks(HOURS).filter(|hours| hours.iter().any(|time_s| *time_s > 0.0)).count()
    }
}

impl Factors {
    /// A factor of 1 everywhere: free flow.
    pub(super) fn ones(network: &Network) -> Self {
        Self { by_hour: vec![1.0; 2 * network.segments() * HOURS] }
    }

    pub(super) fn at(&self, arc: DirectedSegment, hour: HourOfWeek) -> f64 {
        f64::from(self.by_hour[index(arc, hour)])
    }

    /// Estimates the factors from the observed times and the free-flow times of the same drives.
    pub(super) fn estimate(network: &Network, observed: &Sums, free: &Sums) -> Self {
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

    /// Refines the factors by one level: one more factor for each group of directions and hours.
    fn refine(
        &mut self,
        (observed, free): (&Sums, &Sums),
        groups: usize,
        prior_s: f64,
        group: &dyn Fn(DirectedSegment, HourOfWeek) -> usize,
    ) {
        let mut sums = vec![[prior_s; 2]; groups];
        // Inverts `index`; both casts keep their values.
        let cells = |index: usize| {
            let hour = HourOfWeek::new((index % HOURS) as u8).expect("the remainder is an hour of the week");
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
