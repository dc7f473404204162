//! Streets and turns that are closed at some hours of the week.

use kerb_routing::Roads;
use kerb_routing::speeds::{LiveSpeeds, SpeedLayers, UtcOffset};
use kerb_types::Timestamp;

use crate::map::{names, ring, roads};
use crate::support::osm::Osm;

/// Monday, 5 January 1970, 0:00 UTC.
const MONDAY_MS: i64 = 4 * 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// Sets the travel times of an hour after Monday 0:00.
fn at_hour(roads: &Roads, hour: i64) {
    let layers = SpeedLayers::new(roads.network(), UtcOffset::default());
    let now = Timestamp::from_millis(MONDAY_MS + hour * HOUR_MS);
    roads.engine().replace(&layers.times_ms(roads.network(), now).0).unwrap();
    assert_eq!(layers.next_change_ms(now), Some(Timestamp::from_millis(MONDAY_MS + (hour + 1) * HOUR_MS)));
}

#[test]
fn street_is_closed_at_its_hours() {
    let roads = roads(&ring(&[("motor_vehicle:conditional", "no @ (Mo-Fr 07:00-10:00)")]));
    let through = || names(&roads, (0.0, 3.5), (10.0, 3.5));
    assert_eq!(through(), "west short east");
    at_hour(&roads, 8);
    assert_eq!(through(), "west north east");
    at_hour(&roads, 10);
    assert_eq!(through(), "west short east");
    at_hour(&roads, 5 * 24 + 8);
    assert_eq!(through(), "west short east");
}

#[test]
fn turn_is_forbidden_at_its_hours() {
    let osm = |value: &'static str| {
        let members = [(1, 12, "from"), (0, 5, "via"), (1, 20, "to")];
        // Cut at the short cut, so that one way ends there.
        let osm = Osm::default().node(1, 0, 0).node(2, 10, 0).node(3, 10, 6).node(4, 0, 6);
        let osm = osm.node(5, 0, 3).node(6, 10, 3).way(10, &[1, 2], &[("name", "south")]);
        let osm = osm.way(11, &[4, 3], &[("name", "north")]).way(12, &[4, 5], &[("name", "west")]);
        let osm = osm.way(14, &[5, 1], &[("name", "west")]).way(13, &[2, 6, 3], &[("name", "east")]);
        let tags = vec![("type", "restriction"), ("restriction:conditional", value)];
        osm.way(20, &[5, 6], &[("name", "short")]).relation(900, &members, &tags)
    };
    let timed = osm("no_left_turn @ (Mo-Fr 07:00-09:00)");
    assert_eq!(timed.import().report.restrictions.kept_at_hours, 1);
    let roads = roads(&timed);
    let through = || names(&roads, (0.0, 4.5), (10.0, 3.0));
    assert_eq!(through(), "west short");
    at_hour(&roads, 8);
    assert_ne!(through(), "west short");
    at_hour(&roads, 9);
    assert_eq!(through(), "west short");
    let season = osm("no_left_turn @ (Apr-Sep)").import().report.restrictions;
    assert_eq!((season.kept, season.conditional), (0, 1));
}

#[test]
fn running_service_applies_the_hours_without_other_speeds() {
    let open = roads(&ring(&[]));
    assert_eq!(LiveSpeeds::new(&open, UtcOffset::default()).due_ms(), None);
    let timed = roads(&ring(&[("motor_vehicle:conditional", "no @ (Mo 07:00-10:00)")]));
    let mut speeds = LiveSpeeds::new(&timed, UtcOffset::default());
    let now = Timestamp::from_millis(MONDAY_MS + 8 * HOUR_MS + 5);
    assert!(speeds.due_ms().is_some_and(|due_ms| due_ms <= now));
    speeds.apply(&timed, now);
    assert_eq!(names(&timed, (0.0, 3.5), (10.0, 3.5)), "west north east");
    assert_eq!(speeds.due_ms(), Some(Timestamp::from_millis(MONDAY_MS + 9 * HOUR_MS)));
}
