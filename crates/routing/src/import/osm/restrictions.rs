//! Reads turn restrictions from OpenStreetMap relations of the type `restriction`.

use super::pbf::{Member, MemberKind, Tags};
use super::{conditional, hours};
use crate::import::report::RestrictionCounts;
use crate::import::streets::{Restriction, RestrictionKind, Via};
use crate::network::HourSet;

/// The tag values that a report names. Other values that start with `no_` or `only_` are kept and counted as `other`.
const VALUES: [&str; 11] = [
    "no_left_turn",
    "no_right_turn",
    "no_straight_on",
    "no_u_turn",
    "no_entry",
    "no_exit",
    "only_left_turn",
    "only_right_turn",
    "only_straight_on",
    "only_u_turn",
    "other",
];

/// The most via ways of a restriction. Real ones have up to three; more are a mistake in the map.
const VIA_WAYS_MAX: usize = 16;

/// Why a restriction is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IgnoreReason {
    Conditional,
    OtherVehicles,
    /// It only forbids to turn while the light is red.
    OnRed,
    Unclear,
}

/// A restriction that the import ignores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IgnoredRestriction {
    pub(super) value: &'static str,
    pub(super) reason: IgnoreReason,
}

impl IgnoredRestriction {
    pub(super) fn count(self, counts: &mut RestrictionCounts) {
        match self.reason {
            IgnoreReason::Conditional => counts.conditional += 1,
            IgnoreReason::OtherVehicles => counts.other_vehicles += 1,
            IgnoreReason::OnRed => counts.at_red_lights += 1,
            IgnoreReason::Unclear => counts.unclear += 1,
        }
    }
}

/// Reads a relation; `None` when it is not a turn restriction.
pub(super) fn read(
    id: i64,
    members: &[Member<'_>],
    tags: &Tags<'_>,
) -> Option<Result<Restriction, IgnoredRestriction>> {
    // Old relations have the vehicle in their type.
    let is_restriction = matches!(
        tags.get("type"),
        Some("restriction" | "restriction:motorcar" | "restriction:motor_vehicle")
    );
    is_restriction.then(|| read_restriction(id, members, tags))
}

fn read_restriction(
    id: i64,
    members: &[Member<'_>],
    tags: &Tags<'_>,
) -> Result<Restriction, IgnoredRestriction> {
    let text = text(tags);
    let value = report_value(text.unwrap_or_default());
    let ignored = |reason| IgnoredRestriction { value, reason };
    let (kind, hours) = kind(tags, text).map_err(ignored)?;
    let of_role = |role: &str, kind: MemberKind| -> Vec<i64> {
        let mut ids = Vec::new();
        for member in members.iter().filter(|member| member.role == role && member.kind == kind) {
            if !ids.contains(&member.id) {
                ids.push(member.id);
            }
        }
        ids
    };
    let ways = |role| of_role(role, MemberKind::Way);
    let (from, via_ways, to) = (ways("from"), ways("via"), ways("to"));
    // Some relations over ways also list the nodes between them; the ways alone decide.
    let via = match (&via_ways[..], &of_role("via", MemberKind::Node)[..]) {
        ([], [node]) => Via::Node(*node),
        ([_, ..], _) if via_ways.len() <= VIA_WAYS_MAX => Via::Ways(via_ways),
        _ => return Err(ignored(IgnoreReason::Unclear)),
    };
    // With several ways at an end, it is not known which turns are meant, except where the value is about all of them.
    let is_clear = match value {
        "no_entry" => !from.is_empty() && to.len() == 1,
        "no_exit" => from.len() == 1 && !to.is_empty(),
        _ => from.len() == 1 && to.len() == 1,
    };
    if !is_clear {
        return Err(ignored(IgnoreReason::Unclear));
    }
    Ok(Restriction { relation_id: id, kind, value, from, via, to, hours })
}

/// The restriction for cars: the most specific tag, or else a conditional tag.
fn text<'a>(tags: &Tags<'a>) -> Option<&'a str> {
    let keys = ["restriction:motorcar", "restriction:motor_vehicle", "restriction:vehicle", "restriction"];
    let of_hours = [
        "restriction:motorcar:conditional",
        "restriction:motor_vehicle:conditional",
        "restriction:vehicle:conditional",
        "restriction:conditional",
    ];
    keys.into_iter().chain(of_hours).find_map(|key| tags.get(key))
}

