//! Streets between reading and building: the common form of all inputs.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use kerb_geometry::LatLng;

use crate::network::{HourSet, RoadClass};

/// The most entries of any array. Numbers have 32 bits, and the two directions of a segment share one number.
pub(super) const COUNT_MAX: usize = 1 << 31;

/// A fast hash map for ids of the input. Its order is random and never used.
pub(super) type Map<K, V> = HashMap<K, V, RandomState>;

/// A way that cars drive on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Street {
    pub(super) way_id: i64,
    pub(super) class: RoadClass,
    /// An index into [`Streets::names`].
    pub(super) name: u32,
    /// What holds along its nodes and against them; `None` for a closed direction.
    pub(super) lanes: [Option<Lane>; 2],
    /// Whether it is a ferry or a car train, on which no route starts or ends.
    pub(super) is_ferry: bool,
    /// The time over the whole street in seconds, if the input states it instead of a speed.
    pub(super) duration_s: Option<f64>,
    /// Indices into [`Streets::nodes`].
    pub(super) nodes: Vec<u32>,
    /// The true length, if the input has simplified the curve and names it.
    pub(super) length_m: Option<f64>,
}

/// What holds in one direction of a street.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lane {
    pub(super) speed_kmh: f64,
    /// Whether a trip may only start or end here, and not pass through.
    pub(super) is_restricted: bool,
    /// The hours in which no car may enter.
    pub(super) closed_hours: HourSet,
}

impl Lane {
    /// A lane that is open to all cars at all hours.
    pub(super) fn open(speed_kmh: f64) -> Lane {
        Lane { speed_kmh, is_restricted: false, closed_hours: HourSet::EMPTY }
    }
}

/// How a car passes a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Passage {
    #[default]
    Open,
    /// Only a trip that starts or ends behind the gate passes.
    Gate,
    Closed,
}

/// A node of a street.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreetNode {
    pub(super) id: i64,
    /// `None` when the input does not contain the node.
    pub(super) position: Option<LatLng>,
    pub(super) passage: Passage,
    /// Whether there is room to turn round, as on a turning circle.
    pub(super) is_turning_place: bool,
}

/// What a restriction does with its turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RestrictionKind {
    /// The turns are forbidden (`no_left_turn`).
    No,
    /// All other turns are forbidden (`only_straight_on`).
    Only,
}

/// What lies between the `from` and the `to` of a restriction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Via {
    /// A node, by its OpenStreetMap id.
    Node(i64),
    /// Ways that are driven one after the other, by their OpenStreetMap ids.
    Ways(Vec<i64>),
}

/// A turn restriction at a node or over ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Restriction {
    pub(super) relation_id: i64,
    pub(super) kind: RestrictionKind,
    /// The tag's value as a report names it, such as `no_left_turn`.
    pub(super) value: &'static str,
    /// OpenStreetMap ids of ways. `no_entry` may have several.
    pub(super) from: Vec<i64>,
    pub(super) via: Via,
    /// OpenStreetMap ids of ways. `no_exit` may have several.
    pub(super) to: Vec<i64>,
    /// The hours in which it holds.
    pub(super) hours: HourSet,
}

/// All streets of an input, before they are cut at their junctions.
#[derive(Debug, Default)]
pub(super) struct Streets {
    /// Sorted by way id.
    pub(super) ways: Vec<Street>,
    /// In the order of first use.
    pub(super) nodes: Vec<StreetNode>,
    /// The first name is empty.
    pub(super) names: Vec<String>,
    /// Sorted by relation id.
    pub(super) restrictions: Vec<Restriction>,
}

/// Streets cut at their junctions.
#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "`pieces` is what the field holds")]
pub(super) struct Pieces {
    pub(super) pieces: Vec<Piece>,
    /// The positions of the junctions.
    pub(super) junctions: Vec<LatLng>,
    /// The junctions with room to turn round, in ascending order.
    pub(super) turning_places: Vec<u32>,
}

/// A piece of a street between two different junctions. It becomes a segment of the network.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    /// An index into [`Streets::ways`].
    pub(super) street: u32,
    /// Indices into [`Pieces::junctions`]: its first and its last junction.
    pub(super) ends: [u32; 2],
    /// The points of its curve including both ends: at least two.
    pub(super) points: Vec<LatLng>,
    /// The length in centimeters, at least 1.
    pub(super) length_cm: u32,
    /// Whether the piece has no length and stands for a gate.
    pub(super) is_gate: bool,
}

impl Pieces {
    /// Adds a junction and returns its index.
    pub(super) fn add_junction(&mut self, position: LatLng) -> u32 {
        // `COUNT_MAX` nodes have at most twice as many junctions.
        self.junctions.push(position);
        self.junctions.len() as u32 - 1
    }
}

/// Converts a length to centimeters, at least 1. 32 bits are enough for 42,949 km; the clamp makes the cast exact.
pub(super) fn length_cm(length_m: f64) -> u32 {
    (length_m * 100.0).round().clamp(1.0, f64::from(u32::MAX)) as u32
}

/// The travel time in milliseconds, at least 1, over a length in centimeters.
pub(super) fn time_ms(length_cm: u32, speed_kmh: f64) -> u32 {
    // One km/h is 1e5 cm in 3.6e6 ms.
    (f64::from(length_cm) * 36.0 / speed_kmh).round().clamp(1.0, f64::from(u32::MAX)) as u32
}
