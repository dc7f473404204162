//! Whether a node of a street stops cars: barriers, and access tags of nodes.

use super::access::{self, Direction, Permission};
use super::pbf::Tags;
use super::size;
use crate::import::options::Vehicle;
use crate::import::streets::Passage;

/// Barriers that cars drive through. Every barrier that is in neither list stops them.
const OPEN: [&str; 11] = [
    "no",
    "arch",
    "border_control",
    "cattle_grid",
    "checkpoint",
    "entrance",
    "height_restrictor",
    "sally_port",
    "speed_bump",
    "toll_booth",
    "weight_restrictor",
];

/// Barriers that open for those who have business behind them.
const GATES: [&str; 7] =
    ["bump_gate", "gate", "hampshire_gate", "lift_gate", "sliding_beam", "sliding_gate", "swing_gate"];

/// How a car passes a node.
pub(super) fn passage(node: &Tags<'_>, vehicle: &Vehicle) -> Passage {
    if !size::fits(node, vehicle) {
        return Passage::Closed;
    }
    match access::permission(node, Direction::Forward) {
        Some(Permission::Yes) => Passage::Open,
        Some(Permission::Destination) if node.get("locked") == Some("yes") => Passage::Closed,
        Some(Permission::Destination) => Passage::Gate,
        Some(Permission::No) => Passage::Closed,
        None => node.get("barrier").map_or(Passage::Open, |kind| of_barrier(kind, node)),
    }
}

fn of_barrier(kind: &str, node: &Tags<'_>) -> Passage {
    let has = |key: &str, values: &[&str]| node.get(key).is_some_and(|value| values.contains(&value));
    let is_open = match kind {
        "bollard" => has("bollard", &["rising"]),
        // A kerb across a street is a mistake for the crossing next to it.
        "kerb" => has("kerb", &["lowered", "flush"]) || has("highway", &["crossing"]),
        // A sound or a signal that only keeps animals in.
        "fence" => has("sensory", &["audible", "audio"]),
        _ => OPEN.contains(&kind),
    };
    if is_open {
        Passage::Open
    } else if GATES.contains(&kind) && node.get("locked") != Some("yes") {
        Passage::Gate
    } else {
        Passage::Closed
    }
}

/// Whether there is room to turn round at a node.
pub(super) fn is_turning_place(node: &Tags<'_>) -> bool {
    matches!(node.get("highway"), Some("turning_circle" | "turning_loop" | "mini_roundabout"))
}

#[cfg(test)]
mod tests {
    use super::super::pbf::TagList;
    use super::*;

    #[test]
    fn barriers_stop_cars_unless_they_are_known_to_open() {
        use Passage::{Closed, Gate, Open};
        let table: &[(&TagList<'_>, Passage)] = &[
            (&[], Open),
            (&[("highway", "crossing")], Open),
            (&[("barrier", "bollard")], Closed),
            (&[("barrier", "bollard"), ("bollard", "rising")], Open),
            (&[("barrier", "bollard"), ("bollard", "removable")], Closed),
            (&[("barrier", "bollard"), ("motor_vehicle", "yes")], Open),
            (&[("barrier", "planter")], Closed),
            (&[("barrier", "bus_trap")], Closed),
            (&[("barrier", "wall")], Closed),
            (&[("barrier", "fence")], Closed),
            (&[("barrier", "fence"), ("sensory", "audible")], Open),
            (&[("barrier", "something_new")], Closed),
            (&[("barrier", "toll_booth")], Open),
            (&[("barrier", "cattle_grid")], Open),
            (&[("barrier", "kerb")], Closed),
            (&[("barrier", "kerb"), ("kerb", "lowered")], Open),
            (&[("barrier", "kerb"), ("highway", "crossing")], Open),
            (&[("barrier", "gate")], Gate),
            (&[("barrier", "gate"), ("locked", "yes")], Closed),
            (&[("barrier", "gate"), ("access", "private")], Gate),
            (&[("barrier", "gate"), ("access", "private"), ("locked", "yes")], Closed),
            (&[("barrier", "gate"), ("access", "yes")], Open),
            (&[("barrier", "lift_gate"), ("access", "forestry")], Closed),
            (&[("barrier", "height_restrictor"), ("maxheight", "1.8")], Closed),
            (&[("barrier", "height_restrictor"), ("maxheight", "2.5")], Open),
            (&[("barrier", "height_restrictor")], Open),
        ];
        for (tags, expected) in table {
            assert_eq!(passage(&Tags::from(*tags), &Vehicle::CAR), *expected, "{tags:?}");
        }
    }
}
