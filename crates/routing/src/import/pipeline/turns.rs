//! Resolves turn restrictions: from OpenStreetMap ways to the directions of pieces.

use std::collections::{BTreeMap, BTreeSet};

use crate::import::report::Report;

use crate::import::streets::{Map, Piece, Pieces, Restriction, RestrictionKind, Streets, Via};
use crate::network::HourSet;

/// All bans of the turn restrictions.
#[derive(Debug, Default)]
pub(super) struct Bans {
    /// The ban that follows a sequence of driven directions.
    pub(super) after: BTreeMap<Vec<u32>, Ban>,
    /// The first direction of each kept restriction.
    pub(super) restricted: Vec<u32>,
}

/// The rules about the direction that follows a sequence of driven directions.
#[derive(Debug, Default)]
pub(super) struct Ban {
    rules: Vec<Rule>,
}

/// A rule of one restriction.
#[derive(Debug)]
struct Rule {
    kind: RestrictionKind,
    hours: HourSet,
    to: BTreeSet<u32>,
}

/// Resolves every restriction and counts the results.
pub(super) fn bans(streets: &Streets, pieces: &Pieces, vias: &Map<i64, u32>, report: &mut Report) -> Bans {
    let ways = Ways::new(streets, pieces);
    let mut bans = Bans::default();
    for restriction in &streets.restrictions {
        let found = match &restriction.via {
            Via::Node(id) => vias.get(id).map_or(Turns::None, |via| ways.at_node(restriction, *via)),
            Via::Ways(over) => ways.over(restriction, over),
        };
        let over_ways = u64::from(matches!(restriction.via, Via::Ways(_)));
        report.count_restriction(restriction.value, |counts| match &found {
            Turns::Clear { .. } => {
                counts.kept += 1;
                counts.kept_over_ways += over_ways;
                counts.kept_at_hours += u64::from(restriction.hours != HourSet::all());
            }
            Turns::Unclear => counts.unclear += 1,
            Turns::None => counts.without_effect += 1,
        });
        if let Turns::Clear { from, over, to } = found {
            bans.restricted.extend(from.iter().take(1));
            for first in from {
                bans.add(restriction, &[&[first], &over[..]].concat(), &to);
            }
        }
    }
    bans
}

impl Bans {
    fn add(&mut self, restriction: &Restriction, driven: &[u32], to: &[u32]) {
        let Restriction { kind, hours, .. } = *restriction;
        let rule = |to: &[u32]| Rule { kind, hours, to: to.iter().copied().collect() };
        if kind == RestrictionKind::Only {
            // `only_` also applies at every junction within the via ways: a car that entered them must follow them.
            for (place, next) in driven.iter().enumerate().skip(1) {
                self.after.entry(driven[..place].to_vec()).or_default().rules.push(rule(&[*next]));
            }
        }
        self.after.entry(driven.to_vec()).or_default().rules.push(rule(to));
    }
}

impl Ban {
    /// The hours in which a direction may not follow.
    pub(super) fn closed_hours(&self, direction: u32) -> HourSet {
        let hours = |kind: RestrictionKind, names_it: bool| {
            let rules = self.rules.iter().filter(|rule| rule.kind == kind);
            let rules = rules.filter(|rule| !names_it || rule.to.contains(&direction));
            rules.fold(HourSet::EMPTY, |all, rule| all.union(rule.hours))
        };
        // Several `only_` restrictions at once allow all of their directions.
        let others = hours(RestrictionKind::Only, false);
        let allowed = hours(RestrictionKind::Only, true);
        hours(RestrictionKind::No, true).union(others.intersection(allowed.complement()))
    }
}

/// The turns of a restriction.
enum Turns {
    /// After one of `from` and all of `over`, the turn to one of `to`.
    Clear { from: Vec<u32>, over: Vec<u32>, to: Vec<u32> },
    /// The turn is impossible anyway, or its streets are not in the input.
    None,
    /// The restriction is ambiguous: a street passes the node, so its two sides are both candidates, or its ways do not
    /// connect.
    Unclear,
}

/// Finds the pieces of ways by the ways' ids.
struct Ways<'a> {
    streets: &'a Streets,
    pieces: &'a [Piece],
    /// The directions that leave each junction, also closed ones, in ascending order.
    leaving: Vec<Vec<u32>>,
}

impl<'a> Ways<'a> {
    fn new(streets: &'a Streets, pieces: &'a Pieces) -> Self {
        let mut leaving = vec![Vec::new(); pieces.junctions.len()];
        for direction in 0..pieces.pieces.len() as u32 * 2 {
            leaving[end(&pieces.pieces, direction ^ 1) as usize].push(direction);
        }
        Self { streets, pieces: &pieces.pieces, leaving }
    }

    fn at_node(&self, restriction: &Restriction, via: u32) -> Turns {
        self.between(restriction, [via, via], Vec::new())
    }

    /// The turns of a restriction over via ways. Relations list them in driving order or in reverse.
    fn over(&self, restriction: &Restriction, over: &[i64]) -> Turns {
        if over.iter().any(|way| self.of_way(*way).is_empty()) {
            return Turns::None;
        }
        let backward: Vec<i64> = over.iter().rev().copied().collect();
        let Some((joints, over)) = [over, &backward]
            .into_iter()
            .find_map(|over| self.joints(restriction, over).map(|joints| (joints, over)))
        else {
            let ends = [&restriction.from, &restriction.to];
            let is_known = |ways: &&Vec<i64>| ways.iter().any(|way| !self.of_way(*way).is_empty());
            return if ends.iter().all(is_known) { Turns::Unclear } else { Turns::None };
        };
        let mut driven = Vec::new();
        for (way, ends) in over.iter().zip(joints.windows(2)) {
            match &self.along(*way, [ends[0], ends[1]])[..] {
                [] => return Turns::None,
                [only] => driven.extend(only),
                _ => return Turns::Unclear,
            }
        }
        self.between(restriction, [joints[0], joints[over.len()]], driven)
    }

