//! Reads turn restrictions from OpenStreetMap relations of the type `restriction`.

use super::pbf::{Member, MemberKind, Tags};
use crate::import::report::RestrictionCounts;
use crate::import::streets::{Restriction, RestrictionKind, Via};

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
    let kind = kind(tags, text).map_err(ignored)?;
    let ways = |role: &str| -> Vec<i64> {
        let ways = members.iter().filter(|member| member.role == role && member.kind == MemberKind::Way);
        ways.map(|member| member.id).collect()
    };
    let nodes: Vec<i64> = members
        .iter()
        .filter(|member| member.role == "via" && member.kind == MemberKind::Node)
        .map(|member| member.id)
        .collect();
    let (from, via_ways, to) = (ways("from"), ways("via"), ways("to"));
    // Some relations over ways also list the nodes between them; the ways alone decide.
    let via = match (&via_ways[..], &nodes[..]) {
        ([], [node]) => Via::Node(*node),
        ([_, ..], _) if via_ways.len() <= VIA_WAYS_MAX => Via::Ways(via_ways),
        _ => return Err(ignored(IgnoreReason::Unclear)),
    };
    if from.is_empty() || to.is_empty() {
        return Err(ignored(IgnoreReason::Unclear));
    }
    Ok(Restriction { relation_id: id, kind, value, from, via, to })
}

/// The restriction for cars: the most specific tag, or else a conditional tag.
fn text<'a>(tags: &Tags<'a>) -> Option<&'a str> {
    let keys = ["restriction:motorcar", "restriction:motor_vehicle", "restriction:vehicle", "restriction"];
    let of_hours = [
        "restriction:motorcar:conditional",
        "restriction:motor_vehicle:conditional",
        "restriction:conditional",
    ];
    keys.into_iter().chain(of_hours).find_map(|key| tags.get(key))
}

/// The value under which a report counts a restriction.
fn report_value(text: &str) -> &'static str {
    let value = text.split('@').next().unwrap_or_default().trim();
    VALUES.into_iter().find(|known| *known == value).unwrap_or(VALUES[VALUES.len() - 1])
}

/// The kind of a restriction, or why it is ignored.
///
/// Restrictions at some hours are ignored: the network does not depend on the time, and keeping them at all hours would
/// close turns that are open most of the day. Taxis count as cars: `except=taxi` and `except=psv` exempt no vehicle.
fn kind(tags: &Tags<'_>, text: Option<&str>) -> Result<RestrictionKind, IgnoreReason> {
    let excepted = tags.get("except").unwrap_or_default().split(';').map(str::trim);
    if excepted.into_iter().any(|vehicle| matches!(vehicle, "motorcar" | "motor_vehicle" | "vehicle")) {
        return Err(IgnoreReason::OtherVehicles);
    }
    let of_hours = ["day_on", "day_off", "hour_on", "hour_off"];
    if of_hours.into_iter().any(|key| tags.get(key).is_some()) {
        return Err(IgnoreReason::Conditional);
    }
    match text.map(|text| text.split_once('@').map_or((text, None), |(value, when)| (value, Some(when)))) {
        Some((_, Some(when))) if !is_always(when) => Err(IgnoreReason::Conditional),
        Some((value, _)) if value.starts_with("no_") => Ok(RestrictionKind::No),
        Some((value, _)) if value.starts_with("only_") => Ok(RestrictionKind::Only),
        Some(_) => Err(IgnoreReason::Unclear),
        None => Err(IgnoreReason::OtherVehicles),
    }
}

/// Whether a condition in the opening-hours syntax is one of the usual spellings of "always".
fn is_always(when: &str) -> bool {
    let when = when.trim().trim_matches(['(', ')']).trim();
    matches!(when, "24/7" | "00:00-24:00" | "Mo-Su" | "Mo-Su 00:00-24:00")
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
        let table: &[(&TagList<'_>, Result<RestrictionKind, IgnoreReason>)] = &[
            (&[("restriction", "no_left_turn")], Ok(RestrictionKind::No)),
            (&[("restriction", "no_u_turn")], Ok(RestrictionKind::No)),
            (&[("restriction", "no_entry")], Ok(RestrictionKind::No)),
            (&[("restriction", "only_straight_on")], Ok(RestrictionKind::Only)),
            (&[("restriction:motorcar", "only_right_turn")], Ok(RestrictionKind::Only)),
            (&[("restriction:hgv", "no_left_turn")], Err(IgnoreReason::OtherVehicles)),
            (
                &[("restriction", "no_left_turn"), ("except", "bus;motorcar")],
                Err(IgnoreReason::OtherVehicles),
            ),
            (&[("restriction", "no_left_turn"), ("except", "bus")], Ok(RestrictionKind::No)),
            (&[("restriction:conditional", "no_left_turn @ (07:00-19:00)")], Err(IgnoreReason::Conditional)),
            (
                &[("restriction", "no_u_turn"), ("restriction:conditional", "no_left_turn @ (22:00-06:00)")],
                Ok(RestrictionKind::No),
            ),
            (&[("restriction", "no_left_turn"), ("except", "taxi;psv")], Ok(RestrictionKind::No)),
            (&[("restriction:conditional", "no_left_turn@(24/7)")], Ok(RestrictionKind::No)),
            (
                &[("restriction:conditional", "only_straight_on @ (Mo-Su 00:00-24:00)")],
                Ok(RestrictionKind::Only),
            ),
            (
                &[("restriction:conditional", "no_left_turn @ (Mo-Su 15:00-20:00)")],
                Err(IgnoreReason::Conditional),
            ),
            (&[("restriction:conditional", "no_left_turn @ (weight>3.5)")], Err(IgnoreReason::Conditional)),
            (&[("restriction", "no_left_turn"), ("hour_on", "07:00")], Err(IgnoreReason::Conditional)),
            (&[("restriction", "give_way")], Err(IgnoreReason::Unclear)),
        ];
        for (tags, expected) in table {
            let tags = Tags::from(*tags);
            assert_eq!(kind(&tags, text(&tags)), *expected, "{tags:?}");
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
        let many: Vec<_> = (0..17).map(|id| member(Way, id, "via")).chain([from, to]).collect();
        assert_eq!(read(7, &many, &tags), Some(Err(unclear)));
        let other = [("type", "multipolygon")];
        assert_eq!(read(7, &[], &Tags::from(&other[..])), None);
    }
}
