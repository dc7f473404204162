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

/// A restriction at a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Restriction {
    pub(super) relation_id: i64,
    pub(super) kind: Kind,
    /// Ways, by id. Several where nobody may enter.
    pub(super) from: Vec<i64>,
    /// The node, by id.
    pub(super) via: i64,
    /// Ways, by id. Several where nobody may leave.
    pub(super) to: Vec<i64>,
}

/// A restriction that is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotKept {
    ViaWay,
    Conditional,
    OtherVehicles,
    Unclear,
}

impl NotKept {
    pub(super) fn count(self, counts: &mut RestrictionCounts) {
        match self {
            NotKept::ViaWay => counts.via_way += 1,
            NotKept::Conditional => counts.conditional += 1,
            NotKept::OtherVehicles => counts.other_vehicles += 1,
            NotKept::Unclear => counts.unclear += 1,
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
    let kind = kind(tags)?;
    let ids = |role: &str| -> Vec<i64> {
        let ways = members.iter().filter(|member| member.role == role && member.kind == MemberKind::Way);
        ways.map(|member| member.id).collect()
    };
    let (from, to) = (ids("from"), ids("to"));
    let via: Vec<_> = members.iter().filter(|member| member.role == "via").collect();
    if via.iter().any(|member| member.kind == MemberKind::Way) {
        return Err(NotKept::ViaWay);
    }
    match via[..] {
        [node] if node.kind == MemberKind::Node && !from.is_empty() && !to.is_empty() => {
            Ok(Restriction { relation_id: id, kind, from, via: node.id, to })
        }
        _ => Err(NotKept::Unclear),
    }
}

fn kind(tags: &Tags<'_>) -> Result<Kind, NotKept> {
    let excepted = tags.get("except").unwrap_or_default().split(';').map(str::trim);
    if excepted.into_iter().any(|vehicle| matches!(vehicle, "motorcar" | "motor_vehicle" | "vehicle")) {
        return Err(NotKept::OtherVehicles);
    }
    let of_hours = ["day_on", "day_off", "hour_on", "hour_off"];
    if of_hours.into_iter().any(|key| tags.get(key).is_some()) {
        return Err(NotKept::Conditional);
    }
    let keys = ["restriction:motorcar", "restriction:motor_vehicle", "restriction:vehicle", "restriction"];
    match keys.into_iter().find_map(|key| tags.get(key)) {
        Some(value) if value.starts_with("no_") => Ok(Kind::No),
        Some(value) if value.starts_with("only_") => Ok(Kind::Only),
        Some(_) => Err(NotKept::Unclear),
        None if tags.get("restriction:conditional").is_some() => Err(NotKept::Conditional),
        None => Err(NotKept::OtherVehicles),
    }
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
        let table: &[(&TagList<'_>, Result<Kind, NotKept>)] = &[
            (&[("restriction", "no_left_turn")], Ok(Kind::No)),
            (&[("restriction", "no_u_turn")], Ok(Kind::No)),
            (&[("restriction", "no_entry")], Ok(Kind::No)),
            (&[("restriction", "only_straight_on")], Ok(Kind::Only)),
            (&[("restriction:motorcar", "only_right_turn")], Ok(Kind::Only)),
            (&[("restriction:hgv", "no_left_turn")], Err(NotKept::OtherVehicles)),
            (&[("restriction", "no_left_turn"), ("except", "bus;motorcar")], Err(NotKept::OtherVehicles)),
            (&[("restriction", "no_left_turn"), ("except", "bus")], Ok(Kind::No)),
            (&[("restriction:conditional", "no_left_turn @ (07:00-19:00)")], Err(NotKept::Conditional)),
            (
                &[("restriction", "no_u_turn"), ("restriction:conditional", "no_left_turn @ (22:00-06:00)")],
                Ok(Kind::No),
            ),
            (&[("restriction", "no_left_turn"), ("hour_on", "07:00")], Err(NotKept::Conditional)),
            (&[("restriction", "give_way")], Err(NotKept::Unclear)),
        ];
        for (tags, expected) in table {
            assert_eq!(kind(&Tags::from(*tags)), *expected, "{tags:?}");
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
        assert_eq!((kept.relation_id, kept.from, kept.via, kept.to), (7, vec![1], 5, vec![2, 3]));
        assert_eq!(read(7, &[from, member(Way, 5, "via"), to], &tags), Some(Err(NotKept::ViaWay)));
        assert_eq!(read(7, &[from, to], &tags), Some(Err(NotKept::Unclear)));
        assert_eq!(read(7, &[from, member(Node, 5, "via")], &tags), Some(Err(NotKept::Unclear)));
        let other = [("type", "multipolygon")];
        assert_eq!(read(7, &[], &Tags::from(&other[..])), None);
    }
}
