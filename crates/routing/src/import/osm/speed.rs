//! The speed of a street: its limit in many spellings, or the default of its class.

use super::access::Direction;
use super::pbf::Tags;
use crate::network::RoadClass;

const KMH_PER_MPH: f64 = 1.609_344;
const KMH_PER_KNOT: f64 = 1.852;
/// Walking pace in km/h, as German and Austrian courts interpret it.
const WALK_KMH: f64 = 7.0;
/// The speed in km/h without a limit: the recommended speed of German motorways.
const NO_LIMIT_KMH: f64 = 130.0;
/// The range of plausible limits for cars in km/h. Values outside of it are ignored.
const LIMITS_KMH: std::ops::RangeInclusive<f64> = 1.0..=200.0;

/// The legal limits by country in km/h: urban, rural, trunk and motorway, from OpenStreetMap's list "Default speed
/// limits". The first row is for all other countries.
const BY_LAW: [(&str, [f64; 4]); 17] = [
    ("", [50.0, 90.0, 110.0, 120.0]),
    ("AT", [50.0, 100.0, 100.0, 130.0]),
    ("BE", [50.0, 70.0, 120.0, 120.0]),
    ("CH", [50.0, 80.0, 100.0, 120.0]),
    ("CZ", [50.0, 90.0, 110.0, 130.0]),
    ("DE", [50.0, 100.0, 130.0, 130.0]),
    ("DK", [50.0, 80.0, 80.0, 130.0]),
    ("ES", [50.0, 90.0, 90.0, 120.0]),
    ("FR", [50.0, 80.0, 110.0, 130.0]),
    ("GB", [48.280_32, 96.560_64, 112.654_08, 112.654_08]),
    ("IT", [50.0, 90.0, 110.0, 130.0]),
    ("NL", [50.0, 80.0, 100.0, 100.0]),
    ("NO", [50.0, 80.0, 80.0, 90.0]),
    ("PL", [50.0, 90.0, 100.0, 140.0]),
    ("RO", [50.0, 90.0, 100.0, 130.0]),
    ("RU", [60.0, 90.0, 90.0, 110.0]),
    ("SE", [50.0, 70.0, 90.0, 110.0]),
];

/// The speed in one direction in km/h: the limit of the direction, of the street, or of the zone; else the default of
/// the class. An advisory limit lowers it.
pub(super) fn speed_kmh(tags: &Tags<'_>, class: RoadClass, direction: Direction) -> f64 {
    let [directed, advisory] = match direction {
        Direction::Forward => ["maxspeed:forward", "maxspeed:advisory:forward"],
        Direction::Backward => ["maxspeed:backward", "maxspeed:advisory:backward"],
    };
    let keys = [
        "maxspeed:motorcar",
        directed,
        "maxspeed",
        "maxspeed:type",
        "source:maxspeed",
        "zone:maxspeed",
        "zone:traffic",
    ];
    let first = |keys: &[&str]| keys.iter().find_map(|key| tags.get(key).and_then(limit_kmh));
    let legal = first(&keys).unwrap_or_else(|| class.default_speed_kmh());
    first(&[advisory, "maxspeed:advisory"]).map_or(legal, |advised| advised.min(legal))
}

/// Whether a limit is a number that no car drives, such as 0 or 1e9.
pub(in crate::import) fn is_implausible(value: &str) -> bool {
    value.trim().parse::<f64>().is_ok_and(|kmh| !LIMITS_KMH.contains(&kmh))
}

/// Parses a limit in km/h; the lowest of several. `None` for a value without a fixed limit, such as `signals`.
pub(in crate::import) fn limit_kmh(value: &str) -> Option<f64> {
    let limits = value.split([';', '|']).filter_map(|part| one_limit_kmh(part.trim()));
    limits.min_by(f64::total_cmp).filter(|kmh| LIMITS_KMH.contains(kmh))
}

fn one_limit_kmh(value: &str) -> Option<f64> {
    let value = value.to_ascii_lowercase();
    match value.as_str() {
        "none" => Some(NO_LIMIT_KMH),
        "walk" => Some(WALK_KMH),
        value => measured_kmh(value).or_else(|| zone_kmh(value)),
    }
}

/// Parses a number with or without a unit.
fn measured_kmh(value: &str) -> Option<f64> {
    let unit_at = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    let (number, unit) = value.split_at(unit_at);
    let number: f64 = number.parse().ok()?;
    match unit.trim() {
        "" | "km/h" | "kmh" | "kph" => Some(number),
        "mph" => Some(number * KMH_PER_MPH),
        "knots" => Some(number * KMH_PER_KNOT),
        _ => None,
    }
}

