//! Classifies ways: whether a way is a street, in which directions it may be driven, and how fast.

use super::access::{self, Direction, Oneway, Permission};
use super::conditional;
use super::pbf::Tags;
use super::{size, speed, surface};
use crate::import::options::ImportOptions;
use crate::import::streets::Lane;
use crate::network::RoadClass;

/// The highest speed in km/h between parked cars.
const PARKING_AISLE_KMH_MAX: f64 = 10.0;
/// The speed in km/h of a ferry or a car train that does not state how long it takes.
const FERRY_KMH: f64 = 12.0;

/// Values of `highway` that stay closed regardless of the access tags.
const NEVER_DRIVEN: [&str; 13] = [
    "abandoned",
    "bus_stop",
    "construction",
    "corridor",
    "disused",
    "elevator",
    "ladder",
    "no",
    "planned",
    "platform",
    "proposed",
    "razed",
    "steps",
];
/// Values of `highway` where `access` is about people on foot, so that only a tag about vehicles opens them to cars.
const WALKED: [&str; 5] = ["bridleway", "cycleway", "footway", "path", "pedestrian"];

/// The class and the directions of a street.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StreetRules {
    pub(super) class: RoadClass,
    /// What holds along the way and against it; `None` for a closed direction.
    pub(super) lanes: [Option<Lane>; 2],
    pub(super) is_ferry: bool,
    /// The time over the whole way in seconds, if the way states it.
    pub(super) duration_s: Option<f64>,
    /// The number of conditional tags that depend on something else than the hour of the week.
    pub(super) ignored_conditions: u64,
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
    /// The way is under construction or destroyed.
    Impassable,
    /// The vehicle is too large or too heavy.
    TooSmall,
}

/// Classifies a way by its tags.
pub(super) fn classify(tags: &Tags<'_>, options: &ImportOptions) -> Result<StreetRules, ExclusionReason> {
    let is_ferry = matches!(tags.get("route"), Some("ferry" | "shuttle_train"));
    if is_ferry && !options.ferries {
        return Err(ExclusionReason::Ferry);
    }
    let kind = if is_ferry { Some(RoadKind::Road(RoadClass::Service)) } else { kind(tags) };
    let kind = kind.ok_or(ExclusionReason::NotARoad)?;
    let (RoadKind::Road(class) | RoadKind::Opened { class, .. }) = kind;
    if tags.get("area") == Some("yes") {
        return Err(ExclusionReason::Area);
    }
    if surface::is_impassable(tags) {
        return Err(ExclusionReason::Impassable);
    }
    if !size::fits(tags, &options.vehicle) {
        return Err(ExclusionReason::TooSmall);
    }
    let open = match access::oneway(tags, class == RoadClass::Motorway) {
        Oneway::Both => [true, true],
        Oneway::Forward => [true, false],
        Oneway::Backward => [false, true],
        Oneway::Reversible => return Err(ExclusionReason::Reversible),
    };
    let mut ignored_conditions = 0;
    let mut lane = |open: bool, direction| {
        let mut lane = open.then(|| lane(tags, kind, is_ferry, direction)).flatten()?;
        let (closed, ignored) = conditional::closed_hours(tags, direction);
        lane.closed_hours = closed;
        ignored_conditions += ignored;
        Some(lane)
    };
    let lanes = [lane(open[0], Direction::Forward), lane(open[1], Direction::Backward)];
    if lanes == [None, None] {
        return Err(ExclusionReason::NoAccess);
    }
    let duration_s = if is_ferry { tags.get("duration").and_then(duration_s) } else { None };
    Ok(StreetRules { class, lanes, is_ferry, duration_s, ignored_conditions })
}

/// Why cars may use a way.
#[derive(Debug, Clone, Copy)]
enum RoadKind {
    /// Roads are open to cars without a tag.
    Road(RoadClass),
    /// Other ways need a tag that opens them, direction by direction.
    Opened { class: RoadClass, is_walked: bool },
}

