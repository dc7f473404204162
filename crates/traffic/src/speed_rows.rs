//! Rows of streets' speeds: each becomes a streamed speed, or a rejection of its field. Pure.

use kerb_proto::v1::street_speed::Direction;
use kerb_proto::v1::{LatLng, RejectedSpeed, SegmentEnds, SegmentNumber, StreetSpeed};
use kerb_routing::speeds::{DirectionName, SPEED_MAX_KMH, SPEED_MIN_KMH, Segments, Speed, StreamedSpeed};
use kerb_types::FieldError;

/// Maximum rejections that a call reports; further ones are only counted.
const REJECTIONS_MAX: usize = 100;

/// What a row must keep to.
pub(super) struct Rules<'a> {
    pub(super) segments: &'a Segments,
    /// Rows with numbers are of this network.
    pub(super) has_its_numbers: bool,
    /// Of a row that does not say.
    pub(super) lifetime_ms: u32,
    pub(super) lifetime_max_ms: u32,
}

/// What the rows of a call came to.
#[derive(Default)]
pub(super) struct ResolvedRows {
    pub(super) streamed: Vec<StreamedSpeed>,
    pub(super) taken: u32,
    pub(super) refused: u32,
    /// The first ones.
    pub(super) rejections: Vec<RejectedSpeed>,
}

/// Reads rows that came at an instant.
pub(super) fn resolve(rows: &[StreetSpeed], rules: &Rules<'_>, now_ms: i64) -> ResolvedRows {
    let mut resolved = ResolvedRows::default();
    for (row, speed) in rows.iter().enumerate() {
        match resolve_row(speed, rules, now_ms) {
            Ok(streamed) => {
                resolved.streamed.extend(streamed);
                resolved.taken += 1;
            }
            Err(FieldError { field, description }) => {
                resolved.refused += 1;
                if resolved.rejections.len() < REJECTIONS_MAX {
                    let field = field.into_owned();
                    resolved.rejections.push(RejectedSpeed { row: row as u32, field, description });
                }
            }
        }
    }
    resolved
}

fn resolve_row(
    row: &StreetSpeed,
    rules: &Rules<'_>,
    now_ms: i64,
) -> Result<impl Iterator<Item = StreamedSpeed> + use<>, FieldError> {
    let speed = Speed::new(row.speed_kmh).map_err(|_out_of_range| {
        reject("speed_kmh", &row.speed_kmh, &format!("{SPEED_MIN_KMH} to {SPEED_MAX_KMH}"))
    })?;
    let lifetime_ms = row.lifetime_ms.unwrap_or(rules.lifetime_ms);
    if !(1..=rules.lifetime_max_ms).contains(&lifetime_ms) {
        return Err(reject("lifetime_ms", &lifetime_ms, &format!("1 to {}", rules.lifetime_max_ms)));
    }
    let direction = row.direction.as_ref().ok_or_else(|| absent("direction"))?;
    let field = match direction {
        Direction::Ends(_) => "ends",
        Direction::Number(_) => "number",
    };
    if field == "number" && !rules.has_its_numbers {
        let text = "of another road network: name the segment by its ends, or see network_checksum";
        return Err(FieldError::new(field, text));
    }
    let name = name_of(direction).map_err(|error| error.within(field))?;
    let arcs = rules.segments.find(&name).map_err(|unknown| FieldError::new(field, unknown.to_string()))?;
    let until_ms = now_ms.saturating_add(i64::from(lifetime_ms));
    Ok(arcs.into_iter().map(move |arc| StreamedSpeed { arc, speed, until_ms }))
}

fn name_of(direction: &Direction) -> Result<DirectionName, FieldError> {
    match *direction {
        Direction::Ends(SegmentEnds { from, to, way }) => {
            Ok(DirectionName::Ends { from: place("from", from)?, to: place("to", to)?, way })
        }
        Direction::Number(SegmentNumber { segment, reverse }) => {
            Ok(DirectionName::Number { segment, reverse })
        }
    }
}

fn place(field: &'static str, point: Option<LatLng>) -> Result<kerb_geometry::LatLng, FieldError> {
    let point = point.ok_or_else(|| absent(field))?;
    point.try_into().map_err(|error: FieldError| error.within(field))
}

fn absent(field: &'static str) -> FieldError {
    FieldError::new(field, "absent, must be given")
}

fn reject(field: &'static str, value: &dyn std::fmt::Display, right: &str) -> FieldError {
    FieldError::new(field, format!("{value}, must be {right}"))
}