    /// The turns between two junctions, over already resolved directions.
    ///
    /// [`touching`](Ways::touching) returns directions that leave a junction. The arriving directions are their
    /// reverses (`^ 1`), which may be open even if the leaving ones are not.
    fn between(&self, restriction: &Restriction, [first, last]: [u32; 2], over: Vec<u32>) -> Turns {
        let open = |directions: Vec<u32>| -> Vec<u32> {
            directions
                .into_iter()
                .filter(|direction| is_open(self.streets, self.pieces, *direction))
                .collect()
        };
        let touching = self.touching(first, &restriction.from);
        let from = open(touching.into_iter().map(|leaving| leaving ^ 1).collect());
        let to = open(self.touching(last, &restriction.to));
        // Where a way passes the junction, only a oneway decides which of its two sides is meant.
        if self.has_two_of_one_way(&from) || self.has_two_of_one_way(&to) {
            return Turns::Unclear;
        }
        if from.is_empty() || to.is_empty() { Turns::None } else { Turns::Clear { from, over, to } }
    }

    /// The junctions between `from`, the via ways in this order, and `to`. `None` unless each pair of neighbors shares
    /// exactly one.
    fn joints(&self, restriction: &Restriction, over: &[i64]) -> Option<Vec<u32>> {
        let ends = |ways: &[i64]| -> BTreeSet<u32> {
            let pieces = ways.iter().flat_map(|way| self.of_way(*way)).step_by(2);
            pieces.flat_map(|direction| self.pieces[direction as usize / 2].ends).collect()
        };
        let from = std::iter::once(ends(&restriction.from));
        let over = over.iter().map(|way| ends(&[*way]));
        let all: Vec<_> = from.chain(over).chain(std::iter::once(ends(&restriction.to))).collect();
        let joint = |pair: &[BTreeSet<u32>]| {
            let mut shared = pair[0].intersection(&pair[1]);
            shared.next().copied().filter(|_| shared.next().is_none())
        };
        all.windows(2).map(joint).collect()
    }

    /// The open direction sequences along a way from one of its junctions to another. A ring that is driven in both
    /// directions has two.
    fn along(&self, way: i64, [from, to]: [u32; 2]) -> Vec<Vec<u32>> {
        let ends = |direction: u32| {
            let [first, last] = self.pieces[direction as usize / 2].ends;
            if direction.is_multiple_of(2) { [first, last] } else { [last, first] }
        };
        let directions: Vec<u32> = self.of_way(way).collect();
        let sides = [0, 1].map(|side| {
            let of_side = directions.iter().copied().filter(move |direction| direction % 2 == side);
            let mut of_side: Vec<u32> = of_side.collect();
            if side == 1 {
                of_side.reverse();
            }
            of_side
        });
        let on_side = |side: &Vec<u32>| -> Option<Vec<u32>> {
            let start = side.iter().position(|direction| ends(*direction)[0] == from)?;
            let length = side[start..].iter().position(|direction| ends(*direction)[1] == to)? + 1;
            let driven = &side[start..start + length];
            let is_whole = driven.windows(2).all(|pair| ends(pair[0])[1] == ends(pair[1])[0]);
            let open = driven.iter().all(|direction| is_open(self.streets, self.pieces, *direction));
            (is_whole && open).then(|| driven.to_vec())
        };
        sides.iter().filter_map(on_side).collect()
    }

    /// All directions that leave a junction along these ways, also closed ones. Looks at the junction and not along the
    /// ways, which may be long and have many restrictions.
    fn touching(&self, via: u32, ways: &[i64]) -> Vec<u32> {
        let leaving = &self.leaving[via as usize];
        let of_ways = ways.iter().map(|way| self.of_way(*way));
        of_ways
            .flat_map(|of_way| leaving.iter().copied().filter(move |direction| of_way.contains(direction)))
            .collect()
    }

    /// All directions of a way. Streets are sorted by id and pieces by street, so these are consecutive.
    fn of_way(&self, way: i64) -> std::ops::Range<u32> {
        let id = |piece: &Piece| self.streets.ways[piece.street as usize].way_id;
        let first = self.pieces.partition_point(|piece| id(piece) < way);
        let end = self.pieces.partition_point(|piece| id(piece) <= way);
        first as u32 * 2..end as u32 * 2
    }

    fn has_two_of_one_way(&self, directions: &[u32]) -> bool {
        let street = |direction: &u32| self.pieces[*direction as usize / 2].street;
        let streets: BTreeSet<u32> = directions.iter().map(street).collect();
        streets.len() < directions.len()
    }
}

/// The junction where a direction ends.
pub(super) fn end(pieces: &[Piece], direction: u32) -> u32 {
    pieces[direction as usize / 2].ends[1 - direction as usize % 2]
}

/// Whether a direction is open to cars.
pub(super) fn is_open(streets: &Streets, pieces: &[Piece], direction: u32) -> bool {
    let street = pieces[direction as usize / 2].street as usize;
    streets.ways[street].lanes[direction as usize % 2].is_some()
}
