//! Whether a car may use a street or pass a node, by the access tags, and in which direction by the oneway tags.
//!
//! By OpenStreetMap's rules (wiki, `Key:access`) the most specific tag decides. For a passenger car these are, from
//! specific to general: `motorcar`, `motor_vehicle`, `vehicle`, `access`; each first for the direction, then for both.

use super::pbf::Tags;

/// What access tags permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Permission {
    /// No car may enter. Also the meaning of a value that is not known.
    No,
    /// A trip may start or end here, but not pass through.
    Destination,
    /// Every car may pass.
    Yes,
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

/// The access keys of a car from the most general to the most specific, each with its directed forms.
pub(super) const KEYS: [[&str; 3]; 4] = [
    ["access", "access:forward", "access:backward"],
    ["vehicle", "vehicle:forward", "vehicle:backward"],
    ["motor_vehicle", "motor_vehicle:forward", "motor_vehicle:backward"],
    ["motorcar", "motorcar:forward", "motorcar:backward"],
];

/// The permission by the access tags of one direction; `None` without such tags.
pub(super) fn permission(tags: &Tags<'_>, direction: Direction) -> Option<Permission> {
    by_keys(tags, direction, &KEYS)
}

/// The permission by the tags that are about vehicles; `None` without such tags. `access` alone may mean walkers.
pub(super) fn vehicle_permission(tags: &Tags<'_>, direction: Direction) -> Option<Permission> {
    by_keys(tags, direction, &KEYS[1..])
}

fn by_keys(tags: &Tags<'_>, direction: Direction, keys: &[[&str; 3]]) -> Option<Permission> {
    let find = |[both, forward, backward]: &[&str; 3]| {
        let directed = if direction == Direction::Forward { forward } else { backward };
        tags.get(directed).or_else(|| tags.get(both))
    };
    keys.iter().rev().find_map(find).map(permission_of_value)
}

/// The permission of a value. A list permits what its most generous value does.
pub(super) fn permission_of_value(value: &str) -> Permission {
    value.split([';', ',']).map(|one| permission_of_one(one.trim())).max().unwrap_or(Permission::No)
}

fn permission_of_one(value: &str) -> Permission {
    match value {
        "yes" | "permissive" | "designated" | "motorcar" | "motor_vehicle" | "vehicle" | "public"
        | "allowed" | "hov" => Permission::Yes,
        "destination" | "customers" | "delivery" | "residents" | "private" | "permit" => {
            Permission::Destination
        }
        _ => Permission::No,
    }
}

/// The open directions by the oneway tags. A roundabout and a motorway are oneway without a tag.
///
/// The lights of an `alternating` street let each direction pass within minutes, so the tag closes none.
pub(super) fn oneway(tags: &Tags<'_>, is_motorway: bool) -> Oneway {
    let keys = ["oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle", "oneway"];
    match keys.into_iter().find_map(|key| tags.get(key)) {
        Some("yes" | "true" | "1") => Oneway::Forward,
        Some("-1" | "reverse") => Oneway::Backward,
        Some("no" | "false" | "0") => Oneway::Both,
        Some("reversible") => Oneway::Reversible,
        _ if is_roundabout(tags) || is_motorway => Oneway::Forward,
        _ => Oneway::Both,
    }
}

fn is_roundabout(tags: &Tags<'_>) -> bool {
    matches!(tags.get("junction"), Some("roundabout" | "circular"))
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
            (&[("access", "private")], Some(Permission::Destination)),
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
        let walkers = [("access", "yes")];
        assert_eq!(vehicle_permission(&Tags::from(&walkers[..]), Direction::Forward), None);
    }

    #[test]
    fn lists_are_checked_by_value_and_unknown_values_are_no() {
        use Permission::{Destination, No, Yes};
        let table = [
            ("forestry;agricultural", No),
            ("agricultural;forestry", No),
            ("private;agricultural", Destination),
            ("bus;taxi", No),
            ("bus; yes", Yes),
            ("destination,delivery", Destination),
            ("official", No),
            ("restricted", No),
            ("foot", No),
            ("emergency_vehicle", No),
            ("psv", No),
            ("permit", Destination),
            ("residents", Destination),
            ("something_new", No),
            ("", No),
        ];
        for (value, expected) in table {
            assert_eq!(permission_of_value(value), expected, "{value:?}");
        }
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
            (&[("oneway", "alternating"), ("junction", "roundabout")], false, Oneway::Forward),
            (&[("oneway", "yes"), ("oneway:motor_vehicle", "no")], false, Oneway::Both),
            (&[("oneway", "?")], true, Oneway::Forward),
        ];
        for (tags, is_motorway, expected) in table {
            assert_eq!(oneway(&Tags::from(*tags), *is_motorway), *expected, "{tags:?}");
        }
    }
}
