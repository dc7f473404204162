//! The tracker of trips: turns the events of markets into events for riders and changes for the checker.

use std::collections::HashMap;

use kerb_proto::v1;
use kerb_proto::v1::trip_event::Event;
use kerb_trips::TripState;

use crate::agents::agent_ids::AgentIds;
use crate::agents::messages::{AgentEvent, RequestNumber};
use crate::checkers::trip_history::TripChange;
use crate::run::service::ServiceEvent;

/// The live trips of a run.
#[derive(Debug, Default)]
pub(super) struct TripTracker {
    ids: AgentIds,
    live: HashMap<String, LiveTrip>,
    by_request: HashMap<RequestNumber, String>,
}

#[derive(Debug)]
struct LiveTrip {
    request: RequestNumber,
    /// Id of the driver with the last offer; empty for none.
    driver: String,
    eta_s: u32,
    /// Estimate of the driver with the last takeover offer, seconds.
    takeover_eta_s: u32,
}

impl TripTracker {
    /// Creates a tracker without trips.
    pub(super) fn new(ids: AgentIds) -> Self {
        Self { ids, live: HashMap::new(), by_request: HashMap::new() }
    }

    /// Returns the live trip of a request.
    pub(super) fn trip_of(&self, request: RequestNumber) -> Option<String> {
        self.by_request.get(&request).cloned()
    }

    /// Processes an event of a market. Events of other runs' trips are ignored.
    pub(super) fn on_event(&mut self, event: v1::TripEvent, events: &mut Vec<ServiceEvent>) {
        let v1::TripEvent { at_ms, trip_id: trip, event: Some(event), .. } = event else {
            return events.push(ServiceEvent::Fault("a trip event is empty".to_owned()));
        };
        if let Event::Requested(requested) = &event
            && let Some(request) = self.ids.request_of(&requested.rider_id)
        {
            self.by_request.insert(request, trip.clone());
            let live = LiveTrip { request, driver: String::new(), eta_s: 0, takeover_eta_s: 0 };
            self.live.insert(trip.clone(), live);
        }
        let Some(live) = self.live.get_mut(&trip) else { return };
        let takes_over = matches!(
            event,
            Event::ReassignmentOffered(_) | Event::ReassignmentReturned(_) | Event::Reassigned(_)
        );
        let Some((state, driver)) = new_state(event, live) else { return };
        let change = TripChange { at_ms, state, driver: driver.clone(), takes_over };
        events.push(ServiceEvent::TripChanged { trip: trip.clone(), change });
        if takes_over && state != TripState::EnRoute {
            // A takeover offer is invisible to the rider until the driver has taken the trip over.
            return;
        }
        let with_driver = state.has_driver() || state == TripState::Completed;
        let driver = if with_driver { self.ids.driver_of(&driver) } else { None };
        let eta_s = state.has_driver().then_some(live.eta_s);
        // The rider made the request itself; only a return to `Requested` is a change for it.
        if state != TripState::Requested || !live.driver.is_empty() {
            let request = live.request;
            events.push(ServiceEvent::Agent(AgentEvent::TripChanged { request, state, driver, eta_s }));
        }
        if !state.is_live() {
            self.by_request.remove(&live.request);
            self.live.remove(&trip);
        }
    }
}

/// Returns the new state of the trip and the driver concerned; `None` if the event does not change the state.
fn new_state(event: Event, live: &mut LiveTrip) -> Option<(TripState, String)> {
    let state = match event {
        Event::Requested(_) => TripState::Requested,
        Event::Offered(offered) => {
            (live.driver, live.eta_s) = (offered.driver_id, offered.pickup_eta_s);
            TripState::Offered
        }
        Event::OfferReturned(of) | Event::DriverLost(of) => {
            return Some((TripState::Requested, of.driver_id));
        }
        Event::ReassignmentOffered(offered) => {
            live.takeover_eta_s = offered.pickup_eta_s;
            return Some((TripState::Offered, offered.driver_id));
        }
        Event::ReassignmentReturned(of) => return Some((TripState::Requested, of.driver_id)),
        Event::Reassigned(of) => {
            (live.driver, live.eta_s) = (of.driver_id, live.takeover_eta_s);
            TripState::EnRoute
        }
        Event::Accepted(of) => return Some((TripState::EnRoute, of.driver_id)),
        Event::Arrived(of) => return Some((TripState::Arrived, of.driver_id)),
        Event::PickedUp(of) => return Some((TripState::OnTrip, of.driver_id)),
        Event::Metered(_) => return None,
        Event::Completed(receipt) => return Some((TripState::Completed, receipt.driver_id)),
        Event::Expired(_) => TripState::Expired,
        Event::Cancelled(_) => TripState::Cancelled,
    };
    Some((state, live.driver.clone()))
}
