//! Whole cities, from files or generated.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use cch::{Cch, Metric};
use flate2::read::GzDecoder;
use kerb_geometry::LatLng;
use kerb_routing::engine::PhantomNode;

use crate::town::{Kind, Town, seeded};

const SEED: u64 = 1;
/// The speed of a street without a limit.
const SPEED_KMH: f64 = 40.0;

/// A city and its name.
pub(crate) struct City {
    pub(crate) name: &'static str,
    pub(crate) town: Town,
    pub(crate) tails: Vec<u32>,
}

impl City {
    /// The cities of the folder in `KERB_BENCH_DATA`, or else a generated one.
    pub(crate) fn all() -> Vec<City> {
        let Some(folder) = std::env::var_os("KERB_BENCH_DATA").map(PathBuf::from) else {
            return vec![City::new("grid", Town::grid(&mut seeded(SEED), 100, Kind::Plain))];
        };
        let cities = [("san_francisco", "sf/roads"), ("manhattan", "nyc/manhattan_roads")];
        cities.into_iter().map(|(name, file)| City::new(name, read(&folder, file))).collect()
    }

    fn new(name: &'static str, town: Town) -> City {
        println!("{name}: {} nodes, {} arcs", town.nodes.len(), town.head.len());
        let tails = town.tails();
        City { name, town, tails }
    }

    /// Random places all over the city.
    pub(crate) fn places(&self, count: usize) -> Vec<Vec<PhantomNode>> {
        self.town.places(&mut seeded(SEED), count)
    }

    /// The node of a place, for engines whose queries are between nodes.
    pub(crate) fn head(&self, place: &[PhantomNode]) -> u32 {
        self.town.head[place[0].arc as usize]
    }

    /// Whether an arc leaves the node.
    pub(crate) fn has_exit(&self, node: u32) -> bool {
        self.tails.contains(&node)
    }

    /// A node as the head of an arc that leads to it, and as the tail of one that leaves it.
    pub(crate) fn at(&self, node: u32) -> [PhantomNode; 2] {
        let into = self.town.head.iter().position(|head| *head == node).expect("an arc leads to it");
        let out = self.tails.iter().position(|tail| *tail == node).expect("an arc leaves it");
        [PhantomNode { arc: into as u32, fraction: 1.0 }, PhantomNode { arc: out as u32, fraction: 0.0 }]
    }

    /// The `cch` crate's hierarchy.
    pub(crate) fn cch(&self) -> Cch {
        let Town { first_out, head, time_ms, nodes, .. } = &self.town;
        let (lat, lon): (Vec<f32>, Vec<f32>) =
            nodes.iter().map(|node| (node.lat_deg() as f32, node.lon_deg() as f32)).unzip();
        let order = cch::inertial_order(nodes.len() as u32, &self.tails, head, &lat, &lon);
        let (first_out, head, weight) = (first_out.clone(), head.clone(), time_ms.clone());
        Cch::build(&cch::graph::Graph { first_out, head, weight }, &order)
    }

    /// Customizes the hierarchy with the city's times.
    pub(crate) fn cch_with_metric(&self) -> (Cch, Metric) {
        let cch = self.cch();
        let metric = cch.customize(&self.town.time_ms);
        (cch, metric)
    }
}

fn rows(folder: &Path, file: &str) -> csv::Reader<GzDecoder<File>> {
    let path = folder.join(file);
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    csv::Reader::from_reader(GzDecoder::new(file))
}

fn read(folder: &Path, name: &str) -> Town {
    let (mut numbers, mut nodes) = (HashMap::new(), Vec::new());
    for row in rows(folder, &format!("{name}_nodes.csv.gz")).into_deserialize() {
        let (id, lat_deg, lon_deg): (u64, f64, f64) = row.expect("node_id, lat, lon");
        numbers.insert(id, nodes.len() as u32);
        nodes.push(LatLng::new(lat_deg, lon_deg).expect("a position"));
    }
    let mut arcs: Vec<(u32, u32, f64, u32)> = Vec::new();
    for row in rows(folder, &format!("{name}_edges.csv.gz")).records() {
        let row = row.expect("a row");
        let node = |column: usize| numbers[&row[column].parse().expect("a node's id")];
        let length_m: f64 = row[2].parse().expect("meters");
        let speed_kmh = row[4].parse().unwrap_or(SPEED_KMH);
        arcs.push((node(0), node(1), length_m, (length_m / speed_kmh * 3_600.0).round() as u32));
    }
    arcs.sort_by_key(|arc| arc.0);
    let mut first_out = vec![0; nodes.len() + 1];
    for arc in &arcs {
        first_out[arc.0 as usize + 1] += 1;
    }
    for node in 0..nodes.len() {
        first_out[node + 1] += first_out[node];
    }
    Town {
        nodes,
        first_out,
        head: arcs.iter().map(|arc| arc.1).collect(),
        length_m: arcs.iter().map(|arc| arc.2 as f32).collect(),
        time_ms: arcs.iter().map(|arc| arc.3).collect(),
    }
}
