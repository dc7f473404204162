//! The layers of speeds in order of precedence: stream, file, profile, free flow.

use kerb_types::Timestamp;

use super::hour::{HourOfWeek, UtcOffset};
use super::speed::Speed;
use super::table::SpeedTable;
use crate::engine::UNREACHABLE_MS;
use crate::network::{DirectedSegment, Network};

/// All speeds of a network. The stream layer has one entry for each direction, so its memory does not grow with the
/// number of messages.
#[derive(Debug)]
pub struct SpeedLayers {
    stream: Vec<Option<StreamEntry>>,
    file: Option<SpeedTable>,
    profile: Option<SpeedTable>,
    offset: UtcOffset,
    /// Whether some arcs are closed at some hours.
    has_timed_arcs: bool,
}

#[derive(Debug, Clone, Copy)]
struct StreamEntry {
    speed: Speed,
    until_ms: Timestamp,
}

/// The number of directions whose speed comes from each layer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LayerCounts {
    /// All directions that may be driven.
    pub directions: u32,
    /// Directions with a streamed speed.
    pub stream: u32,
    /// Directions with the speed of the file.
    pub file: u32,
    /// Directions with the speed of the profile.
    pub profile: u32,
}

impl SpeedLayers {
    /// Starts with free flow only. `offset` defines the local time of the hours of the week.
    pub fn new(network: &Network, offset: UtcOffset) -> Self {
        let has_timed_arcs = network.timed_arcs().len() > 0;
        let stream = vec![None; 2 * network.segments()];
        Self { stream, file: None, profile: None, offset, has_timed_arcs }
    }

    /// Whether some streets or turns are closed at some hours of the week.
    pub(crate) fn has_timed_arcs(&self) -> bool {
        self.has_timed_arcs
    }

    /// Sets the streamed speed of a direction until an instant in milliseconds since the Unix epoch. Replaces the
    /// direction's earlier streamed speed.
    pub fn set_streamed(&mut self, arc: DirectedSegment, speed: Speed, until_ms: Timestamp) {
        self.stream[arc.number() as usize] = Some(StreamEntry { speed, until_ms });
    }

    /// Replaces the speeds of the file layer.
    pub fn set_file(&mut self, speeds: Option<SpeedTable>) {
        self.file = speeds;
    }

    /// Replaces the profile layer.
    pub fn set_profile(&mut self, profile: Option<SpeedTable>) {
        self.profile = profile;
    }

    /// The time of every arc at an instant, in milliseconds, and the layers that the speeds come from.
    pub fn times_ms(&self, network: &Network, now: Timestamp) -> (Vec<u32>, LayerCounts) {
        let hour = HourOfWeek::at(now, self.offset);
        let mut times_ms = network.time_ms().to_vec();
        let mut counts = LayerCounts::default();
        for arc in network.all_directions() {
            let arcs = network.arcs_of(arc);
            if arcs.is_empty() {
                continue;
            }
            counts.directions += 1;
            let Some(speed) = self.speed(arc, hour, now, &mut counts) else { continue };
            let time_ms = speed.time_ms(network.lengths_cm()[arc.segment.0 as usize]);
            for arc in arcs {
                times_ms[*arc as usize] = time_ms;
            }
        }
        // Last: no measured speed opens a street or a turn that is closed at this hour.
        for (arc, closed) in network.timed_arcs() {
            if closed.contains(hour.number()) {
                times_ms[arc as usize] = UNREACHABLE_MS;
            }
        }
        (times_ms, counts)
    }

    /// The next instant at which times change without new speeds, in milliseconds since the Unix epoch: a streamed
    /// speed expires, or the next hour of a table by hours starts.
    pub fn next_change_ms(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = self.stream.iter().flatten().map(|streamed| streamed.until_ms);
        let has_tables_by_hour = [&self.file, &self.profile].into_iter().flatten().any(SpeedTable::has_hours);
        let has_hours = self.has_timed_arcs || has_tables_by_hour;
        let hour = has_hours.then(|| HourOfWeek::next_ms(now, self.offset));
        ends.filter(|until_ms| *until_ms > now).chain(hour).min()
    }

    fn speed(
        &self,
        arc: DirectedSegment,
        hour: HourOfWeek,
        now: Timestamp,
        counts: &mut LayerCounts,
    ) -> Option<Speed> {
        let streamed = self.stream[arc.number() as usize].filter(|streamed| streamed.until_ms > now);
        let of = |table: &Option<SpeedTable>| table.as_ref().and_then(|table| table.at(arc, hour));
        let layers = [
            (streamed.map(|streamed| streamed.speed), &mut counts.stream),
            (of(&self.file), &mut counts.file),
            (of(&self.profile), &mut counts.profile),
        ];
        let (speed, count) = layers.into_iter().find_map(|(speed, count)| Some((speed?, count)))?;
        *count += 1;
        Some(speed)
    }
}
