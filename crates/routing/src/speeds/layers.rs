//! All speeds of a network, the nearest to the present on top: the stream, the file, the profile, free flow.

use super::hour::{HourOfWeek, UtcOffset};
use super::speed::Speed;
use super::table::SpeedTable;
use crate::graph::{DirectedSegment, Network};

/// What is known of speeds. One entry a direction bounds the stream's part, however much is sent.
#[derive(Debug)]
pub struct Layers {
    stream: Vec<Option<Streamed>>,
    file: Option<SpeedTable>,
    profile: Option<SpeedTable>,
    offset: UtcOffset,
}

#[derive(Debug, Clone, Copy)]
struct Streamed {
    speed: Speed,
    until_ms: i64,
}

/// Which layer the directions' speeds come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Directions that may be driven.
    pub directions: u32,
    /// From a stream.
    pub stream: u32,
    /// From the file.
    pub file: u32,
    /// From the profile.
    pub profile: u32,
}

impl Layers {
    /// Free flow. Hours are those of clocks so far ahead of UTC.
    pub fn new(network: &Network, offset: UtcOffset) -> Self {
        Self { stream: vec![None; 2 * network.segments()], file: None, profile: None, offset }
    }

    /// A speed from a stream, until an instant in unix milliseconds. The last one told counts.
    pub fn set_streamed(&mut self, arc: DirectedSegment, speed: Speed, until_ms: i64) {
        self.stream[arc.number() as usize] = Some(Streamed { speed, until_ms });
    }

    /// The speeds of a file in the place of those before.
    pub fn set_file(&mut self, speeds: Option<SpeedTable>) {
        self.file = speeds;
    }

    /// The profile in the place of the one before.
    pub fn set_profile(&mut self, profile: Option<SpeedTable>) {
        self.profile = profile;
    }

    /// The time of every arc at an instant, in milliseconds, and where the speeds come from.
    pub fn times_ms(&self, network: &Network, now_ms: i64) -> (Vec<u32>, Counts) {
        let hour = HourOfWeek::at(now_ms, self.offset);
        let mut times_ms = network.time_ms().to_vec();
        let mut counts = Counts::default();
        for arc in (0..self.stream.len() as u32).map(DirectedSegment::from_number) {
            let arcs = network.arcs_of(arc);
            if arcs.is_empty() {
                continue;
            }
            counts.directions += 1;
            let Some(speed) = self.speed(arc, hour, now_ms, &mut counts) else { continue };
            let time_ms = speed.time_ms(network.lengths_cm()[arc.segment.0 as usize]);
            for arc in arcs {
                times_ms[*arc as usize] = time_ms;
            }
        }
        (times_ms, counts)
    }

    /// When the times change by themselves, unix milliseconds: a streamed speed runs out, or an hour begins.
    pub fn next_change_ms(&self, now_ms: i64) -> Option<i64> {
        let ends = self.stream.iter().flatten().map(|streamed| streamed.until_ms);
        let has_hours = [&self.file, &self.profile].into_iter().flatten().any(SpeedTable::has_hours);
        let hour = has_hours.then(|| HourOfWeek::next_ms(now_ms, self.offset));
        ends.filter(|until_ms| *until_ms > now_ms).chain(hour).min()
    }

    fn speed(
        &self,
        arc: DirectedSegment,
        hour: HourOfWeek,
        now_ms: i64,
        counts: &mut Counts,
    ) -> Option<Speed> {
        let streamed = self.stream[arc.number() as usize].filter(|streamed| streamed.until_ms > now_ms);
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
