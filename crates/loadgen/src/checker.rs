//! Checks an answer with a linear scan over everything that was sent.
//! [`crate::history`] defines what an index may show at a time.
//!
//! A driver whose every possible position fits the query must be in the answer, unless the answer is full of
//! nearer ones; a driver none of whose possible positions fits must not be. What is in the answer must be one of the
//! possible positions, with the expected distance, in the expected order, once.

mod answer;
mod fault;
mod fit;

use std::collections::{HashMap, HashSet};

use kerb_geometry::{LatLng, Origin, hav_to_m};
use kerb_ports::Search;
use kerb_ports::search::origin_of;

pub use answer::{Answer, FoundDriver, NotReadable};
pub use fault::Fault;
pub use fit::{Fit, Limits};

use crate::history::{Fleet, Member, Sent, Span};
use crate::query::Query;

/// Tolerance of a returned distance, meters: positions are kept to 1.1 cm, and both sides compute
/// from the same lattice, so a millimeter is generous.
pub const DISTANCE_TOLERANCE_M: f64 = 0.001;

/// Returns everything that is wrong with an answer; empty when it is right.
pub fn check_answer(
    query: &Query,
    answer: &Answer,
    span: Span,
    fleet: &Fleet,
    limits: &Limits,
) -> Vec<Fault> {
    let case = Case { query, span, limits, origin: origin_of(&query.search).map(Origin::new) };
    let mut faults = Vec::new();
    check_list(&case, answer, &mut faults);
    let mut found = HashSet::new();
    for neighbor in &answer.neighbors {
        match fleet.by_id(&neighbor.driver) {
            None => faults.push(Fault::Stranger { driver: neighbor.driver.clone() }),
            Some((index, _)) if !found.insert(index) => {
                faults.push(Fault::Duplicate { driver: neighbor.driver.clone() });
            }
            Some((_, member)) => case.check_neighbor(neighbor, member, &mut faults),
        }
    }
    let end = End::of(query, answer);
    for (index, member) in fleet.members().iter().enumerate() {
        if !found.contains(&index) {
            faults.extend(case.missing(member, &end));
        }
    }
    faults
}

struct Case<'a> {
    query: &'a Query,
    span: Span,
    limits: &'a Limits,
    origin: Option<Origin>,
}

/// Where a full answer ends: drivers after the end must not be in it.
enum End {
    /// The answer has room: nothing may be missing.
    Open,
    /// Nothing nearer than this may be missing, meters.
    Distance(f64),
    /// Nothing that sorts before this id may be missing.
    Id(String),
}

impl End {
    fn of(query: &Query, answer: &Answer) -> Self {
        match (&query.search, answer.neighbors.last()) {
            (search, Some(last)) if answer.neighbors.len() >= search.limit() as usize => match search {
                Search::WithinPolygon { .. } => Self::Id(last.driver.clone()),
                _ => Self::Distance(last.distance_m - DISTANCE_TOLERANCE_M),
            },
            _ => Self::Open,
        }
    }
}

