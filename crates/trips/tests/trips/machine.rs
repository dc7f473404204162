//! The state machine beyond the table of transitions: drivers who returned an offer, times, meter and steps.

use kerb_trips::{
    CancelledBy, EventKind as E, IllegalReason, Meter, Outcome, Receipt, ReturnReason, StepNote, Trip,
    TripEvent, TripState,
};
use kerb_types::{Millis, Timestamp};

use super::{START_MS, after, driver, event, offered, place, receipt, request, trip_in};

fn apply(trip: &mut Trip, event: &TripEvent) -> Outcome {
    trip.apply(event, START_MS + Millis::new(90_000)).unwrap()
}

#[test]
fn a_returned_offer_keeps_the_age_and_is_not_made_again() {
    let mut trip = trip_in(TripState::Offered);
    let declined = |name| TripEvent::OfferReturned {
        driver: driver(name),
        why: ReturnReason::Declined { reason: "too far".into() },
    };
    apply(&mut trip, &declined("own"));
    assert_eq!((trip.state, &trip.driver, trip.offer), (TripState::Requested, &None, None));
    assert_eq!((trip.times.requested_ms, trip.times.offered_ms), (START_MS, None));
    assert_eq!(trip.declined_by, [driver("own")]);
    let again = trip.apply(&offered("own"), Timestamp::default()).unwrap_err();
    assert_eq!(again.why, IllegalReason::DeclinedBefore);
    assert_eq!(
        again.to_string(),
        "trip world-17 is requested: offered is not for a driver who declined it before"
    );
    apply(&mut trip, &offered("other"));
    assert_eq!(trip.offers, 2);
    // The first driver's decline is a repeat. The second driver's is new.
    assert_eq!(apply(&mut trip, &declined("own")), Outcome::Repeated);
    assert_eq!(trip.state, TripState::Offered);
    assert_eq!(apply(&mut trip, &declined("other")), Outcome::Changed);
}

#[test]
fn a_lost_driver_loses_the_trip_and_may_receive_a_new_offer() {
    let mut trip = trip_in(TripState::Arrived);
    let lost = event(E::DriverLost, "own");
    apply(&mut trip, &lost);
    let times = trip.times;
    assert_eq!((times.requested_ms, times.accepted_ms, times.arrived_ms), (START_MS, None, None));
    assert_eq!(trip.driver, None);
    assert_eq!(apply(&mut trip, &lost), Outcome::Repeated);
    let late = trip.apply(&event(E::Arrived, "own"), Timestamp::default()).unwrap_err();
    assert_eq!(late.why, IllegalReason::NotLegal);
    apply(&mut trip, &offered("other"));
    assert_eq!(
        trip.apply(&event(E::Arrived, "own"), Timestamp::default()).unwrap_err().why,
        IllegalReason::OtherDriver
    );
    apply(&mut trip, &event(E::OfferReturned, "other"));
    apply(&mut trip, &offered("own"));
    apply(&mut trip, &event(E::Accepted, "own"));
    assert_eq!(apply(&mut trip, &lost), Outcome::Changed);
}

