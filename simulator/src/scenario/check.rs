//! The validation of a scenario, before its data are read.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use kerb_geometry::{Circle, LatLng, Polygon, Vertex};

use crate::scenario::Scenario;
use crate::scenario::behavior::{DriverBehavior, Faults, RiderBehavior, Tunnel};
use crate::scenario::error::ScenarioError;
use crate::scenario::settings::{
    BoundingBox, Demand, DemandSource, Fleet, FleetSource, GeoPoint, HotSpot, StreetSource, Streets,
    VehicleClass,
};

type CheckResult = Result<(), ScenarioError>;

const SHARE: RangeInclusive<f64> = 0.0..=1.0;
/// Maximum length of a run: a week, seconds.
const DURATION_S_MAX: u32 = 604_800;
/// Maximum length of a drain: a day, seconds.
const DRAIN_S_MAX: u32 = 86_400;
/// Range of the factors on travel times.
const FACTOR: RangeInclusive<f64> = 0.1..=20.0;
const HOURS: usize = 24;

pub(super) fn check(scenario: &Scenario) -> CheckResult {
    let name = &scenario.name;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
        let expected = "1 to 64 small letters, digits and `-`";
        return Err(ScenarioError::value("name", format!("{name:?}"), expected));
    }
    if kerb_loadgen::recorded::trips::parse_time(&scenario.from).is_none() {
        let expected = "a time like 2008-05-22T17:00:00-07:00";
        return Err(ScenarioError::value("from", format!("{:?}", scenario.from), expected));
    }
    whole("duration_s", scenario.duration_s, 1..=DURATION_S_MAX)?;
    if let Some(warm_up_s) = scenario.warm_up_s {
        whole("warm_up_s", warm_up_s, 0..=scenario.duration_s - 1)?;
    }
    whole("drain_s", scenario.drain_s, 0..=DRAIN_S_MAX)?;
    whole("report_every_ms", scenario.report_every_ms, 100..=600_000)?;
    whole("sample_every_s", scenario.sample_every_s, 1..=DURATION_S_MAX)?;
    streets(&scenario.streets)?;
    demand(&scenario.demand)?;
    fleet(&scenario.fleet)?;
    classes(&scenario.classes)?;
    riders(&scenario.riders)?;
    drivers(&scenario.drivers)?;
    faults(&scenario.faults)?;
    matcher(scenario)
}

/// Validates the service's settings by its own rules, and the vehicle classes.
fn matcher(scenario: &Scenario) -> CheckResult {
    let table = toml::Table::from_iter([("matcher".to_owned(), scenario.matcher.clone().into())]);
    let settings: kerb::Settings = toml::Value::Table(table)
        .try_into()
        .map_err(|error| ScenarioError::Syntax(format!("matcher: {}", error.to_string().trim())))?;
    if let Some(error) = settings.validate().into_iter().next() {
        return Err(ScenarioError::Syntax(error.to_string()));
    }
    let known = settings.fleet.vehicle_classes;
    let is_unknown = |(_, class): &(usize, &VehicleClass)| !known.contains(&class.name);
    match scenario.classes.iter().enumerate().find(is_unknown) {
        Some((index, class)) => {
            let expected = format!("a class that the service knows: {}", known.join(", "));
            Err(ScenarioError::value(format!("classes[{index}].name"), format!("{:?}", class.name), expected))
        }
        None => Ok(()),
    }
}

fn streets(streets: &Streets) -> CheckResult {
    real("streets.slowness", streets.slowness, FACTOR)?;
    by_hour("streets.slowness_by_hour", &streets.slowness_by_hour, FACTOR)?;
    real("streets.snap_max_m", streets.snap_max_m, 1.0..=10_000.0)?;
    match &streets.source {
        StreetSource::Pbf { .. } | StreetSource::Csv { .. } | StreetSource::Kerb { .. } => Ok(()),
        StreetSource::Grid { center, streets, block_m } => {
            place("streets.source.center", *center)?;
            real("streets.source.center.lat", center.lat, -80.0..=80.0)?;
            whole("streets.source.streets", *streets, 2..=300)?;
            real("streets.source.block_m", *block_m, 10.0..=5_000.0)
        }
        StreetSource::Straight { speed_kmh, detour } => {
            real("streets.source.speed_kmh", *speed_kmh, 1.0..=300.0)?;
            real("streets.source.detour", *detour, 1.0..=10.0)
        }
    }
}