impl Case<'_> {
    /// Checks that a returned driver was where the answer shows it, and that it fits the query.
    fn check_neighbor(&self, neighbor: &FoundDriver, member: &Member, faults: &mut Vec<Fault>) {
        let history = member.history();
        let possible = history.possible(self.span).updates;
        let shown: Vec<_> = possible.clone().filter(|sent| neighbor.shows(sent)).collect();
        if shown.is_empty() {
            let possible = possible.map(describe).collect();
            return faults.push(Fault::NotPossible {
                driver: neighbor.driver.clone(),
                shown: neighbor.to_string(),
                possible,
            });
        }
        if !shown.into_iter().any(|sent| self.fit(member, sent) != Fit::No) {
            faults.push(Fault::Unfit { driver: neighbor.driver.clone(), shown: neighbor.to_string() });
        }
        let expected_m = self.distance_m(neighbor.place);
        if (neighbor.distance_m - expected_m).abs() > DISTANCE_TOLERANCE_M || neighbor.distance_m.is_nan() {
            faults.push(Fault::WrongDistance {
                driver: neighbor.driver.clone(),
                shown_m: neighbor.distance_m,
                expected_m,
            });
        }
        check_profile(neighbor, member, faults);
        self.check_age(neighbor, faults);
    }

    fn check_age(&self, neighbor: &FoundDriver, faults: &mut Vec<Fault>) {
        let margin_ms = self.limits.age_margin_ms;
        let least_ms = (self.span.began_ms - neighbor.time_ms - margin_ms).max(0);
        let most_ms = (self.span.ended_ms - neighbor.time_ms + margin_ms).max(0);
        if !(least_ms..=most_ms).contains(&neighbor.age_ms) {
            faults.push(Fault::WrongAge {
                driver: neighbor.driver.clone(),
                shown_ms: neighbor.age_ms,
                least_ms,
                most_ms,
            });
        }
    }

    /// Returns a fault when a driver that is not in the answer must have been in it.
    fn missing(&self, member: &Member, end: &End) -> Option<Fault> {
        let history = member.history();
        let possible = history.possible(self.span);
        if possible.absent || possible.updates.len() == 0 {
            return None;
        }
        let before_the_end = |sent: &Sent| match end {
            End::Open => true,
            End::Distance(end_m) => self.distance_m(sent.place) < *end_m,
            End::Id(id) => member.profile.id < *id,
        };
        let mut updates = possible.updates.clone();
        let must = updates.all(|sent| self.fit(member, sent) == Fit::Yes && before_the_end(sent));
        must.then(|| Fault::Missing {
            driver: member.profile.id.clone(),
            possible: possible.updates.map(describe).collect(),
        })
    }

    fn fit(&self, member: &Member, sent: &Sent) -> Fit {
        fit::fit(self.query, &member.profile, sent, self.span, self.limits)
    }

    fn distance_m(&self, place: LatLng) -> f64 {
        self.origin.map_or(0.0, |origin| hav_to_m(origin.hav(place)))
    }
}

fn check_profile(neighbor: &FoundDriver, member: &Member, faults: &mut Vec<Fault>) {
    let mut capabilities = neighbor.capabilities.clone();
    capabilities.sort();
    if neighbor.vehicle_class != member.profile.vehicle_class || capabilities != member.profile.capabilities {
        let shown = format!("{} {:?}", neighbor.vehicle_class, neighbor.capabilities);
        let expected = format!("{} {:?}", member.profile.vehicle_class, member.profile.capabilities);
        faults.push(Fault::WrongProfile { driver: neighbor.driver.clone(), shown, expected });
    }
}

/// Checks the length and the order of the answer.
fn check_list(case: &Case<'_>, answer: &Answer, faults: &mut Vec<Fault>) {
    let (limit, returned) = (case.query.search.limit() as usize, answer.neighbors.len());
    if returned > limit {
        faults.push(Fault::TooMany { returned, limit });
    }
    let by_id = matches!(case.query.search, Search::WithinPolygon { .. });
    for pair in answer.neighbors.windows(2) {
        let ordered =
            if by_id { pair[0].driver <= pair[1].driver } else { pair[0].distance_m <= pair[1].distance_m };
        if !ordered {
            faults.push(Fault::OutOfOrder { first: pair[0].driver.clone(), second: pair[1].driver.clone() });
        }
    }
}

fn describe(sent: &Sent) -> String {
    format!("{} number {} sent at {} ({:?})", sent.place, sent.sequence, sent.sent_ms, sent.status)
}

/// Counts the faults by kind.
pub fn by_kind(faults: &[Fault]) -> HashMap<&'static str, usize> {
    let mut kinds = HashMap::new();
    for fault in faults {
        *kinds.entry(fault.kind()).or_default() += 1;
    }
    kinds
}