/// The value under which a report counts a restriction.
fn report_value(text: &str) -> &'static str {
    let value = text.split('@').next().unwrap_or_default().trim();
    VALUES.into_iter().find(|known| *known == value).unwrap_or(VALUES[VALUES.len() - 1])
}

/// The kind of a restriction and the hours in which it holds, or why it is ignored.
///
/// Taxis count as cars: `except=taxi` and `except=psv` exempt no vehicle.
fn kind(tags: &Tags<'_>, text: Option<&str>) -> Result<(RestrictionKind, HourSet), IgnoreReason> {
    let excepted = tags.get("except").unwrap_or_default().split(';').map(str::trim);
    if excepted.into_iter().any(|vehicle| matches!(vehicle, "motorcar" | "motor_vehicle" | "vehicle")) {
        return Err(IgnoreReason::OtherVehicles);
    }
    let text = text.ok_or(IgnoreReason::OtherVehicles)?;
    let (value, hours) = if text.contains('@') {
        let mut parts = conditional::parts(text);
        let (value, first) = parts.next().ok_or(IgnoreReason::Unclear)?;
        // Further conditions of the same value add hours. No relation has two values for the same ways.
        let more = parts.filter(|(other, _)| *other == value).filter_map(|(_, hours)| hours);
        (value, more.fold(first, |all, hours| Some(all.unwrap_or(HourSet::EMPTY).union(hours))))
    } else {
        (text, old_hours(tags))
    };
    let kind = match value {
        _ if value.ends_with("_on_red") => return Err(IgnoreReason::OnRed),
        _ if value.starts_with("no_") => RestrictionKind::No,
        _ if value.starts_with("only_") => RestrictionKind::Only,
        _ => return Err(IgnoreReason::Unclear),
    };
    let hours = hours.filter(|hours| !hours.is_empty()).ok_or(IgnoreReason::Conditional)?;
    Ok((kind, hours))
}

