//! A driver, word by word.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::*;

const WILLING: Habits = Habits { accept_percent: 100, lapse_percent: 0, closing_mps: 10.0 };

fn at(lat: f64) -> LatLng {
    LatLng::new(lat, -122.4).unwrap()
}

fn job(trip: &str) -> Job {
    Job { trip: trip.to_owned(), pickup: at(37.76), dropoff: at(37.78) }
}

fn offer(driver: &mut Driver, trip: &str, now_ms: i64, rng: &mut Pcg64Mcg) {
    driver.heard(News::Task(job(trip), TripState::Offered), now_ms, rng);
}

/// Says what is due, and hears that it was taken. Answers what was said and when.
fn next(driver: &mut Driver, outcome: Outcome, rng: &mut Pcg64Mcg) -> (Action, i64) {
    let due_ms = driver.due_ms().expect("something is due");
    assert_eq!(driver.step(due_ms - 1), None, "too early");
    let (trip, action) = driver.step(due_ms).expect("it is due");
    assert_eq!(driver.due_ms(), None, "it waits for the answer");
    driver.heard(News::Result(trip, action, outcome), due_ms, rng);
    (action, due_ms)
}

#[test]
fn a_trip_from_offer_to_drop_off() {
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let mut driver = Driver::new(at(37.75), WILLING);
    offer(&mut driver, "t", 0, &mut rng);
    assert!(driver.is_free(), "an offer is no trip");
    let (accepted, began_ms) = next(&mut driver, Outcome::Taken, &mut rng);
    assert!(accepted == Action::Accept && THINKS_MS.contains(&began_ms) && !driver.is_free());
    let (arrived, at_pickup_ms) = next(&mut driver, Outcome::Taken, &mut rng);
    // 0.01 degree at 10 m/s.
    assert_eq!((arrived, (at_pickup_ms - began_ms) / 1_000), (Action::Arrive, 111));
    assert_eq!(driver.place(at_pickup_ms), at(37.76));
    let (picked_up, left_ms) = next(&mut driver, Outcome::Taken, &mut rng);
    assert!(picked_up == Action::PickUp && BOARDING_MS.contains(&(left_ms - at_pickup_ms)));
    let (dropped_off, there_ms) = next(&mut driver, Outcome::Taken, &mut rng);
    assert_eq!((dropped_off, (there_ms - left_ms) / 1_000), (Action::DropOff, 222));
    assert_eq!((driver.place(there_ms), driver.is_free(), driver.due_ms()), (at(37.78), true, None));
}

#[test]
fn a_cancelled_trip_frees_the_driver_on_the_way_and_another_trips_end_does_not() {
    let mut rng = Pcg64Mcg::seed_from_u64(2);
    let mut driver = Driver::new(at(37.75), WILLING);
    offer(&mut driver, "t", 0, &mut rng);
    let (_, began_ms) = next(&mut driver, Outcome::Taken, &mut rng);
    driver.heard(News::Over("other".to_owned()), began_ms, &mut rng);
    assert!(!driver.is_free());
    driver.heard(News::Over("t".to_owned()), began_ms + 55_600, &mut rng);
    assert!(driver.is_free());
    assert!(kerb_spatial::distance_m(driver.place(i64::MAX), at(37.755)) < 1.0);
}

#[test]
fn what_cannot_be_taken_is_said_again_and_what_is_refused_is_dropped() {
    let mut rng = Pcg64Mcg::seed_from_u64(3);
    let mut driver = Driver::new(at(37.75), WILLING);
    offer(&mut driver, "t", 0, &mut rng);
    let (_, first_ms) = next(&mut driver, Outcome::TryAgain, &mut rng);
    assert_eq!(driver.due_ms(), Some(first_ms + AGAIN_MS));
    let (again, again_ms) = next(&mut driver, Outcome::Refused, &mut rng);
    assert_eq!((again, driver.trip()), (Action::Accept, None));

    offer(&mut driver, "u", again_ms, &mut rng);
    driver.step(again_ms + THINKS_MS.end).expect("thought for long enough");
    driver.say_again(again_ms + 9_000);
    assert_eq!(driver.step(again_ms + 9_000), Some(("u".to_owned(), Action::Accept)));
    driver.heard(News::Result("u".to_owned(), Action::Decline, Outcome::Taken), 0, &mut rng);
    assert_eq!(driver.trip().map(String::as_str), Some("u"), "an answer to something else");
}

#[test]
fn habits_decide_about_offers() {
    let mut rng = Pcg64Mcg::seed_from_u64(4);
    let habits = Habits { accept_percent: 60, lapse_percent: 10, ..WILLING };
    let (mut accepted, mut declined, mut lapsed) = (0, 0, 0);
    for _ in 0..10_000 {
        let mut driver = Driver::new(at(37.75), habits);
        offer(&mut driver, "t", 0, &mut rng);
        match driver.step(THINKS_MS.end) {
            Some((_, Action::Accept)) => accepted += 1,
            Some((_, Action::Decline)) => declined += 1,
            other => {
                assert_eq!(other, None);
                lapsed += 1;
            }
        }
    }
    assert!((5_800..6_200).contains(&accepted), "{accepted}");
    assert!((2_800..3_200).contains(&declined), "{declined}");
    assert!((850..1_150).contains(&lapsed), "{lapsed}");
}

#[test]
fn a_task_after_a_break_goes_on_where_the_trip_stands() {
    let mut rng = Pcg64Mcg::seed_from_u64(5);
    let cases = [
        (TripState::EnRoute, Action::Arrive),
        (TripState::Arrived, Action::PickUp),
        (TripState::OnTrip, Action::DropOff),
    ];
    for (state, expected) in cases {
        let mut driver = Driver::new(at(37.75), WILLING);
        driver.heard(News::Task(job("t"), state), 0, &mut rng);
        assert_eq!(next(&mut driver, Outcome::Taken, &mut rng).0, expected);
    }
    // The answer to the accept was lost with a stream; the task says that it holds.
    let mut driver = Driver::new(at(37.75), WILLING);
    offer(&mut driver, "t", 0, &mut rng);
    driver.step(THINKS_MS.end).expect("accepts");
    driver.heard(News::Task(job("t"), TripState::EnRoute), THINKS_MS.end, &mut rng);
    assert_eq!(next(&mut driver, Outcome::Taken, &mut rng).0, Action::Arrive);
}
