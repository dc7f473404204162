//! The map of a scenario: its nodes, ways and relations as an extract in memory.

use std::collections::BTreeMap;

use kerb_geometry::LatLng;

use crate::feature::FeatureStep;
use crate::support::osm::{Object, Osm, Tags};

/// The number of lattice steps in a meter along a meridian.
const E7_PER_M: f64 = 1e7 / 111_194.93;

/// A map that is built step by step.
#[derive(Debug)]
pub(crate) struct Map {
    pub(crate) grid_m: f64,
    pub(crate) origin: (f64, f64),
    pub(crate) osm: Osm,
    /// The id and position of each named node or location.
    pub(crate) places: BTreeMap<char, (i64, LatLng)>,
    ways: BTreeMap<String, i64>,
    next_id: i64,
    /// The time at which conditional tags are evaluated: seconds since 1970 and the offset of local time in hours.
    pub(crate) now: Option<(i64, i64)>,
    /// Why the rows of the scenario do not apply.
    pub(crate) is_foreign: bool,
}

fn leak(text: &str) -> &'static str {
    String::from(text).leak()
}

impl Map {
    pub(crate) fn new() -> Map {
        Map {
            grid_m: 100.0,
            origin: (1.0, 1.0),
            osm: Osm::default(),
            places: BTreeMap::new(),
            ways: BTreeMap::new(),
            next_id: 0,
            now: None,
            is_foreign: false,
        }
    }

    /// Applies a step that is no expectation.
    pub(crate) fn apply(&mut self, step: &FeatureStep) {
        let text = step.text.as_str();
        if let Some(size) = text.strip_prefix("a grid size of ") {
            self.grid_m = size.trim_end_matches(" meters").parse().unwrap();
        } else if let Some(origin) = text.strip_prefix("the origin ") {
            let (lon, lat) = origin.split_once(',').unwrap();
            self.origin = (lon.parse().unwrap(), lat.parse().unwrap());
        } else if text == "the node map" {
            self.add_drawing(&step.lines);
        } else if text == "the node locations" {
            self.add_locations(step);
        } else if text.starts_with("the ways") {
            step.rows().for_each(|row| self.add_way(&row));
        } else if text == "the nodes" {
            step.rows().for_each(|row| self.tag_node(&row));
        } else if text == "the relations" {
            step.table[1..].iter().for_each(|row| self.add_relation(&step.table[0], row));
        } else if let Some((_, time)) = text.split_once("--parse-conditionals-from-now=") {
            let seconds = time.trim_end_matches('"').parse().unwrap();
            let offset = [("guinea", 0), ("dc", -4), ("london", 1)];
            let offset =
                offset.into_iter().find(|(zone, _)| text.contains(zone)).map_or(0, |(_, hours)| hours);
            self.now = Some((seconds, offset));
        } else if text.starts_with("the profile") && text != "the profile \"car\""
            || text == "the turn penalty file"
            || text == "the query options"
                && step.table.iter().flatten().any(|cell| cell == "exclude" || cell == "bearings")
        {
            self.is_foreign = true;
        }
    }

    pub(crate) fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn at(&self, east: f64, north: f64) -> LatLng {
        let scale = self.origin.1.to_radians().cos();
        LatLng::from_e7(
            (self.origin.1 * 1e7 + north * self.grid_m * E7_PER_M).round() as i32,
            (self.origin.0 * 1e7 + east * self.grid_m * E7_PER_M / scale).round() as i32,
        )
        .unwrap()
    }

    fn add_drawing(&mut self, lines: &[String]) {
        for (row, line) in lines.iter().enumerate() {
            for (column, name) in line.chars().enumerate() {
                if name.is_ascii_lowercase() || name.is_ascii_digit() {
                    let at = self.at(column as f64 * 0.5, -(row as f64));
                    self.add_place(name, at, None);
                }
            }
        }
    }

    fn add_locations(&mut self, step: &FeatureStep) {
        for row in step.rows() {
            let cell = |name: &str| row.iter().find(|(column, _)| *column == name).map(|(_, cell)| *cell);
            let degrees = |name| cell(name).unwrap().parse::<f64>().unwrap();
            let at = LatLng::new(degrees("lat"), degrees("lon")).unwrap();
            self.add_place(cell("node").unwrap().chars().next().unwrap(), at, cell("id"));
        }
    }