/// The kind of a way; `None` for a way without cars.
fn kind(tags: &Tags<'_>) -> Option<RoadKind> {
    let highway = tags.get("highway")?;
    if let Some(class) = RoadClass::from_tag(highway) {
        return Some(RoadKind::Road(class));
    }
    match highway {
        // Roads over frozen land and water.
        "winter_road" | "ice_road" => return Some(RoadKind::Road(RoadClass::Service)),
        _ if NEVER_DRIVEN.contains(&highway) => return None,
        _ => {}
    }
    let is_walked = WALKED.contains(&highway);
    let open = |direction| opened(tags, is_walked, direction).is_some_and(|opened| opened != Permission::No);
    // Cars go at walking pace among people on foot, and about as fast as on service roads elsewhere.
    let class = if is_walked { RoadClass::LivingStreet } else { RoadClass::Service };
    let is_open = open(Direction::Forward) || open(Direction::Backward);
    is_open.then_some(RoadKind::Opened { class, is_walked })
}

/// What the tags of a way that is no road permit.
fn opened(tags: &Tags<'_>, is_walked: bool, direction: Direction) -> Option<Permission> {
    if is_walked { access::vehicle_permission(tags, direction) } else { access::permission(tags, direction) }
}

/// What holds in one direction; `None` when it is closed to cars.
fn lane(tags: &Tags<'_>, kind: RoadKind, is_ferry: bool, direction: Direction) -> Option<Lane> {
    let (RoadKind::Road(class) | RoadKind::Opened { class, .. }) = kind;
    let speed_kmh = if is_ferry { FERRY_KMH } else { speed::speed_kmh(tags, class, direction) };
    let speed_kmh = match tags.get("service") {
        Some("emergency_access") => return None,
        Some("parking_aisle") => speed_kmh.min(PARKING_AISLE_KMH_MAX),
        _ => speed_kmh,
    };
    let speed_kmh = speed_kmh.min(surface::speed_max_kmh(tags));
    let permission = match kind {
        RoadKind::Road(_) => access::permission(tags, direction),
        RoadKind::Opened { is_walked, .. } => Some(opened(tags, is_walked, direction)?),
    };
    match permission {
        None | Some(Permission::Yes) => Some(Lane::open(speed_kmh)),
        Some(Permission::Destination) => Some(Lane { is_restricted: true, ..Lane::open(speed_kmh) }),
        Some(Permission::No) => None,
    }
}

/// Parses the `duration` of a ferry: `hh:mm`, `hh:mm:ss`, minutes, or ISO 8601 such as `PT1H20M`.
fn duration_s(value: &str) -> Option<f64> {
    let seconds = match value.strip_prefix("PT") {
        Some(iso) => iso_duration_s(iso)?,
        None => clock_duration_s(value)?,
    };
    (seconds.is_finite() && seconds > 0.0).then_some(seconds)
}

/// Parses hours, minutes and seconds with their letters, as in `1H20M`.
fn iso_duration_s(text: &str) -> Option<f64> {
    let (mut seconds, mut number) = (0.0, String::new());
    for c in text.chars() {
        let unit_s = match c {
            'H' => 3_600.0,
            'M' => 60.0,
            'S' => 1.0,
            _ => {
                number.push(c);
                continue;
            }
        };
        seconds += std::mem::take(&mut number).parse::<f64>().ok()? * unit_s;
    }
    Some(seconds)
}