#[test]
fn a_takeover_offer_reserves_its_driver_and_acceptance_moves_the_trip() {
    let mut trip = trip_in(TripState::EnRoute);
    let takeover = event(E::ReassignmentOffered, "nearer");
    trip.apply(&takeover, START_MS + Millis::new(30_000)).unwrap();
    assert_eq!(trip.reserved_drivers().collect::<Vec<_>>(), [&driver("own"), &driver("nearer")]);
    assert_eq!((&trip.driver, trip.offers, trip.steps.len()), (&Some(driver("own")), 2, 3));
    trip.apply(&event(E::Reassigned, "nearer"), START_MS + Millis::new(34_000)).unwrap();
    assert_eq!(trip.reserved_drivers().collect::<Vec<_>>(), [&driver("nearer")]);
    assert_eq!((trip.reassignment_count(), trip.offer.unwrap().pickup_eta_s), (1, 60));
    let times = (trip.times.offered_ms, trip.times.accepted_ms);
    assert_eq!(times, (Some(START_MS + Millis::new(30_000)), Some(START_MS + Millis::new(34_000))));
    let step = trip.steps.last().unwrap();
    assert_eq!((step.state, &step.driver), (TripState::EnRoute, &Some(driver("nearer"))));
    assert_eq!(step.note, StepNote::Reassigned { from: driver("own") });
    // Every event of the first driver is rejected, because the trip has another driver.
    for kind in [E::Accepted, E::Arrived, E::PickedUp, E::CancelledByDriver] {
        assert_eq!(
            trip.apply(&event(kind, "own"), Timestamp::default()).unwrap_err().why,
            IllegalReason::OtherDriver,
            "{kind}"
        );
    }
    // The first driver may receive a takeover offer. After declining it, the driver receives no other.
    assert_eq!(apply(&mut trip, &event(E::ReassignmentOffered, "own")), Outcome::Changed);
    assert_eq!(apply(&mut trip, &event(E::ReassignmentReturned, "own")), Outcome::Changed);
    assert_eq!(apply(&mut trip, &event(E::ReassignmentReturned, "own")), Outcome::Repeated);
    let again = trip.apply(&event(E::ReassignmentOffered, "own"), Timestamp::default()).unwrap_err();
    assert_eq!(again.why, IllegalReason::DeclinedBefore);
    assert_eq!(trip.driver, Some(driver("nearer")));
}

/// If the acceptance of a takeover crosses an event of the first driver, the first one applied wins.
#[test]
fn an_acceptance_after_the_takeover_offer_ended_is_rejected() {
    for kind in [E::Arrived, E::PickedUp, E::DriverLost, E::CancelledByRider] {
        let mut trip = trip_in(TripState::EnRoute);
        apply(&mut trip, &event(E::ReassignmentOffered, "nearer"));
        apply(&mut trip, &event(kind, "own"));
        assert_eq!(trip.takeover_offer, None, "{kind}");
        let late = trip.apply(&event(E::Reassigned, "nearer"), Timestamp::default()).unwrap_err();
        assert_eq!(late.why, IllegalReason::NotLegal, "{kind}");
    }
}

#[test]
fn a_pick_up_without_a_report_of_arrival_leaves_the_arrival_time_empty() {
    let mut trip = trip_in(TripState::EnRoute);
    apply(&mut trip, &event(E::PickedUp, "own"));
    assert_eq!((trip.state, trip.times.arrived_ms), (TripState::OnTrip, None));
    assert_eq!(
        trip.apply(&event(E::Arrived, "own"), Timestamp::default()).unwrap_err().why,
        IllegalReason::NotLegal
    );
}

#[test]
fn the_meter_runs_from_the_pickup_and_ends_in_a_receipt() {
    let mut trip = trip_in(TripState::OnTrip);
    assert_eq!(trip.meter, Meter { distance_m: 0.0, from: Some(place(1)), last: Some(place(1)) });
    let metered = TripEvent::Metered { distance_m: 840.5, at: place(5) };
    assert_eq!(apply(&mut trip, &metered), Outcome::Changed);
    assert_eq!(apply(&mut trip, &metered), Outcome::Repeated);
    assert_eq!(trip.meter, Meter { distance_m: 840.5, from: Some(place(1)), last: Some(place(5)) });
    let made = Receipt::of(&trip, 900.0, place(6), START_MS + Millis::new(60_000)).unwrap();
    let expected = Receipt {
        pickup: place(1),
        dropoff: place(6),
        accepted_ms: START_MS + Millis::new(2_000),
        arrived_ms: Some(START_MS + Millis::new(3_000)),
        picked_up_ms: START_MS + Millis::new(4_000),
        dropped_off_ms: START_MS + Millis::new(60_000),
        distance_m: 900.0,
        wait_ms: Millis::new(1_000),
        ride_ms: Millis::new(56_000),
        ..receipt("own", 1)
    };
    assert_eq!(made, expected);
    let done = TripEvent::DroppedOff { driver: driver("own"), receipt: Box::new(made.clone()) };
    apply(&mut trip, &done);
    assert_eq!(trip.receipt.as_deref(), Some(&made));
    assert_eq!(Receipt::of(&trip, 900.0, place(6), Timestamp::default()), None);
    assert_eq!(Receipt::of(&trip_in(TripState::Arrived), 0.0, place(6), Timestamp::default()), None);
}

