//! Every state and every event, of the trip's own driver and of another, against a table written by hand.

use kerb_trips::{EventKind, IllegalReason, Outcome, Trip, TripState};

use super::{START_MS, event, trip_in};

/// A row a state, a column an event in the order of [`EventKind::ALL`]: the next state, `=` for a repeat, `.` for not
/// possible, `!` for not possible because the trip is another driver's, `?` because of who is asked, or not, to take it
/// over.
const OWN: &str = "
    state     | req off ret acc roff rret reas lost arr pick met drop exp c_r c_d c_o
    requested | .   Of  .   .   .    .    .    .    .   .    .   .    Ex  Ca  .   Ca
    offered   | .   =   Re  En  .    .    .    .    .   .    .   .    .   Ca  .   Ca
    en_route  | .   .   .   =   ?    ?    ?    Re   Ar  On   .   .    .   Ca  Ca  Ca
    arrived   | .   .   .   =   .    .    .    Re   =   On   .   .    .   Ca  Ca  Ca
    on_trip   | .   .   .   =   .    .    .    .    =   =    On  Co   .   .   .   Ca
    completed | .   .   .   =   .    .    .    .    =   =    .   =    .   .   .   .
    expired   | .   .   .   .   .    .    .    .    .   .    .   .    =   .   .   .
    cancelled | .   .   .   .   .    .    .    .    .   .    .   .    .   =   .   .
";

const FOREIGN: &str = "
    state     | req off ret acc roff rret reas lost arr pick met drop exp c_r c_d c_o
    requested | .   Of  .   .   .    .    .    .    .   .    .   .    Ex  Ca  .   Ca
    offered   | .   .   !   !   .    .    .    !    !   !    .   !    .   Ca  !   Ca
    en_route  | .   .   !   !   En   ?    ?    !    !   !    .   !    .   Ca  !   Ca
    arrived   | .   .   !   !   .    .    .    !    !   !    .   !    .   Ca  !   Ca
    on_trip   | .   .   !   !   .    .    .    !    !   !    On  !    .   .   !   Ca
    completed | .   .   !   !   .    .    .    !    !   !    .   !    .   .   !   .
    expired   | .   .   .   .   .    .    .    .    .   .    .   .    =   .   .   .
    cancelled | .   .   !   !   .    .    .    !    !   !    .   !    .   =   !   .
";

/// Under way while driver `asked` is asked to take it over: events of its own driver, of that one, and of a third; and
/// then what has become of it, once `asked` has taken it, for those whose trip it was, is and never was.
const ASKED: &str = "
    state     | req off ret acc roff rret reas lost arr pick met drop exp c_r c_d c_o
    own       | .   .   .   =   ?    ?    ?    Re   Ar  On   .   .    .   Ca  Ca  Ca
    asked     | .   .   !   !   =    En   En   !    !   !    .   !    .   Ca  !   Ca
    foreign   | .   .   !   !   ?    ?    ?    !    !   !    .   !    .   Ca  !   Ca
    own       | .   .   !   !   En   ?    !    !    !   !    .   !    .   Ca  !   Ca
    asked     | .   .   .   =   ?    ?    =    Re   Ar  On   .   .    .   Ca  Ca  Ca
    foreign   | .   .   !   !   En   ?    !    !    !   !    .   !    .   Ca  !   Ca
";

