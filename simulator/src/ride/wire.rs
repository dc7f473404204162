//! Between the agents' words and the wire's.

use kerb_fleet::TripState;
use kerb_proto::convert::public_state;
use kerb_proto::v1;
use kerb_proto::v1::connect_response::Message;
use tonic::{Code, Status};

use super::driver::{Job, News, Outcome};
use super::rider::Step;
use crate::action::Action;
use crate::question::position;

/// What a driver hears of trips; `None` for other messages and for what cannot be understood.
pub(super) fn news(message: Message) -> Option<News> {
    match message {
        Message::Task(task) => {
            let (state, pickup, dropoff) =
                (state(task.state())?, position(task.pickup)?, position(task.dropoff)?);
            Some(News::Task(Job { trip: task.trip_id, pickup, dropoff }, state))
        }
        Message::Over(over) => Some(News::Over(over.trip_id)),
        Message::Result(result) => {
            let action = Action::of(&result)?;
            Some(News::Result(result.trip_id, action, outcome(result.code)))
        }
        _ => None,
    }
}

/// A change that a rider sees, and its number.
pub(super) fn step(change: v1::TripChange) -> Option<(u64, Step)> {
    let state = state(change.state())?;
    // A driver who comes by an offer of its own leaves nothing to say.
    let takes_over = state == TripState::EnRoute && !change.note.is_empty();
    Some((change.number, Step { at_ms: change.at_ms, state, driver: change.driver_id, takes_over }))
}

/// Whether the same call may fare better later.
pub(super) fn may_pass(status: &Status) -> bool {
    matches!(outcome(status.code() as i32), Outcome::TryAgain)
        || matches!(status.code(), Code::Unknown | Code::Cancelled)
}

fn outcome(code: i32) -> Outcome {
    match Code::from_i32(code) {
        Code::Ok => Outcome::Taken,
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded => Outcome::TryAgain,
        _ => Outcome::Refused,
    }
}

fn state(wire: v1::TripState) -> Option<TripState> {
    TripState::ALL.into_iter().find(|state| public_state(*state) == wire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_name_the_action_and_say_whether_to_try_again() {
        let result = |action: &str, code: Code| {
            let (trip_id, action, code) = ("t".to_owned(), action.to_owned(), code as i32);
            news(Message::Result(v1::ActionResult { trip_id, action, code, ..Default::default() }))
        };
        let heard = |action, outcome| Some(News::Result("t".to_owned(), action, outcome));
        assert_eq!(result("accept", Code::Ok), heard(Action::Accept, Outcome::Taken));
        assert_eq!(result("picked_up", Code::Unavailable), heard(Action::PickUp, Outcome::TryAgain));
        assert_eq!(result("dropped_off", Code::FailedPrecondition), heard(Action::DropOff, Outcome::Refused));
        assert_eq!(result("fly", Code::Ok), None);
    }
}
