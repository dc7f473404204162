//! Streets from two tables: nodes with their positions, and directed edges with their lengths.
//!
//! | table | columns |
//! |---|---|
//! | nodes | `node_id`, `lat`, `lon` |
//! | edges | `from_node`, `to_node`, `length_m`, `highway`; may be there: `maxspeed_kmh`, `two_way` |
//!
//! An edge is a row for each direction. Two rows of a street in both directions (`two_way` is 1, or not there) become
//! one segment. Other columns are not read. Either table may be packed by gzip.

use std::io::Read;

use kerb_geometry::LatLng;
use serde::Deserialize;

use super::error::ImportError;
use super::report::Report;
use super::speed;
use super::streets::{Map, Piece, Pieces, Street, Streets, length_cm};
use crate::RoadClass;
use crate::csv_rows::{CsvError, LastLine, Row, RowError, Table, TypedRow};

/// Longer than any street, in meters.
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

impl TypedRow<'_> for NodeRow {}

#[derive(Deserialize)]
struct EdgeRow<'r> {
    from_node: i64,
    to_node: i64,
    length_m: f64,
    highway: &'r str,
    #[serde(default)]
    maxspeed_kmh: &'r str,
    /// A table without the column has a row for each direction of every street.
    #[serde(default = "yes")]
    two_way: &'r str,
}

impl<'r> TypedRow<'r> for EdgeRow<'r> {}

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
    let mut table = Table::new(edges, EDGES, LastLine::MustEnd)?;
    table.require_all(&["from_node", "to_node", "length_m", "highway"])?;
    let mut waiting = Map::default();
    while let Some(row) = table.next_row()? {
        report.ways_read += 1;
        let edge = Edge::new(row, &numbers)?;
        if edge.ends[0] == edge.ends[1] {
            report.excluded.empty += 1;
        } else if let Some(street) = edge.take_other_way(&mut waiting) {
            streets.ways[street].speed_kmh[1] = Some(edge.speed_kmh);
        } else {
            edge.wait(streets.ways.len(), &mut waiting);
            let points = edge.ends.map(|end| pieces.junctions[end as usize]).to_vec();
            let street = streets.ways.len() as u32;
            pieces.pieces.push(Piece { street, ends: edge.ends, points, length_cm: edge.length_cm });
            streets.ways.push(edge.street());
        }
    }
    report.streets = report.ways_read - report.excluded.empty;
    Ok((streets, pieces))
}

/// Adds a junction for each node. Returns the junctions by the nodes' ids.
fn read_nodes(nodes: impl Read, pieces: &mut Pieces) -> Result<Map<i64, u32>, ImportError> {
    let mut table = Table::new(nodes, NODES, LastLine::MustEnd)?;
    table.require_all(&["node_id", "lat", "lon"])?;
    let mut numbers = Map::default();
    while let Some(row) = table.next_row()? {
        let NodeRow { node_id, lat, lon } = row.read()?;
        let position = LatLng::new(lat, lon).map_err(|error| row.error(error.to_string()))?;
        if numbers.insert(node_id, pieces.add_junction(position)).is_some() {
            return Err(row.error(format!("node {node_id} is there twice")).into());
        }
        if numbers.len() > super::COUNT_MAX {
            return Err(ImportError::TooLarge { what: "the number of nodes" });
        }
    }
    Ok(numbers)
}

/// A row of the table of edges, checked.
struct Edge {
    ends: [u32; 2],
    length_cm: u32,
    class: RoadClass,
    speed_kmh: f64,
    is_two_way: bool,
}

/// Streets in both directions whose second row has not come: their numbers by ends, length and class.
type Waiting = Map<([u32; 2], u32, RoadClass), usize>;

impl Edge {
    fn new(row: Row<'_>, nodes: &Map<i64, u32>) -> Result<Self, CsvError> {
        let EdgeRow { from_node, to_node, length_m, highway, maxspeed_kmh, two_way } = row.read()?;
        let junction = |id: i64| {
            nodes.get(&id).copied().ok_or_else(|| row.error(format!("node {id} is not among the nodes")))
        };
        if !(0.0..=LENGTH_M_MAX).contains(&length_m) {
            return Err(row.error(format!("length_m {length_m} is outside 0 to {LENGTH_M_MAX}")));
        }
        let class = RoadClass::from_tag(highway)
            .ok_or_else(|| row.error(format!("highway {highway:?} is no road for cars")))?;
        Ok(Self {
            ends: [junction(from_node)?, junction(to_node)?],
            length_cm: length_cm(length_m),
            class,
            speed_kmh: speed::limit_kmh(maxspeed_kmh).unwrap_or_else(|| class.default_speed_kmh()),
            is_two_way: two_way == "1",
        })
    }

    /// The street that this edge is the other direction of.
    fn take_other_way(&self, waiting: &mut Waiting) -> Option<usize> {
        let [from, to] = self.ends;
        if self.is_two_way { waiting.remove(&([to, from], self.length_cm, self.class)) } else { None }
    }

    fn wait(&self, street: usize, waiting: &mut Waiting) {
        if self.is_two_way {
            waiting.insert((self.ends, self.length_cm, self.class), street);
        }
    }

    fn street(&self) -> Street {
        Street {
            way_id: 0,
            class: self.class,
            name: 0,
            speed_kmh: [Some(self.speed_kmh), None],
            nodes: Vec::new(),
            length_m: None,
        }
    }
}

impl From<CsvError> for ImportError {
    fn from(error: CsvError) -> Self {
        // The reader was given the table's name in the place of a file's.
        let table = if error.file() == NODES { NODES } else { EDGES };
        let (line, reason) = match error {
            CsvError::Value { line, column, value, .. } => (line, format!("{column} {value:?} is no number")),
            error => {
                let RowError { line, reason } = error.into();
                (line, reason)
            }
        };
        Self::Row { table, line, reason }
    }
}
