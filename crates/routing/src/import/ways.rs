//! Which ways are streets, and how they may be driven.

use super::access::{self, Direction, Oneway, Permission};
use super::pbf::Tags;
use super::speed;
use crate::RoadClass;

/// No faster than this where only cars with a destination may drive, so that a route leads through only where
/// everything else is far longer.
const DESTINATION_KMH_MAX: f64 = 10.0;
/// Between parked cars.
const PARKING_AISLE_KMH_MAX: f64 = 10.0;

/// How a street is driven.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rules {
    pub(super) class: RoadClass,
    /// Km/h along the way and against it; none where it may not be driven.
    pub(super) speed_kmh: [Option<f64>; 2],
}

/// Why a way is no street.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExclusionReason {
    /// Not a road for cars at all.
    NotARoad,
    /// A ferry, or a train that takes cars.
    Ferry,
    /// A place and not a line.
    Area,
    /// No car may drive there.
    NoAccess,
    /// The direction changes with the hour.
    Reversible,
}

/// Classifies a way by its tags.
pub(super) fn classify(tags: &Tags<'_>) -> Result<Rules, ExclusionReason> {
    if matches!(tags.get("route"), Some("ferry" | "shuttle_train")) {
        return Err(ExclusionReason::Ferry);
    }
    let class = tags.get("highway").and_then(RoadClass::from_tag).ok_or(ExclusionReason::NotARoad)?;
    if tags.get("area") == Some("yes") {
        return Err(ExclusionReason::Area);
    }
    let open = match access::oneway(tags, class == RoadClass::Motorway) {
        Oneway::Both => [true, true],
        Oneway::Forward => [true, false],
        Oneway::Backward => [false, true],
        Oneway::Reversible => return Err(ExclusionReason::Reversible),
    };
    let speed = |open: bool, direction| open.then(|| directed_kmh(tags, class, direction)).flatten();
    let speed_kmh = [speed(open[0], Direction::Forward), speed(open[1], Direction::Backward)];
    if speed_kmh == [None, None] {
        return Err(ExclusionReason::NoAccess);
    }
    Ok(Rules { class, speed_kmh })
}

/// The speed in one direction, unless cars may not drive there.
fn directed_kmh(tags: &Tags<'_>, class: RoadClass, direction: Direction) -> Option<f64> {
    let speed_kmh = speed::speed_kmh(tags, class, direction);
    let speed_kmh = match tags.get("service") {
        Some("emergency_access") => return None,
        Some("parking_aisle") => speed_kmh.min(PARKING_AISLE_KMH_MAX),
        _ => speed_kmh,
    };
    match access::permission(tags, direction) {
        None | Some(Permission::Yes) => Some(speed_kmh),
        Some(Permission::Destination) => Some(speed_kmh.min(DESTINATION_KMH_MAX)),
        Some(Permission::No) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::pbf::TagList;
    use super::*;

    /// Along the way and against it, or why there are none.
    type Speeds = Result<[Option<f64>; 2], ExclusionReason>;

    #[test]
    fn ways_are_classified_by_their_tags() {
        let street = |forward, backward| Ok([forward, backward]);
        let table: &[(&TagList<'_>, Speeds)] = &[
            (&[("highway", "residential")], street(Some(30.0), Some(30.0))),
            (&[("highway", "residential"), ("oneway", "yes")], street(Some(30.0), None)),
            (&[("highway", "residential"), ("oneway", "-1")], street(None, Some(30.0))),
            (&[("highway", "motorway")], street(Some(110.0), None)),
            (&[("highway", "motorway_link")], street(Some(60.0), Some(60.0))),
            (&[("highway", "primary"), ("junction", "roundabout")], street(Some(60.0), None)),
            (
                &[("highway", "primary"), ("maxspeed", "50"), ("access", "destination")],
                street(Some(10.0), Some(10.0)),
            ),
            (&[("highway", "service"), ("service", "parking_aisle")], street(Some(10.0), Some(10.0))),
            (&[("highway", "residential"), ("motor_vehicle:backward", "no")], street(Some(30.0), None)),
            (&[("highway", "footway"), ("motor_vehicle", "yes")], Err(ExclusionReason::NotARoad)),
            (&[("building", "yes")], Err(ExclusionReason::NotARoad)),
            (&[("route", "ferry"), ("highway", "primary")], Err(ExclusionReason::Ferry)),
            (&[("highway", "service"), ("area", "yes")], Err(ExclusionReason::Area)),
            (&[("highway", "service"), ("access", "private")], Err(ExclusionReason::NoAccess)),
            (&[("highway", "service"), ("service", "emergency_access")], Err(ExclusionReason::NoAccess)),
            (
                &[("highway", "residential"), ("oneway", "yes"), ("vehicle:forward", "no")],
                Err(ExclusionReason::NoAccess),
            ),
            (&[("highway", "primary"), ("oneway", "reversible")], Err(ExclusionReason::Reversible)),
        ];
        for (tags, expected) in table {
            assert_eq!(classify(&Tags::from(*tags)).map(|rules| rules.speed_kmh), *expected, "{tags:?}");
        }
    }
}
