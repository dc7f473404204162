//! The precedence and the expiry of speeds, and the consistency of searches.

use std::sync::atomic::{AtomicBool, Ordering};

use kerb_routing::Roads;
use kerb_routing::speeds::{
    HourOfWeek, LayerCounts, Speed, SpeedLayers, SpeedTable, UtcOffset, list_directions,
};
use kerb_types::Timestamp;

use crate::town::town;

const HOUR_MS: i64 = 3_600_000;

fn kmh(kmh: f64) -> Speed {
    Speed::new(kmh).unwrap()
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

#[test]
fn stream_overrides_file_overrides_profile_overrides_free_flow() {
    let network = town(3);
    let arcs: Vec<_> = list_directions(&network).map(|row| row.arc).collect();
    let speed_of = |layers: &SpeedLayers, arc: kerb_routing::DirectedSegment, now_ms| {
        let (times_ms, _) = layers.times_ms(&network, now_ms);
        let length_cm = network.lengths_cm()[arc.segment.0 as usize];
        Speed::of_time(length_cm, times_ms[network.arcs_of(arc)[0] as usize]).kmh().round()
    };
    let mut layers = SpeedLayers::new(&network, UtcOffset::default());
    assert_eq!((speed_of(&layers, arcs[0], at(0)), layers.next_change_ms(at(0))), (50.0, None));
    let mut profile = SpeedTable::new(&network);
    // The epoch was a Thursday.
    profile.set_at(arcs[0], HourOfWeek::new(72).unwrap(), kmh(40.0));
    profile.set_at(arcs[1], HourOfWeek::new(73).unwrap(), kmh(40.0));
    layers.set_profile(Some(profile));
    assert_eq!(layers.next_change_ms(at(5)), Some(at(HOUR_MS)));
    assert_eq!((speed_of(&layers, arcs[0], at(0)), speed_of(&layers, arcs[0], at(HOUR_MS))), (40.0, 50.0));
    assert_eq!((speed_of(&layers, arcs[1], at(0)), speed_of(&layers, arcs[1], at(HOUR_MS))), (50.0, 40.0));
    let mut file = SpeedTable::new(&network);
    file.set(arcs[0], kmh(30.0));
    layers.set_file(Some(file));
    assert_eq!((speed_of(&layers, arcs[0], at(0)), speed_of(&layers, arcs[0], at(HOUR_MS))), (30.0, 30.0));
    layers.set_streamed(arcs[0], kmh(20.0), at(1_000));
    assert_eq!(layers.next_change_ms(at(0)), Some(at(1_000)));
    assert_eq!((speed_of(&layers, arcs[0], at(999)), speed_of(&layers, arcs[0], at(1_000))), (20.0, 30.0));
    let counts = LayerCounts { directions: arcs.len() as u32, stream: 1, file: 0, profile: 0 };
    assert_eq!(layers.times_ms(&network, at(0)).1, counts);
    let counts = LayerCounts { directions: arcs.len() as u32, stream: 0, file: 1, profile: 1 };
    assert_eq!(layers.times_ms(&network, at(HOUR_MS)).1, counts);
}

#[test]
fn router_keeps_its_times_while_speeds_are_replaced() {
    let network = town(8);
    let at = |speed: f64| {
        let mut layers = SpeedLayers::new(&network, UtcOffset::default());
        for row in list_directions(&network) {
            layers.set_streamed(row.arc, kmh(speed), at(i64::MAX));
        }
        layers.times_ms(&network, at(0)).0
    };
    // All streets are alike, so a mixture of two sets of times would give a time between both.
    let sets = [at(25.0), at(50.0)];
    let (from, to) = (network.nodes()[0].lat_lng(), network.nodes()[network.nodes().len() - 1].lat_lng());
    let roads = Roads::new(town(8), 300.0).unwrap();
    let alone: Vec<u32> = sets
        .iter()
        .map(|times_ms| {
            roads.engine().replace(times_ms).unwrap();
            roads.route(from, to).unwrap().time_ms
        })
        .collect();
    assert!(alone[0] > alone[1]);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let (mut seen, mut newest) = ([0_usize; 2], 0);
                    while !is_over.load(Ordering::Relaxed) {
                        let way = roads.route(from, to).unwrap();
                        // Version 1 is the first replacement.
                        let set = usize::from(way.generation.is_multiple_of(2));
                        assert_eq!(way.time_ms, alone[set], "generation {}", way.generation);
                        assert!(way.generation >= newest, "times do not go back");
                        newest = way.generation;
                        seen[set] += 1;
                    }
                    seen
                })
            })
            .collect();
        for times_ms in sets.iter().cycle().take(200) {
            roads.engine().replace(times_ms).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        for thread in asking {
            println!("answers of each set: {:?}", thread.join().unwrap());
        }
    });
}
