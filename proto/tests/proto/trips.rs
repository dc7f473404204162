//! Trip messages: conversions between the roles and with drivers' apps, and the public messages of a whole ride.

use kerb_geometry::LatLng;
use kerb_ports::{DriverAction, DriverLocation, DriverNotification, TripAssignment};
use kerb_proto::convert::{
    Act, action_name, action_outcome, action_result, public_event, public_receipt, public_state, public_step,
    public_trip, trip_state,
};
use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::trip_event::Event;
use kerb_proto::{internal, v1};
use kerb_trips::{
    CancelledBy, IdempotencyKey, MarketId, Receipt, ReturnReason, RideRequest, RiderId, Trip, TripEvent,
    TripId, TripState, Version,
};
use kerb_types::{Catalog, DriverId, FieldError, Millis, Timestamp, TravelSource};
use proptest::option;
use proptest::prelude::*;
use prost::Message;
use tonic::{Code, Status};

use crate::values;

fn through_bytes<M: Message + Default>(message: &M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

fn trip_id() -> impl Strategy<Value = TripId> {
    ("[a-z0-9._-]{1,32}", any::<u64>())
        .prop_map(|(market, number)| TripId { market: MarketId::new(&market).unwrap(), number })
}

fn state() -> impl Strategy<Value = TripState> {
    proptest::sample::select(TripState::ALL.to_vec())
}

fn action() -> impl Strategy<Value = DriverAction> {
    let reason = || prop_oneof!["[a-z ]{0,200}", "\\PC{0,40}"];
    prop_oneof![
        Just(DriverAction::Accept),
        reason().prop_map(|reason| DriverAction::Decline { reason }),
        Just(DriverAction::Arrived),
        Just(DriverAction::PickedUp),
        Just(DriverAction::DroppedOff),
        reason().prop_map(|reason| DriverAction::Cancel { reason }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    (trip_id(), action()).prop_map(|(trip, action)| Act { trip, action })
}

fn source() -> impl Strategy<Value = Option<TravelSource>> {
    prop_oneof![Just(None), Just(Some(TravelSource::Roads)), Just(Some(TravelSource::StraightLine))]
}

fn notification() -> impl Strategy<Value = DriverNotification> {
    let ends = (values::position(), values::position());
    let assignment = (trip_id(), state(), ends, any::<u32>(), source(), any::<i64>(), 1..=16u8).prop_map(
        |(trip, state, (pickup, dropoff), pickup_eta_s, travel_source, expires_ms, party_size)| {
            DriverNotification::Assignment(Box::new(TripAssignment {
                trip,
                state,
                pickup,
                dropoff,
                pickup_eta_s,
                travel_source,
                expires_ms: Timestamp::from_millis(expires_ms),
                party_size,
            }))
        },
    );
    let ended = (trip_id(), state(), "\\PC{0,40}").prop_map(|(trip, state, why)| DriverNotification::Ended {
        trip,
        state,
        reason: why,
    });
    prop_oneof![assignment, ended]
}

proptest! {
    #[test]
    fn notifications_between_roles(notification in notification()) {
        let wire = through_bytes(&internal::v1::DriverNotification::from(&notification));
        prop_assert_eq!(DriverNotification::try_from(wire), Ok(notification));
    }

    #[test]
    fn notifications_to_apps(notification in notification()) {
        let read = match Down::from(&notification) {
            Down::Assignment(task) => TripAssignment::try_from(through_bytes(&task)).map(|task| DriverNotification::Assignment(Box::new(task))),
            Down::Ended(over) => DriverNotification::try_from(through_bytes(&over)),
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(read, Ok(notification));
    }

    #[test]
    fn locations(
        locations in option::of((any::<bool>(), option::of((values::position(), any::<i64>().prop_map(Timestamp::from_millis)))))
    ) {
        let locations = locations.map(|(connected, position)| DriverLocation { connected, position });
        let wire = through_bytes(&internal::v1::DriverLocation::from(locations.as_ref()));
        prop_assert_eq!(Option::<DriverLocation>::try_from(wire), Ok(locations));
    }

    #[test]
    fn actions(driver in values::driver_id(), act in act()) {
        let wire = through_bytes(&internal::v1::ActRequest::from((&driver, &act)));
        prop_assert_eq!(<(DriverId, Act)>::try_from(wire), Ok((driver, act.clone())));
        let wire = through_bytes(&v1::TripAction::from(&act));
        prop_assert_eq!(action_name(&wire), act.action.name());
        prop_assert_eq!(Act::try_from(wire), Ok(act));
    }

    #[test]
    fn results(state in state(), code in 1..17, message in "\\PC{0,40}") {
        let wire = through_bytes(&action_result("world-1", "accept", Ok(state)));
        prop_assert_eq!(action_outcome(&wire).ok(), Some(state));
        let status = Status::new(Code::from_i32(code), message);
        let wire = through_bytes(&action_result("world-1", "accept", Err(&status)));
        prop_assert_eq!((wire.trip_id.as_str(), wire.action.as_str(), wire.state), ("world-1", "accept", 0));
        let refused = action_outcome(&wire).unwrap_err();
        prop_assert_eq!((refused.code(), refused.message()), (status.code(), status.message()));
    }
}

#[test]
fn states_are_the_numbers_of_the_wire_and_no_others() {
    let numbers: Vec<_> = TripState::ALL.into_iter().map(|state| public_state(state) as i32).collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
    for state in TripState::ALL {
        assert_eq!(public_state(state).as_str_name(), format!("TRIP_STATE_{}", state.name().to_uppercase()));
        assert_eq!(trip_state(public_state(state) as i32), Ok(state));
    }
    for wrong in [-1, 0, 9, i32::MAX] {
        let error = trip_state(wrong).unwrap_err();
        assert_eq!(error, FieldError::new("state", format!("{wrong}, must be 1 to 8")));
    }
}

#[test]
fn an_invalid_action_names_field_value_and_what_is_valid() {
    let of = |trip_id: &str, action| Act::try_from(v1::TripAction { trip_id: trip_id.to_owned(), action });
    let accept = || Some(v1::trip_action::Action::Accept(v1::AcceptOffer {}));
    let decline = |length: usize| {
        Some(v1::trip_action::Action::Decline(v1::DeclineOffer { reason: "\u{e9}".repeat(length) }))
    };
    assert!(of("world-1", decline(100)).is_ok());
    for (result, field, text) in [
        (of("world", accept()), "trip_id", "\"world\""),
        (of("", accept()), "trip_id", "world-17"),
        (of("world-1", None), "action", "absent"),
        (of("world-1", decline(101)), "decline.reason", "202 bytes, must be at most 200"),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.field, field);
        assert!(error.description.contains(text), "{error}");
    }
    let wire = internal::v1::ActRequest {
        driver_id: "cab".to_owned(),
        trip_id: "world-1".to_owned(),
        action: "fly".to_owned(),
        reason: String::new(),
    };
    let error = <(DriverId, Act)>::try_from(wire).unwrap_err();
    assert_eq!((&*error.field, error.description.starts_with("\"fly\"")), ("action", true));
}

#[test]
fn invalid_notifications_are_rejected_with_their_path() {
    let assignment = internal::v1::TripAssignment {
        trip_id: "world-1".to_owned(),
        state: 2,
        pickup: u64::MAX / 2,
        ..Default::default()
    };
    let of = |notification| {
        DriverNotification::try_from(internal::v1::DriverNotification { notification }).unwrap_err().field
    };
    let ended = internal::v1::TripEnded { trip_id: "world-1".to_owned(), state: 77, reason: String::new() };
    assert_eq!(
        of(Some(internal::v1::driver_notification::Notification::Assignment(assignment.clone()))),
        "assignment.pickup"
    );
    let large_party = internal::v1::TripAssignment { pickup: 0, party_size: 256, ..assignment };
    assert_eq!(
        of(Some(internal::v1::driver_notification::Notification::Assignment(large_party))),
        "assignment.party_size"
    );
    assert_eq!(of(Some(internal::v1::driver_notification::Notification::Ended(ended))), "ended.state");
    assert_eq!(of(None), "notification");
}

fn driver() -> DriverId {
    DriverId::new("cab-7").unwrap()
}

fn place(lat_deg: f64) -> LatLng {
    LatLng::new(lat_deg, 8.0).unwrap()
}

fn requested(catalog: &Catalog) -> Trip {
    let request = RideRequest {
        rider: RiderId::new("rider-1").unwrap(),
        key: IdempotencyKey::new("key").unwrap(),
        pickup: place(50.0),
        dropoff: place(50.5),
        vehicle_class: catalog.vehicle_class("xl").unwrap(),
        capabilities: catalog.capabilities(&["pets", "wheelchair"]).unwrap(),
        party_size: 5,
        wait_max_ms: Millis::new(300_000),
    };
    Trip::requested("world-17".parse().unwrap(), request, Timestamp::from_millis(1_000))
}

fn offered() -> TripEvent {
    TripEvent::Offered {
        driver: driver(),
        pickup_eta_s: 90,
        travel_source: Some(TravelSource::Roads),
        expires_ms: Timestamp::from_millis(17_000),
    }
}

#[test]
fn a_whole_ride_as_its_rider_and_its_subscribers_see_it() {
    let catalog = Catalog::default();
    let mut trip = requested(&catalog);
    let other = DriverId::new("cab-8").unwrap();
    let declined = ReturnReason::Declined { reason: "lunch".to_owned() };
    let mut events = vec![
        TripEvent::Requested(Box::new(trip.request.clone())),
        TripEvent::Offered {
            driver: other.clone(),
            pickup_eta_s: 80,
            travel_source: None,
            expires_ms: Timestamp::from_millis(16_000),
        },
        TripEvent::OfferReturned { driver: other, why: declined },
        offered(),
        TripEvent::Accepted { driver: driver() },
        TripEvent::Arrived { driver: driver() },
        TripEvent::PickedUp { driver: driver(), at: Some(place(50.001)) },
        TripEvent::Metered { distance_m: 1_234.5, at: place(50.2) },
    ];
    for (i, event) in events.iter().enumerate().skip(1) {
        trip.apply(event, Timestamp::from_millis(1_000 * (i as i64 + 1))).unwrap();
    }
    let wire = public_trip(&trip, &catalog);
    assert_eq!((wire.state(), wire.ended_ms, wire.receipt.as_ref()), (v1::TripState::OnTrip, 0, None));

    let receipt = Receipt::of(&trip, 5_000.0, place(50.4), Timestamp::from_millis(9_000)).unwrap();
    events.push(TripEvent::DroppedOff { driver: driver(), receipt: Box::new(receipt.clone()) });
    trip.apply(events.last().unwrap(), Timestamp::from_millis(9_000)).unwrap();
    let wire = public_trip(&trip, &catalog);
    let expected = v1::Trip {
        trip_id: "world-17".to_owned(),
        rider_id: "rider-1".to_owned(),
        state: v1::TripState::Completed.into(),
        pickup: Some(place(50.0).into()),
        dropoff: Some(place(50.5).into()),
        vehicle_class: "xl".to_owned(),
        capabilities: vec!["wheelchair".to_owned(), "pets".to_owned()],
        party_size: 5,
        wait_max_ms: 300_000,
        driver_id: "cab-7".to_owned(),
        pickup_eta_s: 90,
        travel_source: v1::TravelSource::Roads.into(),
        offers: 2,
        requested_ms: 1_000,
        accepted_ms: 5_000,
        arrived_ms: 6_000,
        picked_up_ms: 7_000,
        ended_ms: 9_000,
        number: 8,
        receipt: Some(public_receipt(&receipt, &catalog)),
        cancelled_by: String::new(),
        cancel_reason: String::new(),
    };
    assert_eq!(wire, expected);
    let charged = wire.receipt.unwrap();
    assert_eq!((charged.distance_m, charged.wait_ms, charged.ride_ms), (5_000.0, 1_000, 2_000));
    assert_eq!((&*charged.driver_id, &*charged.vehicle_class), ("cab-7", "xl"));
    assert_eq!((charged.pickup, charged.dropoff), (Some(place(50.001).into()), Some(place(50.4).into())));

    let steps: Vec<_> = (1..).zip(&trip.steps).map(|(number, step)| public_step(number, step)).collect();
    assert_eq!(steps.last().map(|step| step.number), Some(expected.number));
    assert_eq!((&*steps[2].note, &*steps[2].driver_id, steps[2].at_ms), ("declined: lunch", "cab-8", 3_000));

    let published: Vec<_> = (0..)
        .zip(&events)
        .map(|(index, event)| {
            public_event((Version::new(4), index), Timestamp::from_millis(1_000), &trip.id, event, &catalog)
        })
        .collect();
    for (index, event) in published.iter().enumerate() {
        let position = v1::EventPosition { version: 4, index: index as u32 };
        assert_eq!((event.position, &*event.trip_id), (Some(position), "world-17"));
    }
    let event = |i: usize| published[i].event.clone().unwrap();
    assert_eq!(event(0), Event::Requested(public_trip(&requested(&catalog), &catalog)));
    let reason = "declined: lunch".to_owned();
    assert_eq!(event(2), Event::OfferReturned(v1::DriverEvent { driver_id: "cab-8".to_owned(), reason }));
    assert!(
        matches!(event(3), Event::Offered(offer) if offer.expires_ms == 17_000 && offer.pickup_eta_s == 90
            && offer.travel_source() == v1::TravelSource::Roads)
    );
    assert!(matches!(event(4), Event::Accepted(by) if by.driver_id == "cab-7"));
    assert!(matches!(event(5), Event::Arrived(_)) && matches!(event(6), Event::PickedUp(_)));
    assert!(matches!(event(7), Event::Metered(meter) if meter.location == Some(place(50.2).into())));
    assert_eq!(event(8), Event::Completed(charged));
}

#[test]
fn the_party_that_cancelled_is_named() {
    let catalog = Catalog::default();
    let by_driver = || CancelledBy::Driver { driver: driver() };
    for (by, name, note) in [
        (CancelledBy::Rider, "rider", "cancelled by rider: too slow"),
        (by_driver(), "driver", "cancelled by driver: too slow"),
        (CancelledBy::Operator, "operator", "cancelled by operator: too slow"),
    ] {
        let mut trip = requested(&catalog);
        trip.apply(&offered(), Timestamp::from_millis(2_000)).unwrap();
        trip.apply(&TripEvent::Accepted { driver: driver() }, Timestamp::from_millis(3_000)).unwrap();
        let event = TripEvent::Cancelled { by: by.clone(), reason: "too slow".to_owned() };
        trip.apply(&event, Timestamp::from_millis(4_000)).unwrap();
        let wire = public_trip(&trip, &catalog);
        assert_eq!((&*wire.cancelled_by, &*wire.cancel_reason, wire.ended_ms), (name, "too slow", 4_000));
        let step = public_step(4, trip.steps.last().unwrap());
        assert_eq!((&*step.note, &*step.driver_id), (note, "cab-7"));
        let Some(Event::Cancelled(cancelled)) =
            public_event((Version::new(9), 0), Timestamp::from_millis(4_000), &trip.id, &event, &catalog)
                .event
        else {
            panic!("{event:?}")
        };
        assert_eq!((&*cancelled.by, &*cancelled.reason), (name, "too slow"));
        assert_eq!(cancelled.driver_id.is_empty(), by != by_driver());
    }
    let mut waiting = requested(&catalog);
    waiting.apply(&TripEvent::Expired, Timestamp::from_millis(5_000)).unwrap();
    let wire = public_trip(&waiting, &catalog);
    assert_eq!((wire.state(), wire.ended_ms, &*wire.driver_id), (v1::TripState::Expired, 5_000, ""));
    let expired = public_event(
        (Version::new(9), 0),
        Timestamp::from_millis(5_000),
        &waiting.id,
        &TripEvent::Expired,
        &catalog,
    );
    assert_eq!(expired.event, Some(Event::Expired(v1::ExpiredEvent {})));
}