#[test]
fn only_the_same_party_repeats_a_cancellation() {
    let cancelled = |by| TripEvent::Cancelled { by, reason: "second words".into() };
    let mut trip = trip_in(TripState::Cancelled);
    assert_eq!(apply(&mut trip, &cancelled(CancelledBy::Rider)), Outcome::Repeated);
    assert_eq!(
        (trip.cancelled_by.as_ref(), &*trip.cancel_reason),
        (Some(&CancelledBy::Rider), "changed plans")
    );
    let operator = trip.apply(&cancelled(CancelledBy::Operator), Timestamp::default()).unwrap_err();
    assert_eq!(
        operator.to_string(),
        "trip world-17 is cancelled: cancelled_by_operator is not possible, it has ended"
    );
    // The driver of a cancelled trip must learn of the cancellation, so the repeat is an error.
    assert!(trip.apply(&event(E::Accepted, "own"), Timestamp::default()).is_err());
}

#[test]
fn a_request_is_a_repeat_only_if_it_is_equal() {
    let mut trip = trip_in(TripState::EnRoute);
    assert_eq!(apply(&mut trip, &TripEvent::Requested(Box::new(request(1)))), Outcome::Repeated);
    let mut other = request(1);
    other.party_size += 1;
    assert!(trip.apply(&TripEvent::Requested(Box::new(other)), Timestamp::default()).is_err());
}

#[test]
fn errors_list_the_legal_events() {
    let illegal =
        trip_in(TripState::Requested).apply(&event(E::DroppedOff, "own"), Timestamp::default()).unwrap_err();
    let text = "trip world-17 is requested: dropped_off is not possible, legal are offered, expired, \
                cancelled_by_rider, cancelled_by_operator";
    assert_eq!(illegal.to_string(), text);
    let foreign =
        trip_in(TripState::EnRoute).apply(&event(E::Arrived, "foreign"), Timestamp::default()).unwrap_err();
    assert_eq!(
        foreign.to_string(),
        "trip world-17 is en_route: arrived is for its own driver, and that is another"
    );
}

#[test]
fn steps_record_every_change_in_order() {
    let mut trip = trip_in(TripState::Offered);
    apply(&mut trip, &event(E::OfferReturned, "own"));
    apply(&mut trip, &offered("other"));
    apply(&mut trip, &event(E::Accepted, "other"));
    apply(&mut trip, &event(E::DriverLost, "other"));
    apply(&mut trip, &event(E::CancelledByRider, "own"));
    let steps: Vec<(&str, Option<&str>)> = trip
        .steps
        .iter()
        .map(|s| (s.state.name(), s.driver.as_ref().map(kerb_types::DriverId::as_str)))
        .collect();
    assert_eq!(
        steps,
        [
            ("requested", None),
            ("offered", Some("own")),
            ("requested", Some("own")),
            ("offered", Some("other")),
            ("en_route", Some("other")),
            ("requested", Some("other")),
            ("cancelled", None),
        ]
    );
    assert_eq!(
        trip.steps[2].note,
        StepNote::OfferReturned { why: ReturnReason::Declined { reason: "lunch".to_owned() } }
    );
    assert_eq!(trip.steps[5].note, StepNote::DriverLost);
    let reason = "changed plans".into();
    assert_eq!(trip.steps[6].note, StepNote::Cancelled { by: CancelledBy::Rider, reason });
    assert_eq!(after(&[]).steps[0].at_ms, START_MS);
}