/// The hours of the tags that were used before conditional ones: `day_on`, `day_off`, `hour_on`, `hour_off`. All hours
/// without such tags.
fn old_hours(tags: &Tags<'_>) -> Option<HourSet> {
    let range = |on: &str, off: &str| match (tags.get(on), tags.get(off)) {
        (None, None) => Some(None),
        (Some(on), Some(off)) => Some(Some((on, off))),
        _ => None,
    };
    let (days, times) = (range("day_on", "day_off")?, range("hour_on", "hour_off")?);
    if days.is_none() && times.is_none() {
        return Some(HourSet::all());
    }
    let short = |day: &str| day.get(..2).unwrap_or_default().to_owned();
    let days = days.map(|(on, off)| format!("{}-{}", short(on), short(off)));
    let times = times.map(|(on, off)| format!("{on}-{off}"));
    hours::hours(&[days, times].into_iter().flatten().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::super::pbf::TagList;
    use super::*;

    fn member(kind: MemberKind, id: i64, role: &str) -> Member<'_> {
        Member { kind, id, role }
    }

    #[test]
    fn kinds_of_tags() {
        use IgnoreReason::{Conditional, OnRed, OtherVehicles, Unclear};
        use RestrictionKind::{No, Only};
        let table: &[(&TagList<'_>, Result<RestrictionKind, IgnoreReason>)] = &[
            (&[("restriction", "no_left_turn")], Ok(No)),
            (&[("restriction", "no_u_turn")], Ok(No)),
            (&[("restriction", "no_entry")], Ok(No)),
            (&[("restriction", "only_straight_on")], Ok(Only)),
            (&[("restriction:motorcar", "only_right_turn")], Ok(Only)),
            (&[("restriction:hgv", "no_left_turn")], Err(OtherVehicles)),
            (&[("restriction", "no_left_turn"), ("except", "bus;motorcar")], Err(OtherVehicles)),
            (&[("restriction", "no_left_turn"), ("except", "bus")], Ok(No)),
            (&[("restriction", "no_left_turn"), ("except", "taxi;psv")], Ok(No)),
            (&[("restriction", "no_right_turn_on_red")], Err(OnRed)),
            (&[("restriction", "no_left_turn_on_red")], Err(OnRed)),
            (&[("restriction:conditional", "no_left_turn @ (07:00-19:00)")], Ok(No)),
            (&[("restriction:conditional", "only_straight_on@(24/7)")], Ok(Only)),
            (&[("restriction:conditional", "no_left_turn @ (weight>3.5)")], Err(Conditional)),
            (&[("restriction:conditional", "no_left_turn @ (Apr-Sep)")], Err(Conditional)),
            (&[("restriction", "no_left_turn"), ("hour_on", "07:00")], Err(Conditional)),
            (&[("restriction", "give_way")], Err(Unclear)),
        ];
        for (tags, expected) in table {
            let tags = Tags::from(*tags);
            assert_eq!(kind(&tags, text(&tags)).map(|(kind, _)| kind), *expected, "{tags:?}");
        }
    }

    #[test]
    fn hours_of_restrictions() {
        // Monday at 8:00 and at 18:00, and Sunday at 8:00.
        let table: &[(&TagList<'_>, [bool; 3])] = &[
            (&[("restriction", "no_left_turn")], [true, true, true]),
            (&[("restriction:conditional", "no_left_turn @ (Mo-Fr 07:00-09:00)")], [true, false, false]),
            (
                &[("restriction:conditional", "no_left_turn @ (Mo-Fr 07:00-09:00); no_left_turn @ (Su)")],
                [true, false, true],
            ),
            (
                &[("restriction", "no_u_turn"), ("restriction:conditional", "no_left_turn @ (22:00-06:00)")],
                [true, true, true],
            ),
            (
                &[("restriction", "no_left_turn"), ("hour_on", "17:00"), ("hour_off", "19:00")],
                [false, true, false],
            ),
            (
                &[("restriction", "no_left_turn"), ("day_on", "Saturday"), ("day_off", "Sunday")],
                [false, false, true],
            ),
        ];
        for (tags, expected) in table {
            let tags = Tags::from(*tags);
            let (_, hours) = kind(&tags, text(&tags)).unwrap();
            assert_eq!([8, 18, 6 * 24 + 8].map(|hour| hours.contains(hour)), *expected, "{tags:?}");
        }
    }

    #[test]
    fn members_define_the_turn() {
        use MemberKind::{Node, Way};
        let pairs = [("type", "restriction"), ("restriction", "no_exit")];
        let tags = Tags::from(&pairs[..]);
        let (from, to) = (member(Way, 1, "from"), member(Way, 2, "to"));
        let kept =
            read(7, &[from, member(Node, 5, "via"), to, member(Way, 3, "to")], &tags).unwrap().unwrap();
        assert_eq!((kept.relation_id, kept.from, kept.to), (7, vec![1], vec![2, 3]));
        assert_eq!((kept.value, kept.via), ("no_exit", Via::Node(5)));
        let over =
            read(7, &[from, member(Way, 5, "via"), member(Node, 8, "via"), member(Way, 6, "via"), to], &tags);
        assert_eq!(over.unwrap().unwrap().via, Via::Ways(vec![5, 6]));
        let unclear = IgnoredRestriction { value: "no_exit", reason: IgnoreReason::Unclear };
        assert_eq!(read(7, &[from, to], &tags), Some(Err(unclear)));
        assert_eq!(read(7, &[from, member(Node, 5, "via")], &tags), Some(Err(unclear)));
        assert_eq!(
            read(7, &[from, member(Node, 5, "via"), member(Node, 6, "via"), to], &tags),
            Some(Err(unclear))
        );
        let left = [("type", "restriction"), ("restriction", "no_left_turn")];
        let two_ends = [from, member(Node, 5, "via"), to, member(Way, 3, "to")];
        let unclear_left = IgnoredRestriction { value: "no_left_turn", reason: IgnoreReason::Unclear };
        assert_eq!(read(7, &two_ends, &Tags::from(&left[..])), Some(Err(unclear_left)));
        let many: Vec<_> = (0..17).map(|id| member(Way, id, "via")).chain([from, to]).collect();
        assert_eq!(read(7, &many, &tags), Some(Err(unclear)));
        let other = [("type", "multipolygon")];
        assert_eq!(read(7, &[], &Tags::from(&other[..])), None);
    }
}