fn demand(demand: &Demand) -> CheckResult {
    real("demand.scale", demand.scale, 0.0..=100.0)?;
    for (index, burst) in demand.bursts.iter().enumerate() {
        whole(format!("demand.bursts[{index}].for_s"), burst.for_s, 1..=DURATION_S_MAX)?;
        real(format!("demand.bursts[{index}].factor"), burst.factor, 0.0..=1_000.0)?;
    }
    match &demand.source {
        DemandSource::Trips { .. } => Ok(()),
        DemandSource::Zones { weekday, days, .. } => {
            whole("demand.source.weekday", u32::from(*weekday), 0..=6)?;
            real("demand.source.days", *days, 1.0..=100_000.0)
        }
        DemandSource::Field {
            rate_per_h,
            by_hour: factors,
            pickups,
            dropoffs,
            anywhere,
            area,
            ride_min_m,
        } => {
            real("demand.source.rate_per_h", *rate_per_h, 0.001..=10_000_000.0)?;
            by_hour("demand.source.by_hour", factors, 0.0..=1_000.0)?;
            spots("demand.source.pickups", pickups)?;
            spots("demand.source.dropoffs", dropoffs)?;
            real("demand.source.anywhere", *anywhere, SHARE)?;
            real("demand.source.ride_min_m", *ride_min_m, 0.0..=1_000_000.0)?;
            check_area(area)
        }
    }
}

fn check_area(area: &BoundingBox) -> CheckResult {
    let field = "demand.source.area";
    place(field, GeoPoint { lat: area.south, lon: area.west })?;
    place(field, GeoPoint { lat: area.north, lon: area.east })?;
    if area.south < area.north && area.west < area.east {
        return Ok(());
    }
    let value = format!("{} to {}, {} to {}", area.south, area.north, area.west, area.east);
    Err(ScenarioError::value(field, value, "south below north, and west below east"))
}

fn spots(field: &str, spots: &[HotSpot]) -> CheckResult {
    for (index, spot) in spots.iter().enumerate() {
        let field = format!("{field}[{index}]");
        place(&field, GeoPoint { lat: spot.lat, lon: spot.lon })?;
        real(format!("{field}.spread_m"), spot.spread_m, 0.0..=100_000.0)?;
        real(format!("{field}.weight"), spot.weight, 0.0..=1_000_000.0)?;
    }
    let weight: f64 = spots.iter().map(|spot| spot.weight).sum();
    if !spots.is_empty() && weight <= 0.0 {
        return Err(ScenarioError::value(format!("{field}.weight"), weight, "above 0 for one of them"));
    }
    Ok(())
}

fn fleet(fleet: &Fleet) -> CheckResult {
    let most = 1..=1_000_000;
    match &fleet.source {
        FleetSource::Starts { shift_h, drivers_max, .. } => {
            whole("fleet.source.drivers_max", *drivers_max, most)?;
            span("fleet.source.shift_h", shift_h.unwrap_or([1.0; 2]), 0.01..=168.0)
        }
        FleetSource::Pings { drivers_max, .. } => whole("fleet.source.drivers_max", *drivers_max, most),
        FleetSource::Placed { drivers, shift_h } => {
            whole("fleet.source.drivers", *drivers, most)?;
            span("fleet.source.shift_h", shift_h.unwrap_or([1.0; 2]), 0.01..=168.0)
        }
    }
}

fn classes(classes: &[VehicleClass]) -> CheckResult {
    let mut names = BTreeSet::new();
    for (index, class) in classes.iter().enumerate() {
        let field = |name: &str| format!("classes[{index}].{name}");
        if class.name.is_empty() || !names.insert(&class.name) {
            let value = format!("{:?}", class.name);
            return Err(ScenarioError::value(field("name"), value, "a name that no other class has"));
        }
        whole(field("seats"), class.seats, 1..=16)?;
        real(field("fleet"), class.fleet, 0.0..=1_000_000.0)?;
        real(field("riders"), class.riders, 0.0..=1_000_000.0)?;
    }
    let has = |share: fn(&VehicleClass) -> f64| classes.iter().any(|class| share(class) > 0.0);
    if !has(|class| class.fleet) || !has(|class| class.riders) {
        let expected = "at least one with a share of the fleet, and one with a share of the riders";
        return Err(ScenarioError::value("classes", format!("{} classes", classes.len()), expected));
    }
    Ok(())
}

fn riders(riders: &RiderBehavior) -> CheckResult {
    real("riders.patience_s", riders.patience_s, 1.0..=3_600.0)?;
    real("riders.patience_spread", riders.patience_spread, 0.0..=3.0)?;
    real("riders.pickup_patience_s", riders.pickup_patience_s, 1.0..=3_600.0)?;
    real("riders.pickup_patience_spread", riders.pickup_patience_spread, 0.0..=3.0)?;
    real("riders.random_cancel_rate", riders.random_cancel_rate, SHARE)?;
    span("riders.boarding_s", riders.boarding_s, 0.0..=3_600.0)?;
    if riders.stars_s.iter().all(|s| *s >= 0.0) && riders.stars_s.is_sorted() {
        return Ok(());
    }
    Err(ScenarioError::value("riders.stars_s", format!("{:?}", riders.stars_s), "four rising numbers from 0"))
}