    fn add_place(&mut self, name: char, at: LatLng, id: Option<&str>) {
        let id = id.and_then(|id| id.parse().ok()).unwrap_or_else(|| self.id());
        if name.is_ascii_lowercase() {
            self.add_node(id, at, Vec::new());
        }
        self.places.insert(name, (id, at));
    }

    fn add_node(&mut self, id: i64, at: LatLng, tags: Tags) {
        self.osm.objects.push(Object::Node { id, lat_e7: at.lat_e7(), lon_e7: at.lon_e7(), tags });
    }

    fn add_way(&mut self, row: &[(&str, &str)]) {
        let mut tags: Tags = vec![("highway", "primary")];
        let mut nodes = "";
        for (column, cell) in row {
            match *column {
                "nodes" => nodes = cell,
                "#" => {}
                column => {
                    tags.retain(|(key, _)| *key != column);
                    if !cell.is_empty() && *cell != "(nil)" {
                        tags.push((leak(column), leak(cell)));
                    }
                }
            }
        }
        if row.iter().all(|(column, _)| *column != "name") {
            tags.push(("name", leak(nodes)));
        }
        // Two quotes stand for an empty name.
        tags.retain(|(_, value)| !matches!(*value, "\"\"" | "''"));
        let id = self.id();
        self.ways.insert(nodes.to_owned(), id);
        let nodes = nodes.chars().map(|name| self.places[&name].0).collect();
        self.osm.objects.push(Object::Way { id, nodes, tags });
    }

    fn tag_node(&mut self, row: &[(&str, &str)]) {
        let name = row.iter().find(|(column, _)| *column == "node").unwrap().1;
        let id = self.places[&name.chars().next().unwrap()].0;
        for object in &mut self.osm.objects {
            if let Object::Node { id: own, tags, .. } = object
                && *own == id
            {
                let cells = row.iter().filter(|(column, cell)| *column != "node" && !cell.is_empty());
                tags.extend(cells.map(|(column, cell)| (leak(column), leak(cell))));
            }
        }
    }

    fn way_id(&self, name: &str) -> Option<i64> {
        let reversed: String = name.chars().rev().collect();
        self.ways.get(name).or_else(|| self.ways.get(&reversed)).copied()
    }

    fn add_relation(&mut self, header: &[String], row: &[String]) {
        let (mut members, mut tags) = (Vec::new(), Tags::new());
        for (column, cell) in header.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            let (kind, role) = column.split_once(':').unwrap_or((column, ""));
            let names = cell.split(',').map(str::trim);
            match kind {
                "node" => members
                    .extend(names.map(|name| (0, self.places[&name.chars().next().unwrap()].0, leak(role)))),
                "way" => {
                    members.extend(names.filter_map(|name| Some((1, self.way_id(name)?, leak(role)))));
                }
                _ => tags.push((leak(column), leak(cell))),
            }
        }
        let id = self.id();
        self.osm.objects.push(Object::Relation { id, members, tags });
    }

    /// The map of a row of a routability table: one way of four parts. Returns its second and fourth node.
    pub(crate) fn row_map(&self, row: &[(&str, &str)]) -> (Osm, LatLng, LatLng) {
        let mut map = Map { grid_m: self.grid_m, origin: self.origin, ..Map::new() };
        let (mut tags, mut node_tags): (Tags, Tags) = (vec![("highway", "primary")], Vec::new());
        for (column, cell) in row {
            let is_expected = ["forw", "backw", "bothw", "#"].iter().any(|name| column.starts_with(name));
            if is_expected || cell.is_empty() {
                continue;
            }
            if let Some(key) = column.strip_prefix("node/") {
                node_tags.push((leak(key), leak(cell)));
            } else {
                tags.retain(|(key, _)| key != column);
                if *cell != "(nil)" {
                    tags.push((leak(column), leak(cell)));
                }
            }
        }
        let nodes: Vec<LatLng> = (0..5).map(|east| map.at(f64::from(east), 0.0)).collect();
        for (id, at) in (1..).zip(&nodes) {
            let tags = if id == 3 { std::mem::take(&mut node_tags) } else { Vec::new() };
            map.add_node(id, *at, tags);
        }
        map.osm.objects.push(Object::Way { id: 10, nodes: (1..=5).collect(), tags });
        (map.osm, nodes[1], nodes[3])
    }
}
