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

use super::error::ImportError;
use super::report::Report;
use super::speed;
use super::streets::{Map, Piece, Pieces, Street, Streets, length_cm};
use crate::RoadClass;
use crate::rows::{RowError, Rows};

/// Longer than any street, in metres.
const LENGTH_M_MAX: f64 = 1e7;

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
    let mut table = Table::open("edges", edges)?;
    let columns = EdgeColumns::find(&mut table)?;
    let mut waiting = Map::default();
    while table.next()? {
        report.ways_read += 1;
        let edge = columns.read(&table, &numbers)?;
        if edge.ends[0] == edge.ends[1] {
            report.left_out.empty += 1;
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
    report.streets = report.ways_read - report.left_out.empty;
    Ok((streets, pieces))
}

fn read_nodes(nodes: impl Read, pieces: &mut Pieces) -> Result<Map<i64, u32>, ImportError> {
    let mut table = Table::open("nodes", nodes)?;
    let [id, lat, lon] = [table.column("node_id")?, table.column("lat")?, table.column("lon")?];
    let mut numbers = Map::default();
    while table.next()? {
        let position = LatLng::new(table.number(lat)?, table.number(lon)?)
            .map_err(|error| table.wrong(error.to_string()))?;
        let id: i64 = table.number(id)?;
        if numbers.insert(id, pieces.add_junction(position)).is_some() {
            return Err(table.wrong(format!("node {id} is there twice")));
        }
        if numbers.len() > super::COUNT_MAX {
            return Err(ImportError::TooLarge { what: "the number of nodes" });
        }
    }
    Ok(numbers)
}

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

struct EdgeColumns {
    from: usize,
    to: usize,
    length_m: usize,
    highway: usize,
    maxspeed_kmh: Option<usize>,
    two_way: Option<usize>,
}

impl EdgeColumns {
    fn find(table: &mut Table<impl Read>) -> Result<Self, ImportError> {
        Ok(Self {
            from: table.column("from_node")?,
            to: table.column("to_node")?,
            length_m: table.column("length_m")?,
            highway: table.column("highway")?,
            maxspeed_kmh: table.rows.find("maxspeed_kmh"),
            two_way: table.rows.find("two_way"),
        })
    }

    fn read(&self, table: &Table<impl Read>, nodes: &Map<i64, u32>) -> Result<Edge, ImportError> {
        let end = |column| {
            let id: i64 = table.number(column)?;
            nodes.get(&id).copied().ok_or_else(|| table.wrong(format!("node {id} is not among the nodes")))
        };
        let length_m: f64 = table.number(self.length_m)?;
        if !(0.0..=LENGTH_M_MAX).contains(&length_m) {
            return Err(table.wrong(format!("length_m {length_m} is outside 0 to {LENGTH_M_MAX}")));
        }
        let highway = table.rows.text(self.highway);
        let class = RoadClass::from_tag(highway)
            .ok_or_else(|| table.wrong(format!("highway {highway:?} is no road for cars")))?;
        let limit = self.maxspeed_kmh.map_or("", |column| table.rows.text(column));
        Ok(Edge {
            ends: [end(self.from)?, end(self.to)?],
            length_cm: length_cm(length_m),
            class,
            speed_kmh: speed::limit_kmh(limit).unwrap_or_else(|| class.default_speed_kmh()),
            is_two_way: self.two_way.is_none_or(|column| table.rows.text(column) == "1"),
        })
    }
}

/// Rows of a table whose name stands in complaints.
struct Table<R: Read> {
    name: &'static str,
    rows: Rows<R>,
}

impl<R: Read> Table<R> {
    fn open(name: &'static str, source: R) -> Result<Self, ImportError> {
        Ok(Self { name, rows: Rows::open(source).map_err(|error| named(name, error))? })
    }

    fn column(&self, name: &str) -> Result<usize, ImportError> {
        self.rows.column(name).map_err(|error| named(self.name, error))
    }

    /// Goes to the next row, if there is one.
    fn next(&mut self) -> Result<bool, ImportError> {
        self.rows.next().map_err(|error| named(self.name, error))
    }

    fn number<T: std::str::FromStr>(&self, column: usize) -> Result<T, ImportError> {
        let (name, text) = (self.rows.name(column), self.rows.text(column));
        text.parse().map_err(|_no_number| self.wrong(format!("{name} {text:?} is no number")))
    }

    fn wrong(&self, reason: String) -> ImportError {
        named(self.name, self.rows.wrong(reason))
    }
}

fn named(table: &'static str, RowError { line, reason }: RowError) -> ImportError {
    ImportError::Row { table, line, reason }
}
