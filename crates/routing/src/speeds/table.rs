//! A table of speeds: one for each direction, or one for each direction and hour of the week.

use super::hour::{HOURS, HourOfWeek};
use super::speed::Speed;
use crate::network::{DirectedSegment, Network};

/// Speeds by direction and hour of the week. A direction may have no speed.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeedTable {
    always: Vec<Option<Speed>>,
    /// By hour and direction, two bytes each; empty when no direction has speeds by hour.
    by_hour: Vec<Option<Speed>>,
}

impl SpeedTable {
    /// A table where no direction has a speed.
    pub fn new(network: &Network) -> Self {
        Self { always: vec![None; 2 * network.segments()], by_hour: Vec::new() }
    }

    /// Sets the speed of a direction at all hours that have no speed of their own.
    pub fn set(&mut self, arc: DirectedSegment, speed: Speed) {
        self.always[arc.number() as usize] = Some(speed);
    }

    /// Sets the speed of a direction at one hour.
    pub fn set_at(&mut self, arc: DirectedSegment, hour: HourOfWeek, speed: Speed) {
        if self.by_hour.is_empty() {
            self.by_hour = vec![None; HOURS * self.always.len()];
        }
        self.by_hour[hour.number() * self.always.len() + arc.number() as usize] = Some(speed);
    }

    /// The speed of a direction at an hour.
    pub fn at(&self, arc: DirectedSegment, hour: HourOfWeek) -> Option<Speed> {
        let own = self.by_hour.get(hour.number() * self.always.len() + arc.number() as usize);
        own.copied().flatten().or(self.always[arc.number() as usize])
    }

    /// The time of every arc at an hour in milliseconds; free flow for directions without a speed.
    pub fn times_ms(&self, network: &Network, hour: HourOfWeek) -> Vec<u32> {
        let mut times_ms = network.time_ms().to_vec();
        for (time_ms, direction) in times_ms.iter_mut().zip(network.directed_segments()) {
            let arc = DirectedSegment::from_number(*direction);
            if let Some(speed) = self.at(arc, hour) {
                *time_ms = speed.time_ms(network.lengths_cm()[arc.segment.0 as usize]);
            }
        }
        times_ms
    }

    /// Whether any direction has speeds by hour.
    pub fn has_hours(&self) -> bool {
        !self.by_hour.is_empty()
    }

    /// The number of directions with a speed at an hour.
    pub fn known_at(&self, hour: HourOfWeek) -> usize {
        // Directions have 32-bit numbers.
        let arcs = (0..self.always.len() as u32).map(DirectedSegment::from_number);
        arcs.filter(|arc| self.at(*arc, hour).is_some()).count()
    }
}