/// Parses a legal limit or a zone in lower case, such as `ro:urban`, `de:zone:30`, `fr:20`, `gb:nsl_single` or
/// `it:motorway`.
fn zone_kmh(value: &str) -> Option<f64> {
    let (place, zone) = if value.starts_with("zone") { ("", value) } else { value.split_once(':')? };
    // A state's rule starts with its country: `US-NY:urban`.
    let country = place.split('-').next().unwrap_or(place).to_ascii_uppercase();
    let country = if country == "UK" { "GB" } else { country.as_str() };
    let row = |name: &str| BY_LAW.iter().find(|(known, _)| *known == name).map(|(_, limits)| *limits);
    let [urban, rural, trunk, motorway] = row(country).or_else(|| row(""))?;
    match zone {
        "urban" if country == "US" => Some(25.0 * KMH_PER_MPH),
        "urban" | "nsl_restricted" => Some(urban),
        "rural" | "nsl_single" => Some(rural),
        "trunk" | "nsl_dual" => Some(trunk),
        "motorway" => Some(motorway),
        "living_street" | "bicycle_road" if country == "DE" || country == "AT" => Some(WALK_KMH),
        "living_street" => Some(20.0),
        _ => {
            let number = zone.strip_prefix("zone").unwrap_or(zone);
            let number: f64 = number.trim_start_matches([':', ' ']).parse().ok()?;
            // British and American zones are in miles per hour.
            Some(if country == "GB" || country == "US" { number * KMH_PER_MPH } else { number })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_spellings() {
        let table = [
            ("50", Some(50.0)),
            ("50 km/h", Some(50.0)),
            ("50kmh", Some(50.0)),
            ("25 mph", Some(40.2336)),
            ("25mph", Some(40.2336)),
            ("5 knots", Some(9.26)),
            ("7.5", Some(7.5)),
            ("none", Some(130.0)),
            ("walk", Some(7.0)),
            ("90;30;90", Some(30.0)),
            ("50|30", Some(30.0)),
            ("signals", None),
            ("variable", None),
            ("", None),
            ("0", None),
            ("999", None),
            ("fifty", None),
            ("50 furlongs", None),
            ("1.2.3", None),
            ("RO:urban", Some(50.0)),
            ("DE:rural", Some(100.0)),
            ("FR:rural", Some(80.0)),
            ("IT:motorway", Some(130.0)),
            ("XX:motorway", Some(120.0)),
            ("GB:nsl_single", Some(96.560_64)),
            ("GB:nsl_dual", Some(112.654_08)),
            ("DE:zone:30", Some(30.0)),
            ("FR:zone30", Some(30.0)),
            ("GB:zone20", Some(32.186_88)),
            ("DE:living_street", Some(7.0)),
            ("FR:living_street", Some(20.0)),
            ("US-NY:urban", Some(40.2336)),
            ("DE:zone:", None),
            ("sign", None),
            ("30 MPH", Some(48.280_32)),
            ("50 Km/h", Some(50.0)),
            ("FR:20", Some(20.0)),
            ("de:30", Some(30.0)),
            ("fr:urban", Some(50.0)),
            ("UK:zone20", Some(32.186_88)),
            ("UK:nsl_single", Some(96.560_64)),
            ("GB:20", Some(32.186_88)),
            ("zone30", Some(30.0)),
            ("zone:30", Some(30.0)),
            ("-5", None),
        ];
        for (value, expected) in table {
            match (limit_kmh(value), expected) {
                (Some(found), Some(expected)) => {
                    assert!((found - expected).abs() < 1e-9, "{value:?}: {found}");
                }
                (found, expected) => assert_eq!(found, expected, "{value:?}"),
            }
        }
    }

    #[test]
    fn most_specific_limit_is_used() {
        let speed = |tags: &[(&str, &str)], direction| {
            speed_kmh(&Tags::from(tags), RoadClass::Residential, direction).round() as u32
        };
        let (forward, backward) = (Direction::Forward, Direction::Backward);
        assert_eq!(speed(&[], forward), 30);
        let tags = [("maxspeed", "50"), ("maxspeed:forward", "30")];
        assert_eq!((speed(&tags, forward), speed(&tags, backward)), (30, 50));
        assert_eq!(speed(&[("maxspeed", "signals"), ("source:maxspeed", "DE:urban")], forward), 50);
        assert_eq!(speed(&[("source:maxspeed", "sign")], forward), 30);
        assert_eq!(speed(&[("maxspeed", "50"), ("maxspeed:advisory", "20")], forward), 20);
        assert_eq!(speed(&[("maxspeed", "20"), ("maxspeed:advisory", "50")], forward), 20);
        let tags = [("maxspeed:advisory", "25"), ("maxspeed:advisory:backward", "15")];
        assert_eq!((speed(&tags, forward), speed(&tags, backward)), (25, 15));
        assert!(is_implausible("0") && is_implausible("-5") && is_implausible("1e9"));
        assert!(!is_implausible("50") && !is_implausible("signals"));
    }
}
