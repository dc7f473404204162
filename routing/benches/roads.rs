//! What it costs to import streets, to open a road network, and to find the street beside a position.
//!
//! Runs on the extracts that are shipped, and on those that `KERB_EXTRACTS` names (paths of `.osm.pbf` files, with
//! colons between).

use std::hint::black_box;
use std::io::Cursor;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kerb_routing::import::import_pbf;
use kerb_routing::{Arc, Network, Question, Snapper};
use kerb_spatial::LatLng;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Half of all taxi positions are nearer to a street than this, in degrees of latitude (27 m).
const OFF_DEG: f64 = 0.000_243;
const QUESTIONS: usize = 4096;

fn extracts() -> Vec<(String, Vec<u8>)> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
    let shipped = ["monaco", "midtown_roads"].map(|name| format!("{data}/{name}.osm.pbf"));
    let named = std::env::var("KERB_EXTRACTS").unwrap_or_default();
    let named = named.split(':').filter(|path| !path.is_empty()).map(str::to_owned);
    let read = |path: String| {
        let name = Path::new(&path).file_name().map_or(String::new(), |name| name.to_string_lossy().into());
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        (name, bytes)
    };
    shipped.into_iter().chain(named).map(read).collect()
}

fn import(bytes: &[u8]) -> Network {
    import_pbf(Cursor::new(bytes), &mut |_| {}).expect("the extract is sound").network
}

/// Positions beside streets, as the receivers of cars on them would report them; their headings too, if wanted, off by
/// up to 30 degrees.
fn questions(network: &Network, with_heading: bool) -> Vec<Question> {
    let mut random = Pcg64Mcg::seed_from_u64(1);
    let question = |_| {
        let arc = network.arc_segment()[random.random_range(0..network.head().len())];
        let Arc { segment, reverse } = Arc::from_number(arc);
        let shape = network.shape(segment);
        let piece = random.random_range(1..shape.len());
        let (from, to) = (shape[piece - 1].lat_lng(), shape[piece].lat_lng());
        let mut off = || random.random_range(-OFF_DEG..OFF_DEG);
        let at = LatLng::new(to.lat_deg() + off(), to.lon_deg() + off()).expect("no extract is at a pole");
        let east = (to.lon_deg() - from.lon_deg()) * to.lat_deg().to_radians().cos();
        let along_deg = east.atan2(to.lat_deg() - from.lat_deg()).to_degrees();
        let heading_deg = along_deg + if reverse { 180.0 } else { 0.0 } + random.random_range(-30.0..30.0);
        Question { at, heading_deg: with_heading.then_some(heading_deg), max_m: 500.0 }
    };
    (0..QUESTIONS).map(question).collect()
}

fn roads(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a folder for the files");
    for (name, bytes) in extracts() {
        let network = import(&bytes);
        let path = dir.path().join("bench.roads");
        network.save(&path).expect("the folder can be written to");
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("import", |bencher| bencher.iter(|| import(black_box(&bytes))));
        group.throughput(Throughput::Bytes(network.summary().bytes as u64));
        group.bench_function("open", |bencher| {
            bencher.iter(|| Network::open(black_box(&path)).expect("it was just written"));
        });
        group.throughput(Throughput::Elements(network.segments() as u64));
        group.bench_function("index for snapping", |bencher| {
            bencher.iter_batched(|| (), |()| Snapper::new(black_box(&network)), BatchSize::LargeInput);
        });
        let snapper = Snapper::new(&network);
        group.throughput(Throughput::Elements(QUESTIONS as u64));
        for (what, with_heading) in [("snap", false), ("snap with heading", true)] {
            let questions = questions(&network, with_heading);
            group.bench_function(what, |bencher| {
                bencher.iter(|| questions.iter().filter(|question| snapper.snap(**question).is_ok()).count());
            });
        }
        group.finish();
    }
}

criterion_group!(benches, roads);
criterion_main!(benches);
