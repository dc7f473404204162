//! The directions of a network as a list, for who is to give them speeds.

use std::io::{self, Write};

use kerb_geometry::LatLng;

use super::key::{DIRECTIONS, ends};
use super::speed::Speed;
use crate::graph::{DirectedSegment, Network};

/// One direction that may be driven.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectionListing<'a> {
    /// Which.
    pub arc: DirectedSegment,
    /// The OpenStreetMap way; 0 in a network that came from tables.
    pub way: i64,
    /// Its beginning and its end.
    pub ends: [LatLng; 2],
    /// Meters.
    pub length_m: f64,
    /// The value of `highway`.
    pub class: &'static str,
    /// At its limit or its class's speed.
    pub free_flow: Speed,
    /// The street's name; may be empty.
    pub name: &'a str,
}

impl DirectionListing<'_> {
    /// `forward` or `reverse`.
    pub fn direction(&self) -> &'static str {
        DIRECTIONS[usize::from(self.arc.reverse)]
    }
}

/// All directions that may be driven, by segment.
pub fn listed(network: &Network) -> impl Iterator<Item = DirectionListing<'_>> {
    let arcs = (0..2 * network.segments() as u32).map(DirectedSegment::from_number);
    arcs.filter_map(|arc| {
        let first = *network.arcs_of(arc).first()?;
        let segment = arc.segment.0 as usize;
        let length_cm = network.lengths_cm()[segment];
        Some(DirectionListing {
            arc,
            way: network.way_ids()[segment],
            ends: ends(network, arc),
            length_m: f64::from(length_cm) / 100.0,
            class: network.class(arc.segment).name(),
            free_flow: Speed::of_time(length_cm, network.time_ms()[first as usize]),
            name: network.name(arc.segment),
        })
    })
}

/// Writes the list as CSV: the columns by which a speed file names a direction, and what one may want to know of it.
pub fn write_segments(network: &Network, out: impl Write) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record([
        "segment",
        "direction",
        "way",
        "from_lat",
        "from_lon",
        "to_lat",
        "to_lon",
        "length_m",
        "highway",
        "free_flow_kmh",
        "name",
    ])?;
    for row in listed(network) {
        let [from, to] = row.ends;
        out.write_record([
            row.arc.segment.0.to_string(),
            row.direction().to_owned(),
            row.way.to_string(),
            from.lat_deg().to_string(),
            from.lon_deg().to_string(),
            to.lat_deg().to_string(),
            to.lon_deg().to_string(),
            format!("{:.2}", row.length_m),
            row.class.to_owned(),
            format!("{:.2}", row.free_flow.kmh()),
            row.name.to_owned(),
        ])?;
    }
    out.flush()
}
