//! Whether a car may use a street, and in which direction: the tags for access, oneway and barriers.
//!
//! By OpenStreetMap's rules (wiki, `Key:access`) the most specific tag decides. For a passenger car these are, from
//! specific to general: `motorcar`, `motor_vehicle`, `vehicle`, `access`; each first for the direction, then for both.

use super::pbf::Tags;

/// What access tags permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    /// Every car may pass.
    Yes,
    /// Only cars with a destination on the street may enter.
    Destination,
    /// No car may enter, or only the owner's.
    No,
}

/// A direction of a way, relative to the order of its nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Backward,
}

/// The directions of a street that may be driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Oneway {
    Both,
    Forward,
    Backward,
    /// The direction changes with the time of day, which the network cannot represent.
    Reversible,
}

const GENERAL_LAST: [[&str; 3]; 4] = [
    ["motorcar", "motorcar:forward", "motorcar:backward"],
    ["motor_vehicle", "motor_vehicle:forward", "motor_vehicle:backward"],
    ["vehicle", "vehicle:forward", "vehicle:backward"],
    ["access", "access:forward", "access:backward"],
];

/// Barriers that stop a car unless an access tag allows it. Gates, lift gates, toll booths and similar barriers open.
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

/// The permission by the access tags of one direction; `None` without such tags.
pub(super) fn permission(tags: &Tags<'_>, direction: Direction) -> Option<Permission> {
    let find = |[both, forward, backward]: [&str; 3]| {
        let directed = if direction == Direction::Forward { forward } else { backward };
        tags.get(directed).or_else(|| tags.get(both))
    };
    GENERAL_LAST.into_iter().find_map(find).map(permission_of_value)
}

/// The open directions by the oneway tags. A roundabout and a motorway are oneway without a tag.
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

/// Whether a node of a street stops cars.
pub(super) fn blocks(node: &Tags<'_>) -> bool {
    match permission(node, Direction::Forward) {
        Some(permission) => permission == Permission::No,
        None => node.get("barrier").is_some_and(|kind| CLOSED_BARRIERS.contains(&kind)),
    }
}

fn is_roundabout(tags: &Tags<'_>) -> bool {
    matches!(tags.get("junction"), Some("roundabout" | "circular"))
}

fn permission_of_value(value: &str) -> Permission {
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
    fn most_specific_access_tag_decides() {
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
    fn oneway_spellings() {
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
    fn barriers_stop_cars_unless_a_tag_allows_them() {
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
