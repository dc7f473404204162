//! Conditional tags: values that only hold at some hours, as in `motor_vehicle:conditional=no @ (Mo-Fr 07:00-19:00)`.

use super::access::{self, Direction, Permission};
use super::hours;
use super::pbf::Tags;
use crate::network::HourSet;

/// A value and the hours in which it holds; `None` for hours that are not known.
type TimedValue<'a> = (&'a str, Option<HourSet>);

/// The parts of a conditional value: `no @ (Mo-Fr 07:00-09:00); destination @ (Sa)`.
pub(super) fn parts(text: &str) -> impl Iterator<Item = TimedValue<'_>> {
    let mut depth = 0_i32;
    let parts = text.split(move |c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        // A semicolon within parentheses separates rules of one condition.
        c == ';' && depth == 0
    });
    parts.filter_map(|part| {
        let (value, condition) = part.split_once('@')?;
        Some((value.trim(), hours::hours(condition)))
    })
}

/// The hours in which a direction is closed although it is open otherwise, and the number of conditions that depend on
/// something else.
pub(super) fn closed_hours(tags: &Tags<'_>, direction: Direction) -> (HourSet, u64) {
    if !tags.has_key_ending(":conditional") {
        return (HourSet::EMPTY, 0);
    }
    let (mut closed, mut ignored) = (HourSet::EMPTY, 0);
    for [both, forward, backward] in access::KEYS {
        let directed = if direction == Direction::Forward { forward } else { backward };
        for key in [both, directed] {
            // A more specific tag replaces the general ones at all hours.
            if let Some(value) = tags.get(key)
                && access::permission_of_value(value) != Permission::No
            {
                closed = HourSet::EMPTY;
            }
        }
        for key in [both, directed] {
            let Some(text) = tags.get(&format!("{key}:conditional")) else { continue };
            for (value, hours) in parts(text) {
                let Some(hours) = hours else {
                    ignored += 1;
                    continue;
                };
                closed = match access::permission_of_value(value) {
                    Permission::No => closed.union(hours),
                    _ => closed.intersection(hours.complement()),
                };
            }
        }
    }
    let keys = ["oneway:conditional", "oneway:motor_vehicle:conditional", "oneway:motorcar:conditional"];
    for (value, hours) in keys.into_iter().filter_map(|key| tags.get(key)).flat_map(parts) {
        let closes = match value {
            "yes" | "1" | "true" => direction == Direction::Backward,
            "-1" | "reverse" => direction == Direction::Forward,
            _ => false,
        };
        match hours {
            Some(hours) if closes => closed = closed.union(hours),
            Some(_) => {}
            None => ignored += 1,
        }
    }
    (closed, ignored)
}

#[cfg(test)]
mod tests {
    use super::super::pbf::TagList;
    use super::*;

    /// Whether each direction is closed on Monday at 8:00, and on Sunday at 8:00.
    fn closed(tags: &TagList<'_>) -> [[bool; 2]; 2] {
        [Direction::Forward, Direction::Backward].map(|direction| {
            let (closed, _) = closed_hours(&Tags::from(tags), direction);
            [closed.contains(8), closed.contains(6 * 24 + 8)]
        })
    }

    #[test]
    fn conditional_tags_close_directions() {
        let open = [false, false];
        let monday = [true, false];
        let table: &[(&TagList<'_>, [[bool; 2]; 2])] = &[
            (&[], [open, open]),
            (&[("access:conditional", "no @ (Mo-Fr 07:00-09:00)")], [monday, monday]),
            (&[("motor_vehicle:conditional", "no @ (Mo-Fr)"), ("motorcar", "yes")], [open, open]),
            (&[("vehicle:backward:conditional", "no @ (Mo-Fr)")], [open, monday]),
            (&[("oneway:conditional", "yes @ (Mo-Fr 07:00-09:00)")], [open, monday]),
            (&[("oneway:conditional", "-1 @ (Mo-Fr)")], [monday, open]),
            (&[("access:conditional", "delivery @ (Mo-Fr)")], [open, open]),
            (&[("access:conditional", "no @ (Mo-Su); yes @ (Su 06:00-10:00)")], [monday, monday]),
            (&[("access:conditional", "no @ (winter)")], [open, open]),
        ];
        for (tags, expected) in table {
            assert_eq!(closed(tags), *expected, "{tags:?}");
        }
        let tags = [("access:conditional", "no @ (Mo-Fr); no @ (weight>3.5)")];
        assert_eq!(closed_hours(&Tags::from(&tags[..]), Direction::Forward).1, 1);
    }
}
