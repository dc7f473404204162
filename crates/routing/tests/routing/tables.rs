//! Networks from tables of nodes and edges.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use kerb_routing::RoadClass;
use kerb_routing::import::{ImportError, import_csv};

const NODES: &str = "node_id,lat,lon\n7,37.0,-122.0\n8,37.0,-122.1\n9,37.1,-122.1\n";
const EDGES: &str = "from_node,to_node,length_m,highway,maxspeed_kmh,lanes,two_way
7,8,9000.25,primary,60,2,1
8,7,9000.25,primary,60,2,1
8,9,12000,residential,,1,0
9,7,15000,motorway_link,50,1,0
7,7,10,residential,,1,0
";

fn message(nodes: &str, edges: &str) -> String {
    import_csv(nodes.as_bytes(), edges.as_bytes()).unwrap_err().to_string()
}

#[test]
fn two_rows_of_a_street_are_one_segment() {
    let imported = import_csv(NODES.as_bytes(), EDGES.as_bytes()).unwrap();
    let (network, summary) = (&imported.network, imported.network.summary());
    assert_eq!((summary.nodes, summary.segments, summary.arcs, summary.one_way_segments), (3, 3, 4, 2));
    assert_eq!((imported.report.ways_read, imported.report.excluded.empty), (5, 1));
    let mut segments = network.lengths_cm().to_vec();
    segments.sort_unstable();
    assert_eq!(segments, [900_025, 1_200_000, 1_500_000]);
    assert!(summary.classes.iter().any(|(class, count, _)| (*class, *count) == (RoadClass::MotorwayLink, 1)));
    let mut times = network.time_ms().to_vec();
    times.sort_unstable();
    // 9000.25 m at 60 km/h both ways, 15 km at 50, 12 km at a residential street's 30.
    assert_eq!(times, [540_015, 540_015, 1_080_000, 1_440_000]);
}

#[test]
fn tables_may_be_gzipped() {
    let packed = |text: &str| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    let plain = import_csv(NODES.as_bytes(), EDGES.as_bytes()).unwrap();
    let unpacked = import_csv(&packed(NODES)[..], &packed(EDGES)[..]).unwrap();
    assert_eq!(unpacked.network.fingerprint(), plain.network.fingerprint());
    let cut = packed(EDGES);
    let error = import_csv(NODES.as_bytes(), &cut[..cut.len() / 2]).unwrap_err();
    assert!(matches!(error, ImportError::Row { table: "edges", .. }), "{error}");
}

#[test]
fn errors_name_the_line() {
    let edge = |row: &str| format!("from_node,to_node,length_m,highway\n7,8,1,primary\n{row}\n");
    assert_eq!(message(NODES, &edge("7,5,1,primary")), "line 3 of the edges: node 5 is not among the nodes");
    assert_eq!(
        message(NODES, &edge("7,8,far,primary")),
        "line 3 of the edges: length_m \"far\" is no number"
    );
    assert_eq!(
        message(NODES, &edge("7,8,-1,primary")),
        "line 3 of the edges: length_m -1 is outside 0 to 10000000"
    );
    assert_eq!(
        message(NODES, &edge("7,8,1,footway")),
        "line 3 of the edges: highway \"footway\" is no road for cars"
    );
    assert!(message(NODES, &edge("7,8")).starts_with("line 3 of the edges: "));
    let cut = message(NODES, edge("7,8,1,primary").trim_end());
    assert!(cut.ends_with("the last line has no end: it was cut"), "{cut}");
    assert_eq!(message(NODES, "a,b\n"), "line 1 of the edges: there is no column \"from_node\"");
    let nodes = format!("{NODES}7,1,1\n");
    assert_eq!(message(&nodes, EDGES), "line 5 of the nodes: node 7 is there twice");
    let nodes = format!("{NODES}6,91,1\n");
    assert_eq!(message(&nodes, EDGES), "line 5 of the nodes: latitude: 91 is outside -90 to 90 degrees");
    let none = message(NODES, "from_node,to_node,length_m,highway\n");
    assert_eq!(none, "holds no streets that form a network: of 0 ways, 0 can be driven on");
}

#[test]
fn speeds_that_no_car_drives_are_counted() {
    let report = |speed: &str| {
        let edges = format!("from_node,to_node,length_m,highway,maxspeed_kmh\n7,8,1,primary,{speed}\n");
        import_csv(NODES.as_bytes(), edges.as_bytes()).unwrap().report
    };
    for (speed, refused) in [("0", 1), ("-5", 1), ("1e9", 1), ("50", 0), ("", 0)] {
        assert_eq!(report(speed).refused_speeds, refused, "{speed:?}");
    }
}
