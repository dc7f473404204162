//! Measures a window in Manhattan with straight lines and with streets. Drivers and riders are the same, and each request has
//! 20 candidates.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;

use kerb_geometry::LatLng;
use kerb_matcher::Options;
use kerb_ports::TravelTimes;
use kerb_routing::import::import_pbf;
use kerb_routing::{RoadTimes, Roads};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use crate::city::PositionSource;
use crate::node::{Node, times};
use crate::window::{measure_in, options};

const EXTRACT: &str = "nyc/manhattan_roads.osm.pbf";
const SNAP_MAX_M: f64 = 300.0;
const CANDIDATES: u32 = 20;

pub(crate) async fn run() {
    let Some(folder) = std::env::var_os("KERB_BENCH_DATA").map(PathBuf::from) else {
        println!("window on streets: skipped, KERB_BENCH_DATA names no folder");
        return;
    };
    let file = BufReader::new(File::open(folder.join(EXTRACT)).unwrap());
    let roads = Roads::new(import_pbf(file, &mut |_| {}).unwrap().network, SNAP_MAX_M).unwrap();
    let junctions: Arc<[LatLng]> = roads.network().nodes().iter().map(|point| point.lat_lng()).collect();
    let streets = RoadTimes::new(Arc::new(roads), times());
    let kinds: [(&str, Arc<dyn TravelTimes>); 2] =
        [("Manhattan by straight lines", times()), ("Manhattan by streets", Arc::new(streets))];
    for (name, times) in kinds {
        let sources = [(); 2].map(|()| PositionSource::Junctions(junctions.clone()));
        let options = Options { candidates_min: CANDIDATES, ..options() };
        let node = Node::start_in(options, sources, times, Pcg64Mcg::seed_from_u64(1)).await;
        measure_in(node, name).await;
    }
}