fn drivers(drivers: &DriverBehavior) -> CheckResult {
    span("drivers.think_ms", drivers.think_ms.map(f64::from), 0.0..=60_000.0)?;
    real("drivers.decline", drivers.decline, SHARE)?;
    real("drivers.decline_per_min", drivers.decline_per_min, SHARE)?;
    real("drivers.offer_timeout_rate", drivers.offer_timeout_rate, SHARE)?;
    real("drivers.cruise", drivers.cruise, SHARE)?;
    real("drivers.cruise_m", drivers.cruise_m, 0.0..=100_000.0)?;
    real("drivers.reposition", drivers.reposition, SHARE)?;
    real("drivers.reposition_after_s", drivers.reposition_after_s, 1.0..=86_400.0)?;
    let Some(breaks) = &drivers.breaks else { return Ok(()) };
    span("drivers.breaks.every_min", breaks.every_min, 1.0..=1_440.0)?;
    span("drivers.breaks.for_min", breaks.for_min, 0.0..=1_440.0)
}

fn faults(faults: &Faults) -> CheckResult {
    real("faults.gps_noise_m", faults.gps_noise_m, 0.0..=1_000.0)?;
    real("faults.drop_reports", faults.drop_reports, SHARE)?;
    real("faults.delay_reports", faults.delay_reports, SHARE)?;
    span("faults.delay_ms", faults.delay_ms.map(f64::from), 0.0..=600_000.0)?;
    real("faults.drop_actions", faults.drop_actions, SHARE)?;
    real("faults.drop_offers", faults.drop_offers, SHARE)?;
    real("faults.cuts_per_h", faults.cuts_per_h, 0.0..=1_000.0)?;
    span("faults.cut_s", faults.cut_s, 0.0..=3_600.0)?;
    faults.tunnels.iter().enumerate().try_for_each(|(index, tunnel)| check_tunnel(index, tunnel))
}

fn check_tunnel(index: usize, tunnel: &Tunnel) -> CheckResult {
    let field = format!("faults.tunnels[{index}]");
    match tunnel {
        Tunnel::Circle { center, radius_m } => {
            let at = position(&field, *center)?;
            let circle = Circle::new(at, *radius_m).map(drop);
            circle.map_err(|_error| ScenarioError::value(format!("{field}.radius_m"), radius_m, "above 0"))
        }
        Tunnel::Polygon { polygon } => {
            polygon.iter().try_for_each(|corner| place(&field, *corner))?;
            let corner = |corner: &GeoPoint| Vertex::new(corner.lat, corner.lon).expect("checked above");
            let made = Polygon::with_holes(polygon.iter().map(corner).collect(), Vec::new()).map(drop);
            made.map_err(|error| {
                let value = format!("{} corners", polygon.len());
                ScenarioError::value(format!("{field}.polygon"), value, format!("a polygon: {error}"))
            })
        }
    }
}

fn position(field: &str, at: GeoPoint) -> Result<LatLng, ScenarioError> {
    let expected = "latitude -90 to 90, longitude -180 to 180 degrees";
    at.lat_lng().map_err(|_error| ScenarioError::value(field, format!("{}, {}", at.lat, at.lon), expected))
}

fn place(field: &str, at: GeoPoint) -> CheckResult {
    position(field, at).map(drop)
}

/// Validates factors by hour: none, or one for each hour of a day.
fn by_hour(field: &str, factors: &[f64], range: RangeInclusive<f64>) -> CheckResult {
    if !factors.is_empty() && factors.len() != HOURS {
        return Err(ScenarioError::value(field, format!("{} factors", factors.len()), "24 or none"));
    }
    factors.iter().try_for_each(|factor| real(field, *factor, range.clone()))
}

/// Validates a pair of the shortest and the longest value.
fn span(field: &str, [least, most]: [f64; 2], range: RangeInclusive<f64>) -> CheckResult {
    real(field, least, range.clone())?;
    real(field, most, range)?;
    if least <= most {
        return Ok(());
    }
    Err(ScenarioError::value(field, format!("[{least}, {most}]"), "the shorter one first"))
}

fn whole(field: impl Into<String>, value: u32, range: RangeInclusive<u32>) -> CheckResult {
    if range.contains(&value) {
        return Ok(());
    }
    Err(ScenarioError::value(field, value, format!("{} to {}", range.start(), range.end())))
}

fn real(field: impl Into<String>, value: f64, range: RangeInclusive<f64>) -> CheckResult {
    // A range contains no NaN.
    if range.contains(&value) {
        return Ok(());
    }
    Err(ScenarioError::value(field, value, format!("{} to {}", range.start(), range.end())))
}
