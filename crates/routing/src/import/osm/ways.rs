//! Classifies ways: whether a way is a street, in which directions it may be driven, and how fast.

use super::access::{self, Direction, Oneway, Permission};
use super::pbf::Tags;
use super::speed;
use crate::network::RoadClass;

/// The highest speed in km/h on streets for destination traffic. It keeps routes from passing through, unless every
/// other route is far longer.
const DESTINATION_KMH_MAX: f64 = 10.0;
/// The highest speed in km/h between parked cars.
const PARKING_AISLE_KMH_MAX: f64 = 10.0;

/// The class and the speeds of a street.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StreetRules {
    pub(super) class: RoadClass,
    /// The speed in km/h along the way and against it; `None` for a closed direction.
    pub(super) speed_kmh: [Option<f64>; 2],
}

/// Why a way is not a street.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExclusionReason {
    /// The way is not a road for cars.
    NotARoad,
    /// The way is a ferry or a car train.
    Ferry,
    /// The way is the border of an area.
    Area,
    /// Both directions are closed to cars.
    NoAccess,
    /// The open direction changes with the time of day.
    Reversible,
}

/// Classifies a way by its tags.
pub(super) fn classify(tags: &Tags<'_>) -> Result<StreetRules, ExclusionReason> {
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
    Ok(StreetRules { class, speed_kmh })
}

/// The speed in one direction in km/h; `None` when it is closed to cars.
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

    /// The speeds along the way and against it, or why the way is excluded.
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