fn judge(before: &Trip, kind: EventKind, name: &str) -> &'static str {
    let (state, mut trip) = (before.state, before.clone());
    match trip.apply(&event(kind, name), START_MS + 60_000) {
        Ok(Outcome::Repeated) => {
            assert_eq!(trip, *before, "a repeat changes nothing");
            "="
        }
        Ok(Outcome::Changed) => {
            let steps = usize::from(kind.is_step());
            assert_eq!(trip.steps.len(), before.steps.len() + steps, "{state} {kind}");
            assert_eq!(trip.asked.is_some(), kind == EventKind::ReassignmentOffered, "one query, one answer");
            assert!(!kind.is_step() || trip.steps.last().unwrap().state == trip.state);
            assert_eq!(trip.times.ended_ms.is_some(), !trip.state.is_live());
            assert_eq!(trip.times.requested_ms, START_MS, "the age is kept");
            let live_with_driver = trip.state.is_live() && trip.driver.is_some();
            assert_eq!(live_with_driver, trip.state.has_driver());
            ["Re", "Of", "En", "Ar", "On", "Co", "Ex", "Ca"][trip.state as usize]
        }
        Err(illegal) => {
            assert_eq!(trip, *before, "a refusal changes nothing");
            assert_eq!((illegal.state, illegal.event, &illegal.trip), (state, kind.name(), &trip.id));
            match illegal.why {
                IllegalReason::NotLegal => ".",
                IllegalReason::NotYours => "!",
                IllegalReason::ReturnedBefore => "0",
                IllegalReason::AskedAlready | IllegalReason::NotAsked => "?",
            }
        }
    }
}

/// The rows of a table.
fn rows(table: &'static str) -> Vec<(&'static str, Vec<&'static str>)> {
    let rows = table.lines().skip(2).filter_map(|line| line.split_once('|'));
    let rows: Vec<(&str, Vec<&str>)> =
        rows.map(|(title, cells)| (title.trim(), cells.split_whitespace().collect())).collect();
    assert!(rows.iter().all(|(_, cells)| cells.len() == EventKind::ALL.len()));
    rows
}

#[test]
fn every_event_in_every_state_does_what_the_table_says() {
    for (table, name) in [(OWN, "own"), (FOREIGN, "foreign")] {
        let rows = rows(table);
        assert_eq!(rows.len(), TripState::ALL.len());
        for ((title, cells), state) in rows.iter().zip(TripState::ALL) {
            assert_eq!(*title, state.name());
            for (expected, kind) in cells.iter().zip(EventKind::ALL) {
                assert_eq!(
                    judge(&trip_in(state), kind, name),
                    *expected,
                    "{kind} of the {name} driver in {state}"
                );
            }
        }
    }
}

#[test]
fn whoever_does_whatever_while_another_driver_is_asked_and_after() {
    let asked = asked();
    let mut taken = asked.clone();
    taken.apply(&event(EventKind::Reassigned, "asked"), START_MS + 40_000).unwrap();
    let rows = rows(ASKED);
    for (at, (name, cells)) in rows.iter().enumerate() {
        let before = if at < 3 { &asked } else { &taken };
        for (expected, kind) in cells.iter().zip(EventKind::ALL) {
            assert_eq!(judge(before, kind, name), *expected, "{kind} of {name}, row {at}");
        }
    }
}

/// Under way, and another driver is asked.
fn asked() -> Trip {
    let mut asked = trip_in(TripState::EnRoute);
    asked.apply(&event(EventKind::ReassignmentOffered, "asked"), START_MS + 30_000).unwrap();
    asked
}

/// What the error offers is what the machine takes from the one whom it concerns, and nothing else.
#[test]
fn the_named_legal_events_are_those_that_lead_somewhere() {
    for state in TripState::ALL {
        let takes = |mut trip: Trip, kind: &EventKind, name| {
            trip.apply(&event(*kind, name), START_MS + 60_000) == Ok(Outcome::Changed)
        };
        let is_taken = |kind: &EventKind| match kind {
            EventKind::ReassignmentOffered => takes(trip_in(state), kind, "asked"),
            EventKind::ReassignmentReturned | EventKind::Reassigned => {
                state == TripState::EnRoute && takes(asked(), kind, "asked")
            }
            _ => takes(trip_in(state), kind, "own"),
        };
        let taken: Vec<&str> = EventKind::ALL.into_iter().filter(is_taken).map(EventKind::name).collect();
        let mut named: Vec<&str> = state.legal_events().map(EventKind::name).collect();
        named.sort_by_key(|name| EventKind::ALL.iter().position(|kind| kind.name() == *name));
        assert_eq!(named, taken, "{state}");
    }
}
