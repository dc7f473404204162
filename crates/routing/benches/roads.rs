//! The costs of a road network: import, opening, memory, snapping, isochrones, and a new speed for every direction.
//!
//! Runs on the extracts that are shipped, and on those that `KERB_EXTRACTS` names (paths of `.osm.pbf` files, with
//! colons between).

use std::hint::black_box;
use std::io::Cursor;
use std::path::Path;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use kerb_geometry::LatLng;
use kerb_routing::import::import_pbf;
use kerb_routing::speeds::{
    HOURS, HourOfWeek, LiveSpeeds, Speed, SpeedChange, SpeedTable, StreamedSpeed, UtcOffset, list_directions,
};
use kerb_routing::{DirectedSegment, Network, Roads, SnapQuery, Snapper};
use kerb_types::Timestamp;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// The noise of a receiver in degrees of latitude (27 m). Half of all taxi positions are nearer to a street.
const OFF_DEG: f64 = 0.000_243;
const QUERIES: usize = 4096;
const SNAP_MAX_M: f64 = 300.0;
/// The number of networks in memory at once, for a measurement of one.
const KEPT: usize = 16;
const MINUTES: [u32; 2] = [5, 15];

fn extracts() -> Vec<(String, Vec<u8>)> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data");
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

/// Positions near streets with the noise of a receiver; `with_heading` adds headings that are off by up to 30 degrees.
fn queries(network: &Network, with_heading: bool) -> Vec<SnapQuery> {
    let mut random = Pcg64Mcg::seed_from_u64(1);
    let query = |_| {
        let arc = network.directed_segments()[random.random_range(0..network.head().len())];
        let DirectedSegment { segment, reverse } = DirectedSegment::from_number(arc);
        let shape = network.shape(segment);
        let piece = random.random_range(1..shape.len());
        let (from, to) = (shape[piece - 1].lat_lng(), shape[piece].lat_lng());
        let mut off = || random.random_range(-OFF_DEG..OFF_DEG);
        let at = LatLng::new(to.lat_deg() + off(), to.lon_deg() + off()).expect("no extract is at a pole");
        let east = (to.lon_deg() - from.lon_deg()) * to.lat_deg().to_radians().cos();
        let along_deg = east.atan2(to.lat_deg() - from.lat_deg()).to_degrees();
        let heading_deg = along_deg + if reverse { 180.0 } else { 0.0 } + random.random_range(-30.0..30.0);
        SnapQuery { at, heading_deg: with_heading.then_some(heading_deg), max_m: 500.0 }
    };
    (0..QUERIES).map(query).collect()
}

/// The memory of this process in bytes; `None` except on Linux.
fn resident_bytes() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<usize>().ok()? * 4096)
}

/// Prints the size of a network in its file, and in memory with its index and engine.
fn sizes(name: &str, network: &Network, path: &Path) {
    let segments = network.segments() as f64;
    let file = network.summary().bytes as f64;
    let before = resident_bytes();
    let kept: Vec<Roads> = (0..KEPT).map(|_| open(path)).collect();
    let after = resident_bytes();
    let grown =
        before.zip(after).map(|(before, after)| after.saturating_sub(before) as f64 / kept.len() as f64);
    println!(
        "{name}: {segments} segments, {:.1} bytes a segment in the file, {:.1} in memory with engine and index",
        file / segments,
        grown.map_or(f64::NAN, |bytes| bytes / segments)
    );
}

fn open(path: &Path) -> Roads {
    Roads::open(path, SNAP_MAX_M).expect("it was just written")
}

fn isochrones(group: &mut BenchmarkGroup<'_, WallTime>, roads: &Roads) {
    let nodes = roads.network().nodes();
    let mut random = Pcg64Mcg::seed_from_u64(2);
    let mut somewhere = || nodes[random.random_range(0..nodes.len())].lat_lng();
    let places: Vec<_> =
        (0..64).map(|_| roads.phantom_nodes(somewhere()).expect("a junction is on a street")).collect();
    group.throughput(Throughput::Elements(1));
    for minutes in MINUTES {
        let mut places = places.iter().cycle();
        group.bench_function(format!("isochrone of {minutes} min"), |bencher| {
            bencher.iter(|| roads.isochrone(places.next().expect("endless"), minutes * 60_000));
        });
    }
}

/// Measures the time from a change of speeds to searches: a streamed speed for each direction, and the next hour of a
/// profile.
fn live_speeds(group: &mut BenchmarkGroup<'_, WallTime>, roads: &Roads) {
    let arcs: Vec<DirectedSegment> = list_directions(roads.network()).map(|row| row.arc).collect();
    group.throughput(Throughput::Elements(arcs.len() as u64));
    let mut random = Pcg64Mcg::seed_from_u64(3);
    let mut speed = || Speed::clamped(random.random_range(5.0..60.0));
    let mut speeds = LiveSpeeds::new(roads, UtcOffset::default());
    group.bench_function("new speeds by stream", |bencher| {
        let streamed = |speed| {
            arcs.iter()
                .map(|arc| StreamedSpeed { arc: *arc, speed, until_ms: Timestamp::from_millis(i64::MAX) })
                .collect()
        };
        let change = || SpeedChange::Streamed(streamed(speed()));
        let bring = |change| {
            speeds.record(change, Timestamp::from_millis(0));
            speeds.apply(roads, Timestamp::from_millis(0))
        };
        bencher.iter_batched(change, bring, BatchSize::LargeInput);
    });
    let mut profile = SpeedTable::new(roads.network());
    for (arc, hour) in arcs.iter().flat_map(|arc| HourOfWeek::all().map(move |hour| (arc, hour))) {
        profile.set_at(*arc, hour, speed());
    }
    let mut speeds = LiveSpeeds::new(roads, UtcOffset::default());
    speeds.record(SpeedChange::Profile(profile), Timestamp::from_millis(0));
    group.bench_function("new speeds by the hour", |bencher| {
        let mut hours = (0..HOURS as i64).cycle();
        bencher
            .iter(|| speeds.apply(roads, Timestamp::from_millis(hours.next().expect("endless") * 3_600_000)));
    });
}

fn roads(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a folder for the files");
    for (name, bytes) in extracts() {
        let network = import(&bytes);
        let path = dir.path().join("bench.roads");
        network.save(&path).expect("the folder can be written to");
        sizes(&name, &network, &path);
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("import", |bencher| bencher.iter(|| import(black_box(&bytes))));
        group.throughput(Throughput::Bytes(network.summary().bytes as u64));
        group.bench_function("open", |bencher| {
            bencher.iter(|| Network::open(black_box(&path)).expect("it was just written"));
        });
        group.bench_function("open and be ready", |bencher| bencher.iter(|| open(black_box(&path))));
        group.throughput(Throughput::Elements(network.segments() as u64));
        group.bench_function("index for snapping", |bencher| {
            bencher.iter_batched(|| (), |()| Snapper::new(black_box(&network)), BatchSize::LargeInput);
        });
        let snapper = Snapper::new(&network);
        group.throughput(Throughput::Elements(QUERIES as u64));
        for (what, with_heading) in [("snap", false), ("snap with heading", true)] {
            let queries = queries(&network, with_heading);
            group.bench_function(what, |bencher| {
                bencher.iter(|| queries.iter().filter(|query| snapper.snap(**query).is_ok()).count());
            });
        }
        let roads = open(&path);
        isochrones(&mut group, &roads);
        live_speeds(&mut group, &roads);
        group.finish();
    }
}

criterion_group!(benches, roads);
criterion_main!(benches);