/// Parses `hh:mm:ss`, `hh:mm` or minutes.
fn clock_duration_s(text: &str) -> Option<f64> {
    let parts = text.split(':').map(|part| part.trim().parse::<f64>().ok());
    match parts.collect::<Option<Vec<_>>>()?[..] {
        [minutes] => Some(minutes * 60.0),
        [hours, minutes] => Some(hours * 3_600.0 + minutes * 60.0),
        [hours, minutes, seconds] => Some(hours * 3_600.0 + minutes * 60.0 + seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::pbf::TagList;
    use super::*;

    /// The speeds along the way and against it, or why the way is excluded.
    type Speeds = Result<[Option<f64>; 2], ExclusionReason>;

    fn speeds(tags: &TagList<'_>, options: &ImportOptions) -> Speeds {
        let rules = classify(&Tags::from(tags), options);
        rules.map(|rules| rules.lanes.map(|lane| lane.map(|lane| lane.speed_kmh)))
    }

    #[test]
    fn ways_are_classified_by_their_tags() {
        use ExclusionReason::{Area, Ferry, Impassable, NoAccess, NotARoad, Reversible, TooSmall};
        let street = |forward, backward| Ok([forward, backward]);
        let both = |kmh| Ok([Some(kmh), Some(kmh)]);
        let table: &[(&TagList<'_>, Speeds)] = &[
            (&[("highway", "residential")], both(30.0)),
            (&[("highway", "residential"), ("oneway", "yes")], street(Some(30.0), None)),
            (&[("highway", "residential"), ("oneway", "-1")], street(None, Some(30.0))),
            (&[("highway", "motorway")], street(Some(110.0), None)),
            (&[("highway", "motorway_link")], both(60.0)),
            (&[("highway", "primary"), ("junction", "roundabout")], street(Some(60.0), None)),
            (&[("highway", "primary"), ("maxspeed", "50"), ("access", "destination")], both(50.0)),
            (&[("highway", "service"), ("service", "parking_aisle")], both(10.0)),
            (&[("highway", "residential"), ("motor_vehicle:backward", "no")], street(Some(30.0), None)),
            (&[("highway", "primary"), ("maxspeed", "80"), ("surface", "cobblestone")], both(30.0)),
            (&[("highway", "service"), ("access", "private")], both(15.0)),
            (&[("highway", "track")], Err(NotARoad)),
            (&[("highway", "track"), ("motor_vehicle", "yes")], both(15.0)),
            (&[("highway", "track"), ("motor_vehicle", "forestry")], Err(NotARoad)),
            (&[("highway", "footway"), ("access", "yes")], Err(NotARoad)),
            (&[("highway", "footway"), ("motor_vehicle", "yes")], both(10.0)),
            (&[("highway", "pedestrian"), ("motor_vehicle", "delivery")], both(10.0)),
            (&[("highway", "steps"), ("motor_vehicle", "yes")], Err(NotARoad)),
            (&[("highway", "pedestrian"), ("vehicle:forward", "yes")], street(Some(10.0), None)),
            (&[("highway", "winter_road")], both(15.0)),
            (&[("building", "yes")], Err(NotARoad)),
            (&[("route", "ferry"), ("highway", "primary")], Err(Ferry)),
            (&[("highway", "service"), ("area", "yes")], Err(Area)),
            (&[("highway", "service"), ("access", "no")], Err(NoAccess)),
            (&[("highway", "service"), ("service", "emergency_access")], Err(NoAccess)),
            (&[("highway", "residential"), ("oneway", "yes"), ("vehicle:forward", "no")], Err(NoAccess)),
            (&[("highway", "primary"), ("oneway", "reversible")], Err(Reversible)),
            (&[("highway", "primary"), ("oneway", "alternating")], both(60.0)),
            (&[("highway", "primary"), ("construction", "yes")], Err(Impassable)),
            (&[("highway", "primary"), ("maxheight", "1.5")], Err(TooSmall)),
        ];
        for (tags, expected) in table {
            assert_eq!(speeds(tags, &ImportOptions::default()), *expected, "{tags:?}");
        }
    }

    #[test]
    fn ends_only_streets_are_marked_by_direction() {
        let tags = [("highway", "residential"), ("motor_vehicle:backward", "destination")];
        let rules = classify(&Tags::from(&tags[..]), &ImportOptions::default()).unwrap();
        assert_eq!(rules.lanes.map(|lane| lane.unwrap().is_restricted), [false, true]);
    }

    #[test]
    fn ferries_are_links_when_the_import_wants_them() {
        let options = ImportOptions { ferries: true, ..ImportOptions::default() };
        let boat = [("route", "ferry"), ("duration", "00:20")];
        let rules = classify(&Tags::from(&boat[..]), &options).unwrap();
        assert!(rules.is_ferry);
        assert_eq!(rules.duration_s, Some(1_200.0));
        assert_eq!(speeds(&[("route", "ferry")], &options), Ok([Some(12.0), Some(12.0)]));
        let no_cars = [("route", "ferry"), ("motor_vehicle", "no")];
        assert_eq!(speeds(&no_cars, &options), Err(ExclusionReason::NoAccess));
        assert_eq!(duration_s("PT1H5M"), Some(3_900.0));
        assert_eq!((duration_s("15"), duration_s("soon"), duration_s("0")), (Some(900.0), None, None));
    }
}
