//! What an index may show of a driver at a time.

use kerb_geometry::LatLng;
use kerb_loadgen::history::{History, Sent, Span};
use kerb_types::DriverStatus;

const ALLOWANCE_MS: i64 = 1_000;

fn sent(sequence: u64, sent_ms: i64) -> Sent {
    let place = LatLng::from_e7(sequence as i32, 0).unwrap();
    Sent { sent_ms, sequence, time_ms: sent_ms, place, status: DriverStatus::Available, certain: true }
}

/// One update a second, numbered from 1, the first one at 1,000 ms.
fn history(updates: u64) -> History {
    let mut history = History::new(ALLOWANCE_MS);
    for sequence in 1..=updates {
        history.record(sent(sequence, sequence as i64 * 1_000));
    }
    history
}

fn possible(history: &History, began_ms: i64, ended_ms: i64) -> (Vec<u64>, bool) {
    let possible = history.possible(Span { began_ms, ended_ms });
    (possible.updates.map(|s| s.sequence).collect(), possible.absent)
}

#[test]
fn what_was_sent_within_the_allowance_and_the_newest_before_it_is_possible() {
    let history = history(10);
    assert_eq!(possible(&history, 5_500, 5_600), (vec![4, 5], false));
    assert_eq!(possible(&history, 5_500, 7_000), (vec![4, 5, 6, 7], false));
    assert_eq!(possible(&history, 50_000, 50_100), (vec![10], false));
}

#[test]
fn a_driver_whose_first_update_is_in_flight_may_be_absent() {
    let history = history(3);
    assert_eq!(possible(&history, 500, 600), (vec![], true));
    assert_eq!(possible(&history, 1_500, 1_600), (vec![1], true));
    assert_eq!(possible(&history, 2_000, 2_000), (vec![1, 2], false));
}

#[test]
fn after_a_break_all_is_open_until_the_new_stream_is_acknowledged() {
    let mut history = history(5);
    history.acknowledged(4, false, 4_100);
    history.broke(5_200);
    history.record(sent(6, 5_500));
    // One second before the break the fourth may be lost, too.
    assert_eq!(possible(&history, 9_000, 9_100), (vec![4, 5, 6], false));
    history.acknowledged(6, false, 9_500);
    assert_eq!(possible(&history, 9_800, 9_900), (vec![4, 5, 6], false));
    assert_eq!(possible(&history, 10_500, 10_600), (vec![6], false));
    // A search before it all is not blurred by it.
    assert_eq!(possible(&history, 3_100, 3_200), (vec![2, 3], false));
}

#[test]
fn an_acknowledgement_of_the_time_before_the_break_does_not_end_the_doubt() {
    let mut history = history(5);
    history.broke(5_200);
    history.acknowledged(5, false, 5_300);
    assert_eq!(possible(&history, 20_000, 20_100), (vec![1, 2, 3, 4, 5], true));
}

#[test]
fn updates_dropped_for_coming_too_fast_may_or_may_not_be_there() {
    let mut history = history(5);
    history.acknowledged(2, false, 2_100);
    history.acknowledged(5, true, 5_100);
    assert_eq!(possible(&history, 9_000, 9_100), (vec![2, 3, 4, 5], false));
}

#[test]
fn a_refused_update_was_never_there() {
    let mut history = history(5);
    history.refused(5);
    assert_eq!(possible(&history, 9_000, 9_100), (vec![4], false));
}

#[test]
fn a_long_history_is_pruned_except_for_what_can_still_show() {
    let history = history(1_000);
    let (all, absent) = possible(&history, i64::MIN / 2, i64::MAX / 2);
    assert!(absent && all.len() <= 122, "{} kept", all.len());
    assert_eq!(possible(&history, 2_000_000, 2_000_000), (vec![1_000], false));
}
