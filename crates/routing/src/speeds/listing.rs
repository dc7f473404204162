//! A list of a network's directions, as a template for speed files.

use std::io::{self, Write};

use kerb_geometry::LatLng;

use super::direction_index::{DIRECTIONS, ends};
use super::speed::Speed;
use crate::network::{DirectedSegment, Network};

/// A direction that may be driven, with its properties.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectionListing<'a> {
    /// The segment and its direction.
    pub arc: DirectedSegment,
    /// The id of the OpenStreetMap way; 0 in a network that came from tables.
    pub way: i64,
    /// The positions of its start and its end.
    pub ends: [LatLng; 2],
    /// The length in meters.
    pub length_m: f64,
    /// The value of the `highway` tag.
    pub class: &'static str,
    /// The speed limit, or the default speed of the class.
    pub free_flow: Speed,
    /// The street's name; may be empty.
    pub name: &'a str,
}

impl DirectionListing<'_> {
    /// The word for the direction: `forward` or `reverse`.
    pub fn direction(&self) -> &'static str {
        DIRECTIONS[usize::from(self.arc.reverse)]
    }
}

/// All directions that may be driven, by segment.
pub fn list_directions(network: &Network) -> impl Iterator<Item = DirectionListing<'_>> {
    network.all_directions().filter_map(|arc| {
        // All arcs of a direction have the same time.
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

/// Writes the list as CSV: the columns that name a direction in a speed file, and its properties.
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
    for row in list_directions(network) {
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
