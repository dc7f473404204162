//! Reads streets from two tables: nodes with their positions, and directed edges with their lengths.
//!
//! | table | columns |
//! |---|---|
//! | nodes | `node_id`, `lat`, `lon` |
//! | edges | `from_node`, `to_node`, `length_m`, `highway`; optional: `maxspeed_kmh`, `two_way` |
//!
//! A street that is driven in both directions has one row for each. Two such rows (`two_way` is 1 or absent) become one
//! segment. Other columns are ignored. Both tables may be gzipped.

use std::io::Read;

use kerb_geometry::LatLng;
use serde::Deserialize;

use super::error::ImportError;
use super::osm;
use super::report::Report;
use super::streets::{COUNT_MAX, Lane, Map, Piece, Pieces, Street, Streets, length_cm};
use crate::csv_rows::{CsvError, CsvRow, CsvTable, LastLine, RowError, TypedRow};
use crate::network::RoadClass;

/// The largest length of an edge in meters.
const LENGTH_M_MAX: f64 = 1e7;

/// The names of the tables in errors.
const NODES: &str = "nodes";
const EDGES: &str = "edges";

#[derive(Deserialize)]
struct NodeRow {
    node_id: i64,
    lat: f64,
    lon: f64,
}

impl TypedRow<'_> for NodeRow {
    const NUMBERS: &'static [&'static str] = &["node_id", "lat", "lon"];
}

#[derive(Deserialize)]
struct EdgeRow<'r> {
    from_node: i64,
    to_node: i64,
    length_m: f64,
    highway: &'r str,
    #[serde(default)]
    maxspeed_kmh: &'r str,
    /// Without this column, every street has a row for each direction.
    #[serde(default = "yes")]
    two_way: &'r str,
}

impl<'r> TypedRow<'r> for EdgeRow<'r> {
    const NUMBERS: &'static [&'static str] = &["from_node", "to_node", "length_m"];
}

fn yes() -> &'static str {
    "1"
}

/// Reads both tables into streets that are already cut at their junctions.
pub(super) fn read(
    nodes: impl Read,
    edges: impl Read,
    report: &mut Report,
) -> Result<(Streets, Pieces), ImportError> {
    let mut pieces = Pieces::default();
    let numbers = read_nodes(nodes, &mut pieces)?;
    report.nodes_read = pieces.junctions.len() as u64;
    let mut streets = Streets { names: vec![String::new()], ..Streets::default() };
    let mut table = CsvTable::new(edges, EDGES, LastLine::MustEnd)?;
    table.require_all(&["from_node", "to_node", "length_m", "highway"])?;
    let mut unpaired = Map::default();
    while let Some(row) = table.next_row()? {
        report.ways_read += 1;
        let edge = Edge::new(row, &numbers)?;
        report.refused_speeds += u64::from(edge.is_speed_refused);
        if edge.ends[0] == edge.ends[1] {
            report.excluded.empty += 1;
        } else if let Some(street) = edge.take_reverse(&mut unpaired) {
            streets.ways[street].lanes[1] = Some(Lane::open(edge.speed_kmh));
        } else {
            edge.add_unpaired(streets.ways.len(), &mut unpaired);
            let points = edge.ends.map(|end| pieces.junctions[end as usize]).to_vec();
            let street = streets.ways.len() as u32;
            let Edge { ends, length_cm, .. } = edge;
            pieces.pieces.push(Piece { street, ends, points, length_cm, is_gate: false });
            streets.ways.push(edge.street());
        }
    }
    report.streets = report.ways_read - report.excluded.empty;
    Ok((streets, pieces))
}

/// Adds a junction for each node. Returns the junctions by the nodes' ids.
fn read_nodes(nodes: impl Read, pieces: &mut Pieces) -> Result<Map<i64, u32>, ImportError> {
    let mut table = CsvTable::new(nodes, NODES, LastLine::MustEnd)?;
    table.require_all(&["node_id", "lat", "lon"])?;
    let mut numbers = Map::default();
    while let Some(row) = table.next_row()? {
        let NodeRow { node_id, lat, lon } = row.read()?;
        let position = LatLng::new(lat, lon).map_err(|error| row.error(error.to_string()))?;
        if numbers.insert(node_id, pieces.add_junction(position)).is_some() {
            return Err(row.error(format!("node {node_id} is there twice")).into());
        }
        if numbers.len() > COUNT_MAX {
            return Err(ImportError::TooLarge { what: "the number of nodes" });
        }
    }
    Ok(numbers)
}

/// A checked row of the table of edges.
struct Edge {
    ends: [u32; 2],
    length_cm: u32,
    class: RoadClass,
    speed_kmh: f64,
    /// Whether the row has a speed that is not plausible, so that the default of the class is used.
    is_speed_refused: bool,
    is_two_way: bool,
}

/// The numbers of two-way streets whose second row was not read yet, by ends, length and class.
type UnpairedStreets = Map<([u32; 2], u32, RoadClass), usize>;

impl Edge {
    fn new(row: CsvRow<'_>, nodes: &Map<i64, u32>) -> Result<Self, CsvError> {
        let EdgeRow { from_node, to_node, length_m, highway, maxspeed_kmh, two_way } = row.read()?;
        let junction = |id: i64| {
            nodes.get(&id).copied().ok_or_else(|| row.error(format!("node {id} is not among the nodes")))
        };
        if !(0.0..=LENGTH_M_MAX).contains(&length_m) {
            return Err(row.error(format!("length_m {length_m} is outside 0 to {LENGTH_M_MAX}")));
        }
        let class = RoadClass::from_tag(highway)
            .ok_or_else(|| row.error(format!("highway {highway:?} is no road for cars")))?;
        let limit_kmh = osm::limit_kmh(maxspeed_kmh);
        Ok(Self {
            ends: [junction(from_node)?, junction(to_node)?],
            length_cm: length_cm(length_m),
            class,
            speed_kmh: limit_kmh.unwrap_or_else(|| class.default_speed_kmh()),
            is_speed_refused: limit_kmh.is_none() && osm::is_implausible(maxspeed_kmh),
            is_two_way: two_way == "1",
        })
    }

    /// Removes and returns the street whose reverse direction this edge is.
    fn take_reverse(&self, unpaired: &mut UnpairedStreets) -> Option<usize> {
        let [from, to] = self.ends;
        if self.is_two_way { unpaired.remove(&([to, from], self.length_cm, self.class)) } else { None }
    }

    fn add_unpaired(&self, street: usize, unpaired: &mut UnpairedStreets) {
        if self.is_two_way {
            unpaired.insert((self.ends, self.length_cm, self.class), street);
        }
    }

    fn street(&self) -> Street {
        Street {
            way_id: 0,
            class: self.class,
            name: 0,
            lanes: [Some(Lane::open(self.speed_kmh)), None],
            is_ferry: false,
            duration_s: None,
            nodes: Vec::new(),
            length_m: None,
        }
    }
}

impl From<CsvError> for ImportError {
    fn from(error: CsvError) -> Self {
        // `read` passes the name of the table as that of the file.
        let table = if error.file() == NODES { NODES } else { EDGES };
        let (line, reason) = match error {
            CsvError::Value { line, column, value, expected, .. } if expected == "a number" => {
                (line, format!("{column} {value:?} is no number"))
            }
            error => {
                let RowError { line, reason } = error.into();
                (line, reason)
            }
        };
        Self::Row { table, line, reason }
    }
}
