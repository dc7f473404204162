//! Resolves rows of speeds: each becomes streamed speeds, or a rejection of its field. Pure functions.

use kerb_proto::v1::street_speed::Direction;
use kerb_proto::v1::{LatLng, RejectedSpeed, SegmentEnds, SegmentNumber, StreetSpeed};
use kerb_routing::speeds::{
    DirectionIndex, DirectionName, SPEED_MAX_KMH, SPEED_MIN_KMH, Speed, StreamedSpeed,
};
use kerb_types::{FieldError, Millis, Timestamp};

/// Maximum rejections that a call reports; further ones are only counted.
const REJECTIONS_MAX: usize = 100;

/// The rules that a row must satisfy.
pub struct RowRules<'a> {
    /// The directions of the node's network.
    pub directions: &'a DirectionIndex,
    /// Whether segment numbers in the rows belong to this node's network.
    pub has_own_numbers: bool,
    /// The lifetime of a row that does not state one, in milliseconds.
    pub lifetime_ms: u32,
    /// The longest lifetime that a row may state.
    pub lifetime_max_ms: u32,
}

/// The results of the rows of a call.
#[derive(Default)]
pub struct ResolvedRows {
    /// The speeds of the accepted rows, by direction.
    pub streamed: Vec<StreamedSpeed>,
    /// The number of accepted rows.
    pub accepted: u32,
    /// The number of rejected rows.
    pub rejected: u32,
    /// The first rejections.
    pub rejections: Vec<RejectedSpeed>,
}

/// Resolves rows that arrived at an instant.
pub fn resolve(rows: &[StreetSpeed], rules: &RowRules<'_>, now: Timestamp) -> ResolvedRows {
    let mut resolved = ResolvedRows::default();
    for (row, speed) in rows.iter().enumerate() {
        match resolve_row(speed, rules, now) {
            Ok(streamed) => {
                resolved.streamed.extend(streamed);
                resolved.accepted += 1;
            }
            Err(FieldError { field, description }) => {
                resolved.rejected += 1;
                if resolved.rejections.len() < REJECTIONS_MAX {
                    let field = field.into_owned();
                    // A call has at most `SPEED_ROWS_MAX` rows.
                    resolved.rejections.push(RejectedSpeed { row: row as u32, field, description });
                }
            }
        }
    }
    resolved
}

fn resolve_row(
    row: &StreetSpeed,
    rules: &RowRules<'_>,
    now: Timestamp,
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
    if field == "number" && !rules.has_own_numbers {
        let text = "of another road network: name the segment by its ends, or see network_checksum";
        return Err(FieldError::new(field, text));
    }
    let name = name_of(direction).map_err(|error| error.within(field))?;
    let arcs = rules.directions.find(&name).map_err(|unknown| FieldError::new(field, unknown.to_string()))?;
    let until_ms = now + Millis::from(lifetime_ms);
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
