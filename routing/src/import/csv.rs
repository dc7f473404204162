//! Streets from two tables: nodes with their positions, and directed edges with their lengths.
//!
//! | table | columns |
//! |---|---|
//! | nodes | `node_id`, `lat`, `lon` |
//! | edges | `from_node`, `to_node`, `length_m`, `highway`; may be there: `maxspeed_kmh`, `two_way` |
//!
//! An edge is a row for each direction. Two rows of a street in both directions (`two_way` is 1, or not there) become
//! one segment. Other columns are not read. Either table may be packed by gzip.

use std::io::{BufRead, BufReader, Read};

use csv::{Position, Reader, StringRecord};
use flate2::bufread::MultiGzDecoder;
use kerb_spatial::LatLng;

use super::error::ImportError;
use super::report::Report;
use super::speed;
use super::streets::{Map, Piece, Pieces, Street, Streets, length_cm};
use crate::RoadClass;

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
            maxspeed_kmh: table.column("maxspeed_kmh").ok(),
            two_way: table.column("two_way").ok(),
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
        let highway = table.text(self.highway);
        let class = RoadClass::from_tag(highway)
            .ok_or_else(|| table.wrong(format!("highway {highway:?} is no road for cars")))?;
        let limit = self.maxspeed_kmh.map_or("", |column| table.text(column));
        Ok(Edge {
            ends: [end(self.from)?, end(self.to)?],
            length_cm: length_cm(length_m),
            class,
            speed_kmh: speed::limit_kmh(limit).unwrap_or_else(|| class.default_speed_kmh()),
            is_two_way: self.two_way.is_none_or(|column| table.text(column) == "1"),
        })
    }
}

/// A table, row by row.
struct Table<R: Read> {
    name: &'static str,
    reader: Reader<Unpacked<R>>,
    headers: StringRecord,
    row: StringRecord,
}

impl<R: Read> Table<R> {
    fn open(name: &'static str, source: R) -> Result<Self, ImportError> {
        let reader = Reader::from_reader(Unpacked::new(source)?);
        let (headers, row) = (StringRecord::new(), StringRecord::new());
        let mut table = Self { name, reader, headers, row };
        table.headers = table.reader.headers().map_err(|error| failed(name, &error))?.clone();
        Ok(table)
    }

    fn column(&self, name: &str) -> Result<usize, ImportError> {
        let found = self.headers.iter().position(|header| header.trim() == name);
        found.ok_or_else(|| self.wrong(format!("there is no column {name:?}")))
    }

    /// Goes to the next row, if there is one.
    fn next(&mut self) -> Result<bool, ImportError> {
        self.reader.read_record(&mut self.row).map_err(|error| failed(self.name, &error))
    }

    fn text(&self, column: usize) -> &str {
        self.row[column].trim()
    }

    fn number<T: std::str::FromStr>(&self, column: usize) -> Result<T, ImportError> {
        let text = self.text(column);
        text.parse()
            .map_err(|_no_number| self.wrong(format!("{} {text:?} is no number", &self.headers[column])))
    }

    fn wrong(&self, reason: String) -> ImportError {
        ImportError::Row { table: self.name, line: self.row.position().map_or(1, Position::line), reason }
    }
}

fn failed(table: &'static str, error: &csv::Error) -> ImportError {
    let line = error.position().map_or(1, Position::line);
    ImportError::Row { table, line, reason: error.to_string() }
}

/// A source that is unpacked when it begins as gzip does.
enum Unpacked<R: Read> {
    Plain(BufReader<R>),
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
}

impl<R: Read> Unpacked<R> {
    fn new(source: R) -> std::io::Result<Self> {
        let mut source = BufReader::new(source);
        Ok(match source.fill_buf()? {
            [0x1f, 0x8b, ..] => Self::Gzip(Box::new(MultiGzDecoder::new(source))),
            _ => Self::Plain(source),
        })
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(source) => source.read(buffer),
            Self::Gzip(source) => source.read(buffer),
        }
    }
}
