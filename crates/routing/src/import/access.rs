//! Whether a car may use a street, and in which direction: access, oneway and barriers.
//!
//! OpenStreetMap's rules: the most special tag that is there decides (`Key:access`, "transport mode restrictions"); for
//! a passenger car from special to general `motorcar`, `motor_vehicle`, `vehicle`, `access`, and of each first the one
//! for the direction.

use super::pbf::Tags;

/// Who may drive there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    /// Every car.
    Yes,
    /// Cars that have their destination there.
    Destination,
    /// No car, or only somebody's own.
    No,
}

/// The directions of a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Backward,
}

/// Which ways of a street may be driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Oneway {
    Both,
    Forward,
    Backward,
    /// It changes with the hour: not to be known here.
    Reversible,
}

const GENERAL_LAST: [[&str; 3]; 4] = [
    ["motorcar", "motorcar:forward", "motorcar:backward"],
    ["motor_vehicle", "motor_vehicle:forward", "motor_vehicle:backward"],
    ["vehicle", "vehicle:forward", "vehicle:backward"],
    ["access", "access:forward", "access:backward"],
];

/// Barriers that stop a car when no access tag says otherwise. Gates, lift gates, toll booths and the like open.
const CLOSED_BARRIERS: [&str; 14] = [
    "block",
    "bollard",
    "chain",
    "cycle_barrier",
    "debris",
    "full-height_turnstile",
    "horse_stile",
    "jersey_barrier",
    "kissing_gate",
    "log",
    "motorcycle_barrier",
    "spikes",
    "stile",
    "turnstile",
];

/// What the access tags say of one direction; nothing where there are none.
pub(super) fn permission(tags: &Tags<'_>, direction: Direction) -> Option<Permission> {
    let find = |[both, forward, backward]: [&str; 3]| {
        let directed = if direction == Direction::Forward { forward } else { backward };
        tags.get(directed).or_else(|| tags.get(both))
    };
    GENERAL_LAST.into_iter().find_map(find).map(of_value)
}

/// Which directions the oneway tags leave. A roundabout and a motorway are oneway without a tag.
pub(super) fn oneway(tags: &Tags<'_>, is_motorway: bool) -> Oneway {
    let keys = ["oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle", "oneway"];
    match keys.into_iter().find_map(|key| tags.get(key)) {
        Some("yes" | "true" | "1") => Oneway::Forward,
        Some("-1" | "reverse") => Oneway::Backward,
        Some("no" | "false" | "0" | "alternating") => Oneway::Both,
        Some("reversible") => Oneway::Reversible,
        _ if is_roundabout(tags) || is_motorway => Oneway::Forward,
        _ => Oneway::Both,
    }
}

/// Whether a node on a street stops cars.
pub(super) fn blocks(node: &Tags<'_>) -> bool {
    match permission(node, Direction::Forward) {
        Some(permission) => permission == Permission::No,
        None => node.get("barrier").is_some_and(|kind| CLOSED_BARRIERS.contains(&kind)),
    }
}

fn is_roundabout(tags: &Tags<'_>) -> bool {
    matches!(tags.get("junction"), Some("roundabout" | "circular"))
}

fn of_value(value: &str) -> Permission {
    match value {
        "no"
        | "private"
        | "agricultural"
        | "forestry"
        | "agricultural;forestry"
        | "emergency"
        | "military"
        | "bus"
        | "psv"
        | "permit"
        | "employees"
        | "use_sidepath" => Permission::No,
        "destination" | "customers" | "delivery" | "residents" => Permission::Destination,
        _ => Permission::Yes,
    }
}

#[cfg(test)]
mod tests {
    use super::super::pbf::TagList;
    use super::*;

    #[test]
    fn the_most_special_access_tag_decides() {
        let table: &[(&TagList<'_>, Option<Permission>)] = &[
            (&[], None),
            (&[("access", "yes")], Some(Permission::Yes)),
            (&[("access", "no")], Some(Permission::No)),
            (&[("access", "private")], Some(Permission::No)),
            (&[("access", "customers")], Some(Permission::Destination)),
            (&[("access", "no"), ("motor_vehicle", "yes")], Some(Permission::Yes)),
            (&[("vehicle", "no"), ("access", "yes")], Some(Permission::No)),
            (&[("motor_vehicle", "private"), ("motorcar", "destination")], Some(Permission::Destination)),
            (&[("access", "no"), ("psv", "yes")], Some(Permission::No)),
            (&[("foot", "no")], None),
            (&[("motor_vehicle:forward", "no"), ("motor_vehicle", "yes")], Some(Permission::No)),
            (&[("motor_vehicle:backward", "no"), ("motor_vehicle", "yes")], Some(Permission::Yes)),
            (&[("vehicle:forward", "no"), ("motorcar", "yes")], Some(Permission::Yes)),
        ];
        for (tags, expected) in table {
            assert_eq!(permission(&Tags::from(*tags), Direction::Forward), *expected, "{tags:?}");
        }
        let back = [("motor_vehicle:backward", "no")];
        assert_eq!(permission(&Tags::from(&back[..]), Direction::Backward), Some(Permission::No));
    }

    #[test]
    fn oneway_has_many_spellings() {
        let table: &[(&TagList<'_>, bool, Oneway)] = &[
            (&[], false, Oneway::Both),
            (&[("oneway", "yes")], false, Oneway::Forward),
            (&[("oneway", "true")], false, Oneway::Forward),
            (&[("oneway", "1")], false, Oneway::Forward),
            (&[("oneway", "-1")], false, Oneway::Backward),
            (&[("oneway", "reverse")], false, Oneway::Backward),
            (&[("oneway", "no")], true, Oneway::Both),
            (&[], true, Oneway::Forward),
            (&[("junction", "roundabout")], false, Oneway::Forward),
            (&[("junction", "circular")], false, Oneway::Forward),
            (&[("junction", "roundabout"), ("oneway", "-1")], false, Oneway::Backward),
            (&[("junction", "roundabout"), ("oneway", "no")], false, Oneway::Both),
            (&[("junction", "yes")], false, Oneway::Both),
            (&[("oneway", "reversible")], false, Oneway::Reversible),
            (&[("oneway", "alternating")], false, Oneway::Both),
            (&[("oneway", "yes"), ("oneway:motor_vehicle", "no")], false, Oneway::Both),
            (&[("oneway", "?")], true, Oneway::Forward),
        ];
        for (tags, is_motorway, expected) in table {
            assert_eq!(oneway(&Tags::from(*tags), *is_motorway), *expected, "{tags:?}");
        }
    }

    #[test]
    fn barriers_stop_cars_unless_a_tag_lets_them_through() {
        let table: &[(&TagList<'_>, bool)] = &[
            (&[("barrier", "bollard")], true),
            (&[("barrier", "bollard"), ("motor_vehicle", "yes")], false),
            (&[("barrier", "gate")], false),
            (&[("barrier", "gate"), ("access", "private")], true),
            (&[("highway", "crossing")], false),
            (&[], false),
        ];
        for (tags, expected) in table {
            assert_eq!(blocks(&Tags::from(*tags)), *expected, "{tags:?}");
        }
    }
}
