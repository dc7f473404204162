//! The speeds of a running node. Changes are recorded at once; [`LiveSpeeds::apply`] updates the engine's times.
//!
//! The type has no clock and no thread. The caller passes the time and runs [`LiveSpeeds::apply`] on a thread that may
//! block.

use kerb_types::Timestamp;

use super::hour::UtcOffset;
use super::layers::{LayerCounts, SpeedLayers};
use super::speed::Speed;
use super::table::SpeedTable;
use crate::network::DirectedSegment;
use crate::roads::Roads;

/// Expiries within one such span are applied together, because even a small change costs a customization of the whole
/// network. Every hour starts at a multiple of it.
const STEP_MS: i64 = 1_000;

/// A speed from a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamedSpeed {
    /// The direction that has the speed.
    pub arc: DirectedSegment,
    /// The speed of the traffic.
    pub speed: Speed,
    /// The expiry in milliseconds since the Unix epoch.
    pub until_ms: Timestamp,
}

/// A change of speeds.
#[derive(Debug)]
pub enum SpeedChange {
    /// New streamed speeds. If a direction occurs twice, its last speed counts.
    Streamed(Vec<StreamedSpeed>),
    /// A new speed file, which replaces the previous one.
    File(SpeedTable),
    /// A new profile, which replaces the previous one.
    Profile(SpeedTable),
}

/// All speeds of a node, and the time of the next update of the engine.
#[derive(Debug)]
pub struct LiveSpeeds {
    layers: SpeedLayers,
    due_ms: Option<Timestamp>,
}

impl LiveSpeeds {
    /// Starts with free flow, which the engine already has. An update is only due when the network has streets or turns
    /// that are closed at some hours. `offset` defines the local time of the hours of the week.
    pub fn new(roads: &Roads, offset: UtcOffset) -> Self {
        let layers = SpeedLayers::new(roads.network(), offset);
        let due_ms = layers.has_timed_arcs().then(Timestamp::default);
        Self { layers, due_ms }
    }

    /// Records a change. An update of the engine is due at once.
    pub fn record(&mut self, change: SpeedChange, now: Timestamp) {
        match change {
            SpeedChange::Streamed(speeds) => {
                for StreamedSpeed { arc, speed, until_ms } in speeds {
                    self.layers.set_streamed(arc, speed, until_ms);
                }
            }
            SpeedChange::File(table) => self.layers.set_file(Some(table)),
            SpeedChange::Profile(table) => self.layers.set_profile(Some(table)),
        }
        self.due_ms = Some(now);
    }

    /// When [`LiveSpeeds::apply`] must be called next, in milliseconds since the Unix epoch; `None`: not before the
    /// next change.
    pub fn due_ms(&self) -> Option<Timestamp> {
        self.due_ms
    }

    /// Updates the engine to the speeds of an instant. Blocks for a customization of the whole network.
    pub fn apply(&mut self, roads: &Roads, now: Timestamp) -> LayerCounts {
        let (times_ms, counts) = self.layers.times_ms(roads.network(), now);
        roads.engine().replace(&times_ms).expect("one time for each arc of this network");
        self.due_ms = self.layers.next_change_ms(now).map(step_after);
        counts
    }
}

/// The first multiple of [`STEP_MS`] that is not before an instant.
fn step_after(at_ms: Timestamp) -> Timestamp {
    // The addition overflows for expiries at the end of time, which never come.
    let end_ms = at_ms.as_millis().checked_add(STEP_MS - 1);
    end_ms.map_or(Timestamp::MAX, |ms| Timestamp::from_millis(ms.div_euclid(STEP_MS) * STEP_MS))
}
