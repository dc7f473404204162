//! The service as a run sees it: in this process, behind gRPC, or a test double.

use kerb_proto::v1::{FindNearbyRequest, FindNearbyResponse};

use crate::agents::messages::{AgentAction, AgentEvent, RequestNumber};
use crate::checkers::position_log::PositionReport;
use crate::checkers::trip_history::TripChange;

/// A message of the service to the run.
#[derive(Clone, Debug)]
pub enum ServiceEvent {
    /// An event for an agent.
    Agent(AgentEvent),
    /// The service acknowledged a request.
    RequestAcknowledged {
        /// The number of the request.
        request: RequestNumber,
        /// The service's id of the trip.
        trip: String,
    },
    /// A trip changed its state, as the journal of its market reports.
    TripChanged {
        /// The service's id of the trip.
        trip: String,
        /// The change and its time.
        change: TripChange,
    },
    /// A sampled search was answered.
    SearchAnswered {
        /// Number of the search.
        number: u64,
        /// The answer, or the reason why there is none.
        answer: Result<FindNearbyResponse, String>,
    },
    /// The service took this time for a call.
    Latency {
        /// Kind of the call.
        kind: &'static str,
        /// Duration in the machine's own time, microseconds.
        us: u64,
    },
    /// The service violated a rule.
    Fault(String),
}

/// Counts of position updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpdateCounts {
    /// Updates handed to the service.
    pub sent: u64,
    /// Updates that the service lost, rejected or dropped.
    pub failed: u64,
}

/// The port to a service. It takes agents' actions and returns events.
#[expect(async_fn_in_trait, reason = "a run drives its service on its own task")]
pub trait Service {
    /// Converts the city's time to the service's time.
    fn server_ms(&self, city_ms: i64) -> i64;

    /// Sends position reports in order.
    fn report(&mut self, reports: &[PositionReport]);

    /// Sends any other action. Its result arrives as an event.
    fn submit(&mut self, action: AgentAction);

    /// Starts a search for drivers.
    fn search(&mut self, number: u64, query: FindNearbyRequest);

    /// Starts a query for the state of the markets.
    fn poll_markets(&mut self);

    /// Waits for events, and appends all that are ready. Dropping the future before it is ready loses nothing.
    async fn next(&mut self, events: &mut Vec<ServiceEvent>);

    /// Returns the counts of updates so far.
    fn updates(&self) -> UpdateCounts;
}
