//! An index that holds a city.

use kerb_geometry::{Area, Circle, LatLng};
use kerb_index_server::{BatchProgress, Index, Options, SearchBudget, SourceStream};
use kerb_ports::{Batch, DriverFilter, Search, ShardQuery};
use kerb_types::{NodeId, Sharding};

use crate::city::{City, START_MS};

/// Rows of a batch, as ingest nodes send them.
pub(crate) const ROWS: usize = 4_096;

/// An index and the stream of its only source.
pub(crate) struct FilledIndex {
    pub(crate) index: Index,
    stream: SourceStream,
}

impl FilledIndex {
    /// Fills an index with all drivers of the city.
    pub(crate) fn new(city: &City, drivers: usize) -> Self {
        let options = Options { drivers_max: drivers as u32 + 10_000, ..Options::default() };
        let index = Index::new(&options, city.sharding, START_MS);
        let held: Vec<_> = city.sharding.all().collect();
        index.set_view(&held, &[]).unwrap();
        let mut stream = index.open(&NodeId::new("bench").unwrap()).unwrap();
        index.snapshot_begin(&mut stream, 1, &held).unwrap();
        let mut completion = index.snapshot_end(&mut stream, 1).unwrap();
        while index.complete_snapshot_step(&stream, &mut completion).unwrap() {}
        let mut filled = Self { index, stream };
        for from in (0..drivers).step_by(ROWS) {
            filled.apply(&city.first(from, (from + ROWS).min(drivers)));
        }
        filled
    }

    pub(crate) fn apply(&mut self, batch: &Batch) {
        let mut progress = BatchProgress::default();
        while self.index.apply(&mut self.stream, batch, &mut progress, START_MS).unwrap() {}
    }

    /// Memory per driver in bytes, the stream's slots included.
    pub(crate) fn bytes_per_driver(&self) -> f64 {
        let memory = self.index.memory();
        (memory.store + memory.writer + self.slots_bytes()) as f64 / memory.drivers as f64
    }

    /// Memory of the stream's slots, in bytes.
    pub(crate) fn slots_bytes(&self) -> usize {
        self.stream.bytes()
    }
}

/// The 10 nearest within 5 km, or all within 1 km.
pub(crate) fn query(sharding: Sharding, point: LatLng, nearest: bool) -> ShardQuery {
    let circle = Circle::new(point, if nearest { 5_000.0 } else { 1_000.0 }).unwrap();
    let shards = sharding.shards_for(&Area::Circle(circle));
    let search = if nearest {
        Search::Nearest { circle, k: 10 }
    } else {
        Search::WithinRadius { circle, limit: u32::MAX >> 1, after: None }
    };
    ShardQuery { shards, extra_shards: vec![], search, filter: DriverFilter::ANY }
}

/// The distances of an answer, in order.
pub(crate) fn search(index: &Index, query: &ShardQuery) -> Vec<f64> {
    let mut budget = SearchBudget::new(usize::MAX, &|| false);
    let answer = index.search(query, &mut budget).unwrap();
    answer.neighbors.iter().map(|neighbor| neighbor.hav).collect()
}
