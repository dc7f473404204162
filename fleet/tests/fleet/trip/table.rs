//! Every state and every event, of the trip's own driver and of another, against a table written by hand.

use kerb_fleet::{EventKind, IllegalReason, Outcome, TripState};

use super::{START_MS, event, trip_in};

/// A row a state, a column an event in the order of [`EventKind::ALL`]: the next state, `=` for a repeat, `.` for not
/// possible, `!` for not possible because the trip is another driver's.
const OWN: &str = "
    state     | req off ret acc lost arr pick met drop exp c_r c_d c_o
    requested | .   Of  .   .   .    .   .    .   .    Ex  Ca  .   Ca
    offered   | .   =   Re  En  .    .   .    .   .    .   Ca  .   Ca
    en_route  | .   .   .   =   Re   Ar  On   .   .    .   Ca  Ca  Ca
    arrived   | .   .   .   =   Re   =   On   .   .    .   Ca  Ca  Ca
    on_trip   | .   .   .   =   .    =   =    On  Co   .   .   .   Ca
    completed | .   .   .   =   .    =   =    .   =    .   .   .   .
    expired   | .   .   .   .   .    .   .    .   .    =   .   .   .
    cancelled | .   .   .   .   .    .   .    .   .    .   =   .   .
";

const FOREIGN: &str = "
    state     | req off ret acc lost arr pick met drop exp c_r c_d c_o
    requested | .   Of  .   .   .    .   .    .   .    Ex  Ca  .   Ca
    offered   | .   .   !   !   !    !   !    .   !    .   Ca  !   Ca
    en_route  | .   .   !   !   !    !   !    .   !    .   Ca  !   Ca
    arrived   | .   .   !   !   !    !   !    .   !    .   Ca  !   Ca
    on_trip   | .   .   !   !   !    !   !    On  !    .   .   !   Ca
    completed | .   .   !   !   !    !   !    .   !    .   .   !   .
    expired   | .   .   .   .   .    .   .    .   .    =   .   .   .
    cancelled | .   .   !   !   !    !   !    .   !    .   =   !   .
";

fn judge(state: TripState, kind: EventKind, name: &str) -> &'static str {
    let before = trip_in(state);
    let mut trip = before.clone();
    match trip.apply(&event(kind, name), START_MS + 60_000) {
        Ok(Outcome::Repeated) => {
            assert_eq!(trip, before, "a repeat changes nothing");
            "="
        }
        Ok(Outcome::Changed) => {
            let steps = usize::from(kind != EventKind::Metered);
            assert_eq!(trip.steps.len(), before.steps.len() + steps, "{state} {kind}");
            assert!(kind == EventKind::Metered || trip.steps.last().unwrap().state == trip.state);
            assert_eq!(trip.times.ended_ms.is_some(), !trip.state.is_live());
            assert_eq!(trip.times.requested_ms, START_MS, "the age is kept");
            let live_with_driver = trip.state.is_live() && trip.driver.is_some();
            assert_eq!(live_with_driver, trip.state.has_driver());
            ["Re", "Of", "En", "Ar", "On", "Co", "Ex", "Ca"][trip.state as usize]
        }
        Err(illegal) => {
            assert_eq!(trip, before, "a refusal changes nothing");
            assert_eq!((illegal.state, illegal.event, &illegal.trip), (state, kind.name(), &trip.id));
            match illegal.why {
                IllegalReason::NotLegal => ".",
                IllegalReason::NotYours => "!",
                IllegalReason::ReturnedBefore => "?",
            }
        }
    }
}

#[test]
fn every_event_in_every_state_does_what_the_table_says() {
    for (table, name) in [(OWN, "own"), (FOREIGN, "foreign")] {
        let rows: Vec<&str> = table.lines().skip(2).filter(|line| line.contains('|')).collect();
        assert_eq!(rows.len(), TripState::ALL.len());
        for (row, state) in rows.iter().zip(TripState::ALL) {
            let (title, cells) = row.split_once('|').unwrap();
            assert_eq!(title.trim(), state.name());
            let cells: Vec<&str> = cells.split_whitespace().collect();
            assert_eq!(cells.len(), EventKind::ALL.len());
            for (expected, kind) in cells.iter().zip(EventKind::ALL) {
                assert_eq!(judge(state, kind, name), *expected, "{kind} of the {name} driver in {state}");
            }
        }
    }
}

/// What the error offers is what the machine takes, and nothing else.
#[test]
fn the_named_legal_events_are_those_that_lead_somewhere() {
    for state in TripState::ALL {
        let taken: Vec<&str> = EventKind::ALL
            .into_iter()
            .filter(|kind| {
                let mut trip = trip_in(state);
                trip.apply(&event(*kind, "own"), START_MS + 60_000) == Ok(Outcome::Changed)
            })
            .map(EventKind::name)
            .collect();
        let mut named: Vec<&str> = state.legal_events().map(EventKind::name).collect();
        named.sort_by_key(|name| EventKind::ALL.iter().position(|kind| kind.name() == *name));
        assert_eq!(named, taken, "{state}");
    }
}
