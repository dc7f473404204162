//! Signs that limit the size and the weight of vehicles.

use super::pbf::Tags;
use crate::import::options::Vehicle;

const M_PER_FOOT: f64 = 0.3048;
const FEET_PER_INCH: f64 = 1.0 / 12.0;
const T_PER_POUND: f64 = 0.000_453_592;
/// An American ton.
const T_PER_SHORT_TON: f64 = 0.907_185;
/// The width of a street that only states that it is narrow, in meters.
const NARROW_M: f64 = 2.2;

/// Whether a vehicle may pass by the signs, and fits.
pub(super) fn fits(tags: &Tags<'_>, vehicle: &Vehicle) -> bool {
    let within = |keys: &[&str], parse: fn(&str) -> Option<f64>, size: f64| {
        keys.iter()
            .filter_map(|key| tags.get(key))
            .filter_map(|value| lowest(value, parse))
            .all(|limit| size <= limit)
    };
    // A sign names the largest vehicle that may pass; the width itself leaves no room for one as wide.
    let is_too_wide = ["width", "est_width"].into_iter().filter_map(|key| tags.get(key));
    let is_too_wide =
        is_too_wide.filter_map(|value| lowest(value, meters)).any(|width| width <= vehicle.width_m);
    let is_narrow = tags.get("narrow") == Some("yes") && tags.get("width").is_none();
    within(&["maxheight:physical", "maxheight"], meters, vehicle.height_m)
        && within(&["maxwidth:physical", "maxwidth"], meters, vehicle.width_m)
        && !is_too_wide
        && within(&["maxlength"], meters, vehicle.length_m)
        && within(&["maxweight", "maxweightrating"], tons, vehicle.weight_t)
        && !(is_narrow && vehicle.width_m > NARROW_M)
}

/// The lowest limit of a list. `None` when no value is a number, as in `default` or `unsigned`.
fn lowest(value: &str, parse: fn(&str) -> Option<f64>) -> Option<f64> {
    value.split(';').filter_map(|one| parse(one.trim())).min_by(f64::total_cmp)
}

/// Parses a length in meters: `2.5`, `2,5 m`, `250 cm`, `8'6"`.
fn meters(value: &str) -> Option<f64> {
    if let Some((feet, inches)) = value.split_once('\'') {
        let inches = inches.trim().trim_end_matches(['"', '\'']);
        let inches = if inches.is_empty() { 0.0 } else { inches.parse().ok()? };
        return Some((feet.trim().parse::<f64>().ok()? + inches * FEET_PER_INCH) * M_PER_FOOT);
    }
    let (number, unit) = split(value)?;
    match unit {
        "" | "m" | "meters" | "metres" => Some(number),
        "cm" => Some(number / 100.0),
        "ft" | "feet" => Some(number * M_PER_FOOT),
        "in" | "\"" => Some(number * FEET_PER_INCH * M_PER_FOOT),
        _ => None,
    }
}

/// Parses a weight in metric tons: `3.5`, `7.5 t`, `2800 kg`, `6000 lbs`, `3 st`.
fn tons(value: &str) -> Option<f64> {
    let (number, unit) = split(value)?;
    match unit {
        "" | "t" => Some(number),
        "kg" => Some(number / 1_000.0),
        "lb" | "lbs" => Some(number * T_PER_POUND),
        "st" => Some(number * T_PER_SHORT_TON),
        _ => None,
    }
}

/// The number at the start of a value, and its unit.
fn split(value: &str) -> Option<(f64, &str)> {
    let end = value.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(value.len());
    let number = value[..end].replace(',', ".").parse().ok()?;
    Some((number, value[end..].trim()))
}

#[cfg(test)]
mod tests {
    use super::super::pbf::TagList;
    use super::*;

    #[test]
    fn limits_are_compared_with_the_vehicle() {
        let table: &[(&TagList<'_>, [bool; 2])] = &[
            (&[], [true, true]),
            (&[("maxheight", "1.9")], [false, false]),
            (&[("maxheight", "2.2 m")], [true, false]),
            (&[("maxheight", "7'")], [true, false]),
            (&[("maxheight", "6'2\"")], [false, false]),
            (&[("maxheight", "default")], [true, true]),
            (&[("maxheight:physical", "210 cm")], [true, false]),
            (&[("maxwidth", "2,0")], [true, false]),
            (&[("width", "1.5")], [false, false]),
            (&[("width", "1.9")], [false, false]),
            (&[("maxwidth", "1.9")], [true, false]),
            (&[("est_width", "3")], [true, true]),
            (&[("maxlength", "5")], [true, false]),
            (&[("maxweight", "3.5")], [true, true]),
            (&[("maxweight", "2.8 t")], [true, false]),
            (&[("maxweight", "1500 kg")], [false, false]),
            (&[("maxweight", "6000 lbs")], [true, false]),
            (&[("maxweight", "7.5;3")], [true, false]),
            (&[("maxweight", "10"), ("maxweightrating", "3")], [true, false]),
            (&[("maxweight", "no number")], [true, true]),
        ];
        for (tags, expected) in table {
            let found = [Vehicle::CAR, Vehicle::VAN].map(|vehicle| fits(&Tags::from(*tags), &vehicle));
            assert_eq!(found, *expected, "{tags:?}");
        }
    }
}
