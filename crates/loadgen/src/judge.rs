//! Judges an answer against a linear scan of all that was sent. It knows nothing of streams and servers: what the
//! index may show at a time is [`crate::history`]'s.
//!
//! A driver whose every possible position fits the question must be in the answer, unless the answer is full of
//! nearer ones; a driver none of whose possible positions fits must not be. What is in the answer must be one of the
//! possible positions, with the right distance, in the right order, once.

mod answer;
mod fault;
mod fit;

use std::collections::{HashMap, HashSet};

use kerb_geometry::{LatLng, Origin, hav_to_m};
use kerb_ports::Search;
use kerb_ports::search::origin_of;

pub use answer::{Answer, Found, NotReadable};
pub use fault::Fault;
pub use fit::{Fit, Limits};

use crate::history::{Fleet, Member, Sent, Span};
use crate::question::Question;

/// A distance may differ by this much from the judge's, metres: positions are kept to 1.1 cm and both sides compute
/// from the same lattice, so a millimetre is generous.
pub const DISTANCE_TOLERANCE_M: f64 = 0.001;

/// Everything that is wrong with an answer; empty when it is right.
pub fn judge(question: &Question, answer: &Answer, span: Span, fleet: &Fleet, limits: &Limits) -> Vec<Fault> {
    let case = Case { question, span, limits, origin: origin_of(&question.search).map(Origin::new) };
    let mut faults = Vec::new();
    check_list(&case, answer, &mut faults);
    let mut found = HashSet::new();
    for hit in &answer.hits {
        match fleet.by_id(&hit.driver) {
            None => faults.push(Fault::Stranger { driver: hit.driver.clone() }),
            Some((index, _)) if !found.insert(index) => {
                faults.push(Fault::Duplicate { driver: hit.driver.clone() });
            }
            Some((_, member)) => case.check_hit(hit, member, &mut faults),
        }
    }
    let end = End::of(question, answer);
    for (index, member) in fleet.members().iter().enumerate() {
        if !found.contains(&index) {
            faults.extend(case.missing(member, &end));
        }
    }
    faults
}

struct Case<'a> {
    question: &'a Question,
    span: Span,
    limits: &'a Limits,
    origin: Option<Origin>,
}

/// Where a full answer ends: what comes after it is rightly not in it.
enum End {
    /// The answer has room: nothing may be missing.
    Open,
    /// Nothing nearer than this may be missing, metres.
    Distance(f64),
    /// Nothing that sorts before this id may be missing.
    Id(String),
}

impl End {
    fn of(question: &Question, answer: &Answer) -> Self {
        match (&question.search, answer.hits.last()) {
            (search, Some(last)) if answer.hits.len() >= search.limit() as usize => match search {
                Search::WithinPolygon { .. } => Self::Id(last.driver.clone()),
                _ => Self::Distance(last.distance_m - DISTANCE_TOLERANCE_M),
            },
            _ => Self::Open,
        }
    }
}

impl Case<'_> {
    /// A driver in the answer must be where it was, and fit.
    fn check_hit(&self, hit: &Found, member: &Member, faults: &mut Vec<Fault>) {
        let history = member.history();
        let possible = history.possible(self.span).updates;
        let shown: Vec<_> = possible.clone().filter(|sent| hit.shows(sent)).collect();
        if shown.is_empty() {
            let possible = possible.map(describe).collect();
            return faults.push(Fault::NotPossible {
                driver: hit.driver.clone(),
                said: hit.to_string(),
                possible,
            });
        }
        if !shown.into_iter().any(|sent| self.fit(member, sent) != Fit::No) {
            faults.push(Fault::Unfit { driver: hit.driver.clone(), said: hit.to_string() });
        }
        let right_m = self.distance_m(hit.place);
        if (hit.distance_m - right_m).abs() > DISTANCE_TOLERANCE_M || hit.distance_m.is_nan() {
            faults.push(Fault::WrongDistance { driver: hit.driver.clone(), said_m: hit.distance_m, right_m });
        }
        check_card(hit, member, faults);
        self.check_age(hit, faults);
    }

    fn check_age(&self, hit: &Found, faults: &mut Vec<Fault>) {
        let margin_ms = self.limits.age_margin_ms;
        let least_ms = (self.span.began_ms - hit.time_ms - margin_ms).max(0);
        let most_ms = (self.span.ended_ms - hit.time_ms + margin_ms).max(0);
        if !(least_ms..=most_ms).contains(&hit.age_ms) {
            faults.push(Fault::WrongAge {
                driver: hit.driver.clone(),
                said_ms: hit.age_ms,
                least_ms,
                most_ms,
            });
        }
    }

    /// A driver who is not in the answer must not have had to be.
    fn missing(&self, member: &Member, end: &End) -> Option<Fault> {
        let history = member.history();
        let possible = history.possible(self.span);
        if possible.absent || possible.updates.len() == 0 {
            return None;
        }
        let before_the_end = |sent: &Sent| match end {
            End::Open => true,
            End::Distance(end_m) => self.distance_m(sent.place) < *end_m,
            End::Id(id) => member.card.id < *id,
        };
        let mut updates = possible.updates.clone();
        let must = updates.all(|sent| self.fit(member, sent) == Fit::Yes && before_the_end(sent));
        must.then(|| Fault::Missing {
            driver: member.card.id.clone(),
            possible: possible.updates.map(describe).collect(),
        })
    }

    fn fit(&self, member: &Member, sent: &Sent) -> Fit {
        fit::fit(self.question, &member.card, sent, self.span, self.limits)
    }

    fn distance_m(&self, place: LatLng) -> f64 {
        self.origin.map_or(0.0, |origin| hav_to_m(origin.hav(place)))
    }
}

fn check_card(hit: &Found, member: &Member, faults: &mut Vec<Fault>) {
    let mut capabilities = hit.capabilities.clone();
    capabilities.sort();
    if hit.vehicle_class != member.card.vehicle_class || capabilities != member.card.capabilities {
        let said = format!("{} {:?}", hit.vehicle_class, hit.capabilities);
        let right = format!("{} {:?}", member.card.vehicle_class, member.card.capabilities);
        faults.push(Fault::WrongCard { driver: hit.driver.clone(), said, right });
    }
}

/// The answer as a list: not too long, in order.
fn check_list(case: &Case<'_>, answer: &Answer, faults: &mut Vec<Fault>) {
    let (limit, returned) = (case.question.search.limit() as usize, answer.hits.len());
    if returned > limit {
        faults.push(Fault::TooMany { returned, limit });
    }
    let by_id = matches!(case.question.search, Search::WithinPolygon { .. });
    for pair in answer.hits.windows(2) {
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

/// How often each kind of fault occurs.
pub fn by_kind(faults: &[Fault]) -> HashMap<&'static str, usize> {
    let mut kinds = HashMap::new();
    for fault in faults {
        *kinds.entry(fault.kind()).or_default() += 1;
    }
    kinds
}
