//! The replies that wait until a decision is durable.

use kerb_ports::DriverNotification;
use kerb_trips::{Trip, TripId, TripState};
use kerb_types::{Millis, Timestamp};

use crate::error::MatcherError;
use crate::mailbox::{
    AssignedTrip, MarketCommand, MarketQuery, MarketReport, Reply, TripChanges, TripExplanationInput,
};
use crate::market::{Market, unknown_trip};
use crate::task::state::MarketState;

/// The reply of an executed command.
pub(super) enum PendingReply {
    /// The trip as it is once the decision is durable.
    Trip { decision: Result<TripId, MatcherError>, reply: Reply<Trip> },
    /// The state of the trip right after the decision.
    TripState { decision: Result<TripState, MatcherError>, reply: Reply<TripState> },
    /// The assignment of a driver.
    Assignment { assignment: Option<DriverNotification>, reply: Reply<Option<DriverNotification>> },
    /// A reply without a value, once the decision is durable.
    Done { reply: Reply<()> },
    /// The result of a query.
    Query(MarketQuery),
}

impl PendingReply {
    /// The reply of a command that is not executed. It can only be sent with an error.
    pub(super) fn of_rejected(command: MarketCommand) -> Self {
        let rejected = || MatcherError::Internal("the command was not executed".to_owned());
        match command {
            MarketCommand::Request { reply, .. }
            | MarketCommand::Cancel { reply, .. }
            | MarketCommand::ForceCancel { reply, .. } => Self::Trip { decision: Err(rejected()), reply },
            MarketCommand::Act { reply, .. } => Self::TripState { decision: Err(rejected()), reply },
            MarketCommand::DriverConnected { reply, .. } => Self::Assignment { assignment: None, reply },
            MarketCommand::SetPaused { reply, .. }
            | MarketCommand::DriverDisconnected { reply, .. }
            | MarketCommand::DriverUnavailable { reply, .. }
            | MarketCommand::OfferUndeliverable { reply, .. }
            | MarketCommand::DriversLocated { reply, .. } => Self::Done { reply },
            MarketCommand::Query(query) => Self::Query(query),
        }
    }

    /// Replies from the durable state, or with the reason why the decision may not be durable. A caller who does not wait
    /// any more has dropped the other end, so the results of the sends do not matter.
    pub(super) fn send(self, durable: Result<&MarketState, MatcherError>) {
        match self {
            Self::Trip { decision, reply } => {
                let trip = durable.and_then(|state| trip_of(&state.market, &decision?));
                drop(reply.send(trip));
            }
            Self::TripState { decision, reply } => drop(reply.send(durable.and(decision))),
            Self::Assignment { assignment, reply } => drop(reply.send(durable.map(|_| assignment))),
            Self::Done { reply } => drop(reply.send(durable.map(|_| ()))),
            Self::Query(query) => answer(query, durable),
        }
    }
}

fn answer(query: MarketQuery, durable: Result<&MarketState, MatcherError>) {
    match query {
        MarketQuery::Trip { rider, trip, reply } => {
            drop(reply.send(durable.and_then(|state| state.market.trip_of(&rider, &trip).cloned())));
        }
        MarketQuery::RiderTrips { rider, key, reply } => {
            drop(reply.send(durable.map(|state| state.market.trips_of(&rider, &key))));
        }
        MarketQuery::ChangeCount { rider, trip, reply } => {
            let trip = durable.and_then(|state| state.market.trip_of(&rider, &trip));
            drop(reply.send(trip.map(|trip| trip.steps.len() as u64)));
        }
        MarketQuery::Changes { rider, trip, after, reply } => {
            let trip = durable.and_then(|state| state.market.trip_of(&rider, &trip));
            drop(reply.send(trip.map(|trip| changes_of(trip, after))));
        }
        MarketQuery::ExplanationInput { trip, reply } => {
            let input = durable.and_then(|state| {
                let trip = trip_of(&state.market, &trip)?;
                Ok(TripExplanationInput { trip, winners: state.last.winners.clone() })
            });
            drop(reply.send(input));
        }
        MarketQuery::AcceptsRequests { reply } => {
            drop(reply.send(durable.and_then(|state| state.market.check_accepts_requests())));
        }
        MarketQuery::AssignedTrips { reply } => {
            drop(reply.send(durable.map(|state| assigned_trips(&state.market))));
        }
        MarketQuery::Version { reply } => drop(reply.send(durable.map(|state| state.market.version()))),
        MarketQuery::Report { now, reply } => {
            drop(reply.send(durable.map(|state| report_of(state, now))));
        }
    }
}

fn trip_of(market: &Market, id: &TripId) -> Result<Trip, MatcherError> {
    market.trip(id).cloned().ok_or_else(|| unknown_trip(id))
}

fn changes_of(trip: &Trip, after: u64) -> TripChanges {
    let after = usize::try_from(after).unwrap_or(usize::MAX);
    TripChanges {
        newest_first: trip.steps.iter().skip(after).rev().cloned().collect(),
        ended: !trip.state.is_live(),
    }
}

fn assigned_trips(market: &Market) -> Vec<AssignedTrip> {
    let assigned = market.assigned().map(|(driver, trip)| {
        let request = &trip.request;
        let destination = if trip.state == TripState::OnTrip { request.dropoff } else { request.pickup };
        AssignedTrip { driver: driver.clone(), trip: trip.id.clone(), destination }
    });
    let mut assigned: Vec<_> = assigned.collect();
    // The market has its drivers in a hash map. A fixed order keeps the decisions about them equal in equal runs.
    assigned.sort_unstable_by_key(|assigned| assigned.trip.number);
    assigned
}

fn report_of(state: &MarketState, now: Timestamp) -> MarketReport {
    let (market, last) = (&state.market, &state.last);
    let counts = market.counts();
    let age_ms = counts.oldest_waiting_ms.map_or(Millis::ZERO, |requested_ms| now - requested_ms);
    MarketReport {
        market: market.id().clone(),
        paused: market.is_paused(),
        counts,
        oldest_waiting_ms: age_ms.get().max(0).unsigned_abs(),
        windows: state.windows,
        last_requests: last.requests,
        last_pairs: last.pairs,
        last_offers: last.offers,
        last_candidates_us: last.candidates_us,
        last_solve_us: last.solve_us,
        journal_version: market.version(),
    }
}
