//! Input with defects: the import counts them and goes on.

use std::io::Cursor;

use kerb_routing::import::import_pbf;
use kerb_types::Stopwatch;

use crate::map::{names, ring, roads};
use crate::support::osm::Osm;
use crate::support::pbf::{self, BlockCompression};

#[test]
fn broken_text_is_counted_and_replaced() {
    let mut file = pbf::write(&ring(&[("operator", "OPERATOR")]).objects, BlockCompression::None);
    let at = file.windows(8).position(|part| part == b"OPERATOR").unwrap();
    file[at] = 0xff;
    let imported = import_pbf(Cursor::new(file), &mut |_| {}).unwrap();
    assert_eq!((imported.report.broken_texts, imported.report.streets), (1, 5));
}

#[test]
fn newest_version_of_a_way_counts_in_any_order() {
    let versions = || {
        let base = ring(&[("@version", "2"), ("access", "no")]);
        base.way(20, &[5, 6], &[("name", "short"), ("@version", "3")]).way(
            20,
            &[5, 6],
            &[("name", "short"), ("@version", "1"), ("oneway", "-1")],
        )
    };
    for seed in 0..20 {
        let osm = versions().shuffled(seed);
        assert_eq!(names(&roads(&osm), (0.0, 3.5), (10.0, 3.5)), "west short east", "seed {seed}");
    }
    // The newest version is no street any more.
    for seed in 0..20 {
        let osm = versions().way(20, &[5, 6], &[("highway", "footway"), ("@version", "4")]).shuffled(seed);
        assert_eq!(names(&roads(&osm), (0.0, 3.5), (10.0, 3.5)), "west north east", "seed {seed}");
    }
}

#[test]
fn deleted_objects_are_no_streets() {
    let osm = ring(&[("@visible", "no")]);
    assert_eq!(osm.import().report.deleted, 1);
    assert_eq!(names(&roads(&osm), (0.0, 3.5), (10.0, 3.5)), "west north east");
    for seed in 0..20 {
        let osm = ring(&[]).way(20, &[5, 6], &[("@version", "2"), ("@visible", "no")]).shuffled(seed);
        assert_eq!(names(&roads(&osm), (0.0, 3.5), (10.0, 3.5)), "west north east", "seed {seed}");
    }
}

#[test]
fn other_ways_are_streets_when_a_tag_opens_them() {
    let through = |tags: &[(&'static str, &'static str)]| names(&roads(&ring(tags)), (0.0, 3.5), (10.0, 3.5));
    assert_eq!(
        through(&[("highway", "track"), ("motor_vehicle", "yes"), ("maxspeed", "30")]),
        "west short east"
    );
    assert_eq!(through(&[("highway", "track")]), "west north east");
    assert_eq!(through(&[("highway", "footway"), ("access", "yes")]), "west north east");
}

/// A long closed way with a side street and a restriction at each of its nodes.
#[test]
fn long_rings_with_many_restrictions_take_linear_time() {
    let imported = |count: i64| {
        let mut osm = Osm::default();
        for id in 0..count {
            let angle = id as f64 / count as f64 * std::f64::consts::TAU;
            let place = |radius: f64, share: f64| (share * radius).round() as i32;
            osm = osm.node(id + 1, place(2_000.0, angle.cos()), place(2_000.0, angle.sin()));
            osm = osm.node(count + id + 1, place(2_100.0, angle.cos()), place(2_100.0, angle.sin()));
        }
        let nodes: Vec<i64> = (1..=count).chain([1]).collect();
        osm = osm.way(1, &nodes, &[("junction", "roundabout")]);
        for id in 1..=count {
            osm = osm.way(10 + id, &[id, count + id], &[]).restriction(
                count * 2 + id,
                "no_left_turn",
                1,
                id,
                10 + id,
            );
        }
        let file = pbf::write(&osm.objects, BlockCompression::None);
        let watch = Stopwatch::start();
        let report = import_pbf(Cursor::new(file), &mut |_| {}).unwrap().report;
        assert_eq!(report.restrictions.kept as i64, count);
        watch.us() as f64 / 1e6
    };
    let (short_s, long_s) = (imported(300), imported(2_400));
    // Eight times as long. A quadratic step takes 64 times as long.
    assert!(long_s < short_s * 30.0 + 0.5, "{short_s} s and {long_s} s");
}
