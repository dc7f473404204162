//! Turn restrictions as OpenStreetMap writes them: relations of the type `restriction`.

use super::pbf::{Member, MemberKind, Tags};
use super::report::RestrictionCounts;

/// What a restriction does with its turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// They are forbidden.
    No,
    /// All others are.
    Only,
}

/// What a restriction is about: between its `from` and its `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Via {
    /// A node, by id.
    Node(i64),
    /// Ways that are driven one after the other, by id.
    Ways(Vec<i64>),
}

/// A restriction at a node or over ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Restriction {
    pub(super) relation_id: i64,
    pub(super) kind: Kind,
    /// One of [`VALUES`].
    pub(super) value: &'static str,
    /// Ways, by id. Several where nobody may enter.
    pub(super) from: Vec<i64>,
    pub(super) via: Via,
    /// Ways, by id. Several where nobody may leave.
    pub(super) to: Vec<i64>,
}

/// The values that a report names. Others that begin with `no_` or `only_` are kept, too, and counted as the last.
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

/// More via ways than this are a mistake in the map: real ones have up to three.
const VIA_WAYS_MAX: usize = 16;

/// Why a restriction is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Conditional,
    OtherVehicles,
    Unclear,
}

/// A restriction that is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotKept {
    pub(super) value: &'static str,
    pub(super) reason: Reason,
}

impl NotKept {
    pub(super) fn count(self, counts: &mut RestrictionCounts) {
        match self.reason {
            Reason::Conditional => counts.conditional += 1,
            Reason::OtherVehicles => counts.other_vehicles += 1,
            Reason::Unclear => counts.unclear += 1,
        }
    }
}

/// Reads a relation; nothing when it restricts no turns.
pub(super) fn read(id: i64, members: &[Member<'_>], tags: &Tags<'_>) -> Option<Result<Restriction, NotKept>> {
    // Old relations name the vehicle in the type.
    let is_restriction = matches!(
        tags.get("type"),
        Some("restriction" | "restriction:motorcar" | "restriction:motor_vehicle")
    );
    is_restriction.then(|| read_restriction(id, members, tags))
}

fn read_restriction(id: i64, members: &[Member<'_>], tags: &Tags<'_>) -> Result<Restriction, NotKept> {
    let text = text(tags);
    let value = known(text.unwrap_or_default());
    let not_kept = |reason| NotKept { value, reason };
    let kind = kind(tags, text).map_err(not_kept)?;
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
    // Some relations name the nodes between their ways, too.
    let via = match (&via_ways[..], &nodes[..]) {
        ([], [node]) => Via::Node(*node),
        ([_, ..], _) if via_ways.len() <= VIA_WAYS_MAX => Via::Ways(via_ways),
        _ => return Err(not_kept(Reason::Unclear)),
    };
    if from.is_empty() || to.is_empty() {
        return Err(not_kept(Reason::Unclear));
    }
    Ok(Restriction { relation_id: id, kind, value, from, via, to })
}

/// What cars may not do, by the most special tag; what they may not do at some hours if there is no other.
fn text<'a>(tags: &Tags<'a>) -> Option<&'a str> {
    let keys = ["restriction:motorcar", "restriction:motor_vehicle", "restriction:vehicle", "restriction"];
    let of_hours = [
        "restriction:motorcar:conditional",
        "restriction:motor_vehicle:conditional",
        "restriction:conditional",
    ];
    keys.into_iter().chain(of_hours).find_map(|key| tags.get(key))
}

fn known(text: &str) -> &'static str {
    let value = text.split('@').next().unwrap_or_default().trim();
    VALUES.into_iter().find(|known| *known == value).unwrap_or(VALUES[VALUES.len() - 1])
}

/// Restrictions that hold at some hours are not kept: the network has no hours, and one that is kept always would close
/// streets that are open most of the day. A taxi is a car here: `except=taxi` or `psv` lets nobody through.
fn kind(tags: &Tags<'_>, text: Option<&str>) -> Result<Kind, Reason> {
    let excepted = tags.get("except").unwrap_or_default().split(';').map(str::trim);
    if excepted.into_iter().any(|vehicle| matches!(vehicle, "motorcar" | "motor_vehicle" | "vehicle")) {
        return Err(Reason::OtherVehicles);
    }
    let of_hours = ["day_on", "day_off", "hour_on", "hour_off"];
    if of_hours.into_iter().any(|key| tags.get(key).is_some()) {
        return Err(Reason::Conditional);
    }
    match text.map(|text| text.split_once('@').map_or((text, None), |(value, when)| (value, Some(when)))) {
        Some((_, Some(when))) if !is_always(when) => Err(Reason::Conditional),
        Some((value, _)) if value.starts_with("no_") => Ok(Kind::No),
        Some((value, _)) if value.starts_with("only_") => Ok(Kind::Only),
        Some(_) => Err(Reason::Unclear),
        None => Err(Reason::OtherVehicles),
    }
}

/// Whether a condition of the opening hours' language holds at all hours, in one of the ways that this is written.
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
    fn kinds_are_read_from_the_tags() {
        let table: &[(&TagList<'_>, Result<Kind, Reason>)] = &[
            (&[("restriction", "no_left_turn")], Ok(Kind::No)),
            (&[("restriction", "no_u_turn")], Ok(Kind::No)),
            (&[("restriction", "no_entry")], Ok(Kind::No)),
            (&[("restriction", "only_straight_on")], Ok(Kind::Only)),
            (&[("restriction:motorcar", "only_right_turn")], Ok(Kind::Only)),
            (&[("restriction:hgv", "no_left_turn")], Err(Reason::OtherVehicles)),
            (&[("restriction", "no_left_turn"), ("except", "bus;motorcar")], Err(Reason::OtherVehicles)),
            (&[("restriction", "no_left_turn"), ("except", "bus")], Ok(Kind::No)),
            (&[("restriction:conditional", "no_left_turn @ (07:00-19:00)")], Err(Reason::Conditional)),
            (
                &[("restriction", "no_u_turn"), ("restriction:conditional", "no_left_turn @ (22:00-06:00)")],
                Ok(Kind::No),
            ),
            (&[("restriction", "no_left_turn"), ("except", "taxi;psv")], Ok(Kind::No)),
            (&[("restriction:conditional", "no_left_turn@(24/7)")], Ok(Kind::No)),
            (&[("restriction:conditional", "only_straight_on @ (Mo-Su 00:00-24:00)")], Ok(Kind::Only)),
            (&[("restriction:conditional", "no_left_turn @ (Mo-Su 15:00-20:00)")], Err(Reason::Conditional)),
            (&[("restriction:conditional", "no_left_turn @ (weight>3.5)")], Err(Reason::Conditional)),
            (&[("restriction", "no_left_turn"), ("hour_on", "07:00")], Err(Reason::Conditional)),
            (&[("restriction", "give_way")], Err(Reason::Unclear)),
        ];
        for (tags, expected) in table {
            let tags = Tags::from(*tags);
            assert_eq!(kind(&tags, text(&tags)), *expected, "{tags:?}");
        }
    }

    #[test]
    fn members_make_the_turn() {
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
        let unclear = NotKept { value: "no_exit", reason: Reason::Unclear };
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
