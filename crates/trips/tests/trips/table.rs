//! Every event in every state, of the trip's own driver and of another, against tables written by hand.

use kerb_trips::{EventKind, IllegalReason, Outcome, Trip, TripState};
use kerb_types::Millis;

use super::{START_MS, event, trip_in};

/// Events of the trip's own driver: one row per state, one column per event in the order of [`EventKind::ALL`].
///
/// A cell is the next state, `=` for a repeat, `.` for an event that is illegal in the state, `!` for one that needs the
/// trip's own driver, or `?` for one that violates the rules of takeover offers.
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

/// Events of a driver who does not have the trip.
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

/// A trip en route with a takeover offer to driver `second`. The first three rows are events of its own driver, of the
/// second and of a third while the offer is open; the last three are the same after the second driver has taken it over.
const TAKEOVER: &str = "
    state     | req off ret acc roff rret reas lost arr pick met drop exp c_r c_d c_o
    own       | .   .   .   =   ?    ?    ?    Re   Ar  On   .   .    .   Ca  Ca  Ca
    second    | .   .   !   !   =    En   En   !    !   !    .   !    .   Ca  !   Ca
    foreign   | .   .   !   !   ?    ?    ?    !    !   !    .   !    .   Ca  !   Ca
    own       | .   .   !   !   En   ?    !    !    !   !    .   !    .   Ca  !   Ca
    second    | .   .   .   =   ?    ?    =    Re   Ar  On   .   .    .   Ca  Ca  Ca
    foreign   | .   .   !   !   En   ?    !    !    !   !    .   !    .   Ca  !   Ca
";

/// Applies an event to a copy of `before` and returns the cell of the table that describes the result.
fn cell_of(before: &Trip, kind: EventKind, name: &str) -> &'static str {
    let (state, mut trip) = (before.state, before.clone());
    match trip.apply(&event(kind, name), START_MS + Millis::new(60_000)) {
        Ok(Outcome::Repeated) => {
            assert_eq!(trip, *before, "a repeat changes nothing");
            "="
        }
        Ok(Outcome::Changed) => {
            let steps = usize::from(kind.is_step());
            assert_eq!(trip.steps.len(), before.steps.len() + steps, "{state} {kind}");
            let has_takeover_offer = trip.takeover_offer.is_some();
            assert_eq!(
                has_takeover_offer,
                kind == EventKind::ReassignmentOffered,
                "every event ends the offer"
            );
            assert!(!kind.is_step() || trip.steps.last().unwrap().state == trip.state);
            assert_eq!(trip.times.ended_ms.is_some(), !trip.state.is_live());
            assert_eq!(trip.times.requested_ms, START_MS, "the request time stays");
            let live_with_driver = trip.state.is_live() && trip.driver.is_some();
            assert_eq!(live_with_driver, trip.state.has_driver());
            ["Re", "Of", "En", "Ar", "On", "Co", "Ex", "Ca"][trip.state as usize]
        }
        Err(illegal) => {
            assert_eq!(trip, *before, "a rejected event changes nothing");
            assert_eq!((illegal.state, illegal.event, &illegal.trip), (state, kind.name(), &trip.id));
            match illegal.why {
                IllegalReason::NotLegal => ".",
                IllegalReason::OtherDriver => "!",
                IllegalReason::DeclinedBefore => "0",
                IllegalReason::TakeoverOfferOpen | IllegalReason::NoTakeoverOffer => "?",
            }
        }
    }
}

/// Parses a table into rows of a title and cells.
fn rows(table: &'static str) -> Vec<(&'static str, Vec<&'static str>)> {
    let rows = table.lines().skip(2).filter_map(|line| line.split_once('|'));
    let rows: Vec<(&str, Vec<&str>)> =
        rows.map(|(title, cells)| (title.trim(), cells.split_whitespace().collect())).collect();
    assert!(rows.iter().all(|(_, cells)| cells.len() == EventKind::ALL.len()));
    rows
}

#[test]
fn every_event_in_every_state_matches_the_table() {
    for (table, name) in [(OWN, "own"), (FOREIGN, "foreign")] {
        let rows = rows(table);
        assert_eq!(rows.len(), TripState::ALL.len());
        for ((title, cells), state) in rows.iter().zip(TripState::ALL) {
            assert_eq!(*title, state.name());
            for (expected, kind) in cells.iter().zip(EventKind::ALL) {
                assert_eq!(
                    cell_of(&trip_in(state), kind, name),
                    *expected,
                    "{kind} of the {name} driver in {state}"
                );
            }
        }
    }
}

#[test]
fn every_event_during_and_after_a_takeover_offer_matches_the_table() {
    let offered = takeover_offered();
    let mut reassigned = offered.clone();
    reassigned.apply(&event(EventKind::Reassigned, "second"), START_MS + Millis::new(40_000)).unwrap();
    let rows = rows(TAKEOVER);
    for (row, (name, cells)) in rows.iter().enumerate() {
        let before = if row < 3 { &offered } else { &reassigned };
        for (expected, kind) in cells.iter().zip(EventKind::ALL) {
            assert_eq!(cell_of(before, kind, name), *expected, "{kind} of {name}, row {row}");
        }
    }
}

/// Returns a trip en route with a takeover offer to driver `second`.
fn takeover_offered() -> Trip {
    let mut trip = trip_in(TripState::EnRoute);
    trip.apply(&event(EventKind::ReassignmentOffered, "second"), START_MS + Millis::new(30_000)).unwrap();
    trip
}

/// `legal_events` lists exactly the events that the state machine applies if the right driver sends them.
#[test]
fn legal_events_are_those_that_change_the_trip() {
    for state in TripState::ALL {
        let changes = |mut trip: Trip, kind: &EventKind, name| {
            trip.apply(&event(*kind, name), START_MS + Millis::new(60_000)) == Ok(Outcome::Changed)
        };
        let is_applied = |kind: &EventKind| match kind {
            EventKind::ReassignmentOffered => changes(trip_in(state), kind, "second"),
            EventKind::ReassignmentReturned | EventKind::Reassigned => {
                state == TripState::EnRoute && changes(takeover_offered(), kind, "second")
            }
            _ => changes(trip_in(state), kind, "own"),
        };
        let applied: Vec<&str> = EventKind::ALL.into_iter().filter(is_applied).map(EventKind::name).collect();
        let mut listed: Vec<&str> = state.legal_events().map(EventKind::name).collect();
        listed.sort_by_key(|name| EventKind::ALL.iter().position(|kind| kind.name() == *name));
        assert_eq!(listed, applied, "{state}");
    }
}
