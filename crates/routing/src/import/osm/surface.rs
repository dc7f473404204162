//! The highest speeds on rough streets, by the tags for surface, smoothness and tracks.

use super::pbf::Tags;

/// The speed in km/h that a passenger bears on each surface. Asphalt and concrete have no limit of their own.
const SURFACES: [(&str, f64); 30] = [
    ("chipseal", 90.0),
    ("compacted", 60.0),
    ("fine_gravel", 60.0),
    ("paving_stones", 50.0),
    ("bricks", 50.0),
    ("metal", 50.0),
    ("metal_grid", 40.0),
    ("sett", 40.0),
    ("wood", 30.0),
    ("grass_paver", 30.0),
    ("cobblestone", 30.0),
    ("unhewn_cobblestone", 20.0),
    ("unpaved", 40.0),
    ("gravel", 40.0),
    ("pebblestone", 30.0),
    ("ground", 30.0),
    ("dirt", 30.0),
    ("earth", 25.0),
    ("clay", 25.0),
    ("grass", 20.0),
    ("laterite", 20.0),
    ("rock", 15.0),
    ("rocky", 15.0),
    ("stone", 15.0),
    ("sand", 15.0),
    ("mud", 10.0),
    ("woodchips", 15.0),
    ("snow", 30.0),
    ("ice", 20.0),
    ("salt", 40.0),
];

/// The speed in km/h for each grade of smoothness.
const SMOOTHNESS: [(&str, f64); 6] = [
    ("intermediate", 80.0),
    ("bad", 40.0),
    ("very_bad", 20.0),
    ("horrible", 10.0),
    ("very_horrible", 5.0),
    ("impassable", 0.0),
];

/// The speed in km/h for each grade of a track.
const TRACKS: [(&str, f64); 5] =
    [("grade1", 50.0), ("grade2", 35.0), ("grade3", 25.0), ("grade4", 20.0), ("grade5", 15.0)];

/// The highest speed in km/h; infinite on a smooth street.
pub(super) fn speed_max_kmh(tags: &Tags<'_>) -> f64 {
    let keys: [(&str, &[(&str, f64)]); 3] =
        [("surface", &SURFACES), ("smoothness", &SMOOTHNESS), ("tracktype", &TRACKS)];
    let limits = keys.into_iter().filter_map(|(key, table)| {
        let values = tags.get(key)?.split([';', ':']).map(str::trim);
        let of = |value: &str| table.iter().find(|(known, _)| *known == value).map(|(_, kmh)| *kmh);
        values.filter_map(of).min_by(f64::total_cmp)
    });
    limits.fold(f64::INFINITY, f64::min)
}

/// Whether a street is closed for its state: destroyed, or under construction.
pub(super) fn is_impassable(tags: &Tags<'_>) -> bool {
    let is_under_construction =
        tags.get("construction").is_some_and(|kind| !matches!(kind, "no" | "minor" | "widening"));
    is_under_construction
        || tags.get("smoothness") == Some("impassable")
        || tags.get("impassable") == Some("yes")
        || tags.get("status") == Some("impassable")
}

#[cfg(test)]
mod tests {
    use super::super::pbf::TagList;
    use super::*;

    #[test]
    fn the_worst_tag_limits_the_speed() {
        let table: &[(&TagList<'_>, f64)] = &[
            (&[], f64::INFINITY),
            (&[("surface", "asphalt")], f64::INFINITY),
            (&[("surface", "cobblestone")], 30.0),
            (&[("surface", "cobblestone:flattened")], 30.0),
            (&[("surface", "asphalt;gravel")], 40.0),
            (&[("surface", "gravel"), ("smoothness", "very_bad")], 20.0),
            (&[("smoothness", "good"), ("tracktype", "grade4")], 20.0),
        ];
        for (tags, expected) in table {
            let found = speed_max_kmh(&Tags::from(*tags));
            assert!(found.total_cmp(expected).is_eq(), "{tags:?}: {found}");
        }
    }

    #[test]
    fn streets_that_nobody_can_drive_are_known() {
        let table: &[(&TagList<'_>, bool)] = &[
            (&[("smoothness", "impassable")], true),
            (&[("impassable", "yes")], true),
            (&[("status", "impassable")], true),
            (&[("construction", "yes")], true),
            (&[("construction", "minor")], false),
            (&[("construction", "no")], false),
            (&[("proposed", "yes")], false),
        ];
        for (tags, expected) in table {
            assert_eq!(is_impassable(&Tags::from(*tags)), *expected, "{tags:?}");
        }
    }
}
