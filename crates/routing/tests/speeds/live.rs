//! The speeds of a running node: when updates are due, and which times searches use afterwards.

use kerb_routing::Roads;
use kerb_routing::speeds::{
    HourOfWeek, LayerCounts, LiveSpeeds, Speed, SpeedChange, SpeedTable, StreamedSpeed, UtcOffset,
    list_directions,
};
use kerb_types::Timestamp;

use crate::town::town;

const HOUR_MS: i64 = 3_600_000;

fn kmh(kmh: f64) -> Speed {
    Speed::new(kmh).unwrap()
}

fn roads() -> Roads {
    Roads::new(town(3), 300.0).unwrap()
}

/// A change that sets all directions to one speed.
fn all(roads: &Roads, speed: f64, until_ms: Timestamp) -> SpeedChange {
    let seen = |arc| StreamedSpeed { arc, speed: kmh(speed), until_ms };
    SpeedChange::Streamed(list_directions(roads.network()).map(|row| seen(row.arc)).collect())
}

/// The average speed of a route through the whole town in km/h.
fn driven(roads: &Roads) -> f64 {
    let nodes = roads.network().nodes();
    let way = roads.route(nodes[0].lat_lng(), nodes[nodes.len() - 1].lat_lng()).unwrap();
    (way.length_m / f64::from(way.time_ms) * 3_600.0).round()
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

#[test]
fn without_changes_nothing_is_due() {
    let roads = roads();
    let speeds = LiveSpeeds::new(&roads, UtcOffset::default());
    assert_eq!((speeds.due_ms(), driven(&roads), roads.engine().router().version()), (None, 50.0, 0));
}

#[test]
fn streamed_speeds_are_due_at_once_and_again_when_they_expire() {
    let roads = roads();
    let mut speeds = LiveSpeeds::new(&roads, UtcOffset::default());
    speeds.record(all(&roads, 20.0, at(61_500)), at(1_700));
    assert_eq!((speeds.due_ms(), driven(&roads)), (Some(at(1_700)), 50.0));
    let directions = list_directions(roads.network()).count() as u32;
    let counts = speeds.apply(&roads, at(1_700));
    assert_eq!(counts, LayerCounts { directions, stream: directions, file: 0, profile: 0 });
    assert_eq!((speeds.due_ms(), driven(&roads)), (Some(at(62_000)), 20.0), "a whole second");
    let counts = speeds.apply(&roads, at(62_000));
    assert_eq!((counts.stream, speeds.due_ms(), driven(&roads)), (0, None, 50.0));
}

#[test]
fn speeds_that_expire_within_a_second_are_one_update() {
    let roads = roads();
    let mut speeds = LiveSpeeds::new(&roads, UtcOffset::default());
    let arcs: Vec<_> = list_directions(roads.network()).map(|row| row.arc).collect();
    let seen = |(arc, until_ms)| StreamedSpeed { arc, speed: kmh(20.0), until_ms };
    let expiries = [5_001, 5_400, 6_000, 6_001, i64::MAX].map(at);
    speeds.record(SpeedChange::Streamed(arcs.into_iter().zip(expiries).map(seen).collect()), at(0));
    let mut due = Vec::new();
    while let Some(at_ms) = speeds.due_ms().filter(|at_ms| *at_ms < Timestamp::MAX) {
        due.push((at_ms.as_millis(), speeds.apply(&roads, at_ms).stream));
    }
    assert_eq!(due, [(0, 5), (6_000, 2), (7_000, 1)]);
}

#[test]
fn profile_changes_at_the_local_hour() {
    let roads = roads();
    // Half past midnight in local time on a Thursday.
    let offset = UtcOffset::new(330).unwrap();
    let now_ms = -5 * HOUR_MS;
    let mut speeds = LiveSpeeds::new(&roads, offset);
    let mut profile = SpeedTable::new(roads.network());
    for row in list_directions(roads.network()) {
        profile.set_at(row.arc, HourOfWeek::new(72).unwrap(), kmh(10.0));
        profile.set_at(row.arc, HourOfWeek::new(73).unwrap(), kmh(25.0));
    }
    speeds.record(SpeedChange::Profile(profile), at(now_ms));
    speeds.apply(&roads, at(now_ms));
    assert_eq!((driven(&roads), speeds.due_ms()), (10.0, Some(at(now_ms + HOUR_MS / 2))));
    speeds.apply(&roads, at(now_ms + HOUR_MS / 2));
    assert_eq!((driven(&roads), speeds.due_ms()), (25.0, Some(at(now_ms + HOUR_MS / 2 + HOUR_MS))));
}

#[test]
fn new_file_replaces_the_whole_previous_one() {
    let roads = roads();
    let mut speeds = LiveSpeeds::new(&roads, UtcOffset::default());
    let arcs: Vec<_> = list_directions(roads.network()).map(|row| row.arc).collect();
    let table = |arcs: &[kerb_routing::DirectedSegment]| {
        let mut table = SpeedTable::new(roads.network());
        for arc in arcs {
            table.set(*arc, kmh(30.0));
        }
        SpeedChange::File(table)
    };
    speeds.record(table(&arcs[..5]), at(0));
    assert_eq!(speeds.apply(&roads, at(0)).file, 5);
    speeds.record(table(&arcs[5..7]), at(0));
    assert_eq!(speeds.apply(&roads, at(0)).file, 2);
    assert_eq!(roads.engine().router().version(), 2);
}
