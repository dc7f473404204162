//! The speeds of a running node: what comes is taken in at once, and worked into the engine's times when that is due.
//!
//! Without a clock and a thread of its own: whoever owns it brings the time, and calls [`LiveSpeeds::apply`] on a thread
//! for long work.

use super::hour::UtcOffset;
use super::layers::{Counts, Layers};
use super::speed::Speed;
use super::table::SpeedTable;
use crate::graph::DirectedSegment;
use crate::roads::Roads;

/// Streamed speeds that run out within one such span are one change: each change costs a customization of the whole
/// network, however small it is. Hours begin at its multiples.
const STEP_MS: i64 = 1_000;

/// A speed that a stream told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamedSpeed {
    /// Of which direction.
    pub arc: DirectedSegment,
    /// How fast.
    pub speed: Speed,
    /// Until when, unix milliseconds.
    pub until_ms: i64,
}

/// News of speeds.
#[derive(Debug)]
pub enum SpeedChange {
    /// A stream told these; of a direction that stands twice, the last one counts.
    Streamed(Vec<StreamedSpeed>),
    /// The speed file in the place of the one before.
    File(SpeedTable),
    /// The profile in the place of the one before.
    Profile(SpeedTable),
}

/// All speeds of a node, and when they have to be worked in.
#[derive(Debug)]
pub struct LiveSpeeds {
    layers: Layers,
    due_ms: Option<i64>,
}

impl LiveSpeeds {
    /// Free flow, which the engine has from the start: nothing is due. Hours are those of clocks so far ahead of UTC.
    pub fn new(roads: &Roads, offset: UtcOffset) -> Self {
        Self { layers: Layers::new(roads.network(), offset), due_ms: None }
    }

    /// Takes news in, which are due at once.
    pub fn take(&mut self, change: SpeedChange, now_ms: i64) {
        match change {
            SpeedChange::Streamed(told) => {
                for StreamedSpeed { arc, speed, until_ms } in told {
                    self.layers.set_streamed(arc, speed, until_ms);
                }
            }
            SpeedChange::File(table) => self.layers.set_file(Some(table)),
            SpeedChange::Profile(table) => self.layers.set_profile(Some(table)),
        }
        self.due_ms = Some(now_ms);
    }

    /// When [`LiveSpeeds::apply`] is to be called next, unix milliseconds; `None`: not before there are news.
    pub fn due_ms(&self) -> Option<i64> {
        self.due_ms
    }

    /// Works the speeds of an instant into the times of all arcs, and brings these to the searches. Long work.
    pub fn apply(&mut self, roads: &Roads, now_ms: i64) -> Counts {
        let (times_ms, counts) = self.layers.times_ms(roads.network(), now_ms);
        roads.engine().replace(&times_ms).expect("one time an arc of this network");
        self.due_ms = self.layers.next_change_ms(now_ms).map(step_after);
        counts
    }
}

/// The first step that is not before an instant.
fn step_after(at_ms: i64) -> i64 {
    // What never runs out is never due.
    at_ms.checked_add(STEP_MS - 1).map_or(i64::MAX, |at_ms| at_ms.div_euclid(STEP_MS) * STEP_MS)
}
