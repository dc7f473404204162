//! The invariants of every network, checked on the extracts in `data`.

use std::collections::BTreeSet;
use std::io::Cursor;

use kerb_geometry::distance_m;
use kerb_routing::import::{ImportStage, ImportedNetwork, RestrictionCounts, import_pbf};
use kerb_routing::{Network, SegmentId};

use crate::support::dijkstra::{tail, times_from};

pub(crate) const MONACO: &[u8] = include_bytes!("../../../../data/monaco.osm.pbf");
pub(crate) const ANDORRA: &[u8] = include_bytes!("../../../../data/andorra.osm.pbf");
pub(crate) const MIDTOWN: &[u8] = include_bytes!("../../../../data/midtown_roads.osm.pbf");

pub(crate) fn import(bytes: &[u8]) -> ImportedNetwork {
    import_pbf(Cursor::new(bytes), &mut |_| {}).unwrap()
}

/// Checks the invariants of a network.
fn check(network: &Network) {
    // Most junctions of a city reach most others, whatever their copies are.
    let from = (0..network.nodes().len() as u32)
        .step_by(97)
        .map(|start| times_from(network, start).iter().filter(|time| time.is_some()).count());
    assert!(from.max().unwrap() * 10 > network.nodes().len() * 6);

    for (arc, number) in network.directed_segments().iter().enumerate() {
        let shape = network.shape(SegmentId(number / 2));
        let ends = [shape[0], shape[shape.len() - 1]];
        let [start, end] = if number % 2 == 0 { ends } else { [ends[1], ends[0]] };
        let (tail, head) = (tail(network, arc as u32), network.head()[arc]);
        assert_eq!((network.nodes()[tail as usize], network.nodes()[head as usize]), (start, end));
        assert_ne!(tail, head);
        let islands = network.islands();
        let leaving = network.first_out()[head as usize]..network.first_out()[head as usize + 1];
        for next in leaving {
            let next = network.directed_segments()[next as usize];
            assert_eq!(
                islands[*number as usize / 2],
                islands[next as usize / 2],
                "no arc leads off an island"
            );
        }
    }
    for segment in (0..network.segments() as u32).map(SegmentId) {
        let shape = network.shape(segment).windows(2);
        let length_m: f64 = shape.map(|pair| distance_m(pair[0].lat_lng(), pair[1].lat_lng())).sum();
        let cm = f64::from(network.lengths_cm()[segment.0 as usize]);
        assert!((cm - length_m * 100.0).abs() <= 1.0, "{segment:?}: {cm} cm, {length_m} m");
    }
}

#[test]
fn monaco() {
    let ImportedNetwork { network, report } = import(MONACO);
    check(&network);
    assert_eq!((report.ways_read, report.nodes_read), (1944, 13_739));
    assert_eq!(report.missing_nodes, 0);
    let summary = network.summary();
    // Monaco states some 77 km of streets; the extract includes a little of France.
    assert!((40_000.0..110_000.0).contains(&summary.length_m), "{}", summary.length_m);
    let names = (0..network.segments() as u32).map(|segment| network.name(SegmentId(segment)));
    assert!(names.collect::<BTreeSet<_>>().contains("Boulevard Albert 1er"));
}

#[test]
fn midtown_with_its_turn_restrictions() {
    let ImportedNetwork { network, report } = import(MIDTOWN);
    check(&network);
    let turns = report.restrictions;
    let all = |turns: &RestrictionCounts| {
        let RestrictionCounts { kept, without_effect, conditional, .. } = *turns;
        kept + without_effect + conditional + turns.other_vehicles + turns.unclear + turns.at_red_lights
    };
    assert_eq!(all(&turns), report.relations_read);
    assert_eq!(report.restriction_values.values().map(all).sum::<u64>(), report.relations_read);
    println!("{:#?}", report.restriction_values);
    assert!(turns.kept_over_ways > 10, "{turns:?}");
    assert!(turns.kept > 100 && turns.kept_at_hours > 20, "{turns:?}");
    let summary = network.summary();
    assert!(summary.node_copies > 50, "{summary:?}");
    assert!(summary.turn_restrictions as u64 <= turns.kept);
}

#[test]
fn progress_increases_and_names_every_stage() {
    let mut seen = Vec::new();
    import_pbf(Cursor::new(MONACO), &mut |progress| seen.push(progress)).unwrap();
    let order = |stage| {
        [ImportStage::Ways, ImportStage::Nodes, ImportStage::Graph].iter().position(|known| *known == stage)
    };
    assert!(seen.is_sorted_by_key(|progress| (order(progress.stage), progress.done)));
    let ends = [ImportStage::Ways, ImportStage::Nodes, ImportStage::Graph]
        .map(|stage| seen.iter().rfind(|progress| progress.stage == stage).map(|progress| progress.done));
    assert_eq!(ends, [Some(MONACO.len() as u64); 3]);
}
