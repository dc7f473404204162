//! Streets between the reading and the network: what all inputs are brought into.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use kerb_geometry::LatLng;

use super::restrictions::Restriction;
use crate::RoadClass;

/// A map of numbers that came from outside; its order is never used.
pub(super) type Map<K, V> = HashMap<K, V, RandomState>;

/// A way that cars drive on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Street {
    pub(super) way_id: i64,
    pub(super) class: RoadClass,
    /// Into [`Streets::names`].
    pub(super) name: u32,
    /// Along its nodes and against them; none where it may not be driven.
    pub(super) speed_kmh: [Option<f64>; 2],
    /// Into [`Streets::nodes`].
    pub(super) nodes: Vec<u32>,
    /// The true length, for an input that has straightened its curves.
    pub(super) length_m: Option<f64>,
}

/// A node of a street.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreetNode {
    pub(super) id: i64,
    /// None when the input does not have the node.
    pub(super) position: Option<LatLng>,
    /// No car passes it.
    pub(super) is_closed: bool,
}

/// All that an input says of streets.
#[derive(Debug, Default)]
pub(super) struct Streets {
    /// By the way's id.
    pub(super) ways: Vec<Street>,
    /// In the order of first use.
    pub(super) nodes: Vec<StreetNode>,
    /// The first is empty.
    pub(super) names: Vec<String>,
    /// By the relation's id.
    pub(super) restrictions: Vec<Restriction>,
}

/// Streets cut at their junctions.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) pieces: Vec<Piece>,
    /// Where the junctions are.
    pub(super) junctions: Vec<LatLng>,
}

/// A stretch of a street between two different junctions: what becomes a segment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    /// Into [`Streets::ways`].
    pub(super) street: u32,
    /// Into [`Pieces::junctions`]: first and last.
    pub(super) ends: [u32; 2],
    /// At least two.
    pub(super) points: Vec<LatLng>,
    /// At least 1.
    pub(super) length_cm: u32,
}

impl Pieces {
    /// A new junction.
    pub(super) fn add_junction(&mut self, position: LatLng) -> u32 {
        self.junctions.push(position);
        self.junctions.len() as u32 - 1
    }
}

/// A length in centimeters that is at least 1; nothing on Earth is too long for it.
pub(super) fn length_cm(length_m: f64) -> u32 {
    (length_m * 100.0).round().clamp(1.0, f64::from(u32::MAX)) as u32
}

/// The time in milliseconds, at least 1, that so many centimeters take.
pub(super) fn time_ms(length_cm: u32, speed_kmh: f64) -> u32 {
    // One km/h is 1e5 cm in 3.6e6 ms.
    (f64::from(length_cm) * 36.0 / speed_kmh).round().clamp(1.0, f64::from(u32::MAX)) as u32
}
