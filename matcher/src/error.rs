//! The error of a matcher, and its conversions from and to the errors of ports.

use kerb_ports::{DriverEventsError, NearbySearchError, TripJournalError, convert};
use kerb_trips::IllegalEvent;

kerb_ports::port_error! {
    /// Why a command or a query to a matcher failed.
    pub enum MatcherError {
        /// Values of the request are invalid.
        Invalid,
        /// There is no such trip or market, or the trip belongs to another rider.
        NotFound,
        /// The state of the trip or of its market does not allow the command.
        FailedPrecondition,
        /// A limit of the matcher, of a market or of a rider is reached.
        Overloaded,
        /// The market, the journal or a search did not respond in time. A command may have been executed.
        DeadlineExceeded,
        /// The market has stopped, or the decision may not be durable.
        Unavailable,
        /// A record of the journal is damaged, or a defect.
        Internal,
    }
}

impl From<IllegalEvent> for MatcherError {
    fn from(illegal: IllegalEvent) -> Self {
        Self::FailedPrecondition(illegal.to_string())
    }
}

impl From<TripJournalError> for MatcherError {
    /// A conflict becomes an internal error, because the market's task handles conflicts before this conversion.
    fn from(error: TripJournalError) -> Self {
        convert(&error)
    }
}

impl From<NearbySearchError> for MatcherError {
    fn from(error: NearbySearchError) -> Self {
        convert(&error)
    }
}

impl From<MatcherError> for DriverEventsError {
    fn from(error: MatcherError) -> Self {
        convert(&error)
    }
}

#[cfg(test)]
mod tests {
    use kerb_trips::{EventKind, IllegalReason, TripState};

    use super::*;

    #[test]
    fn an_illegal_event_is_a_failed_precondition() {
        let illegal = IllegalEvent {
            trip: "world-17".parse().unwrap(),
            state: TripState::Requested,
            event: EventKind::DroppedOff.name(),
            legal: vec!["offered"],
            why: IllegalReason::NotLegal,
        };
        let text = illegal.to_string();
        assert_eq!(MatcherError::from(illegal), MatcherError::FailedPrecondition(text));
    }
}
