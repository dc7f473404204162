//! What the events of trips say: to riders, where their trips stand; to the judge, who was promised to whom.

use std::collections::HashMap;

use kerb_proto::v1;
use kerb_proto::v1::trip_event::Event;
use kerb_trips::TripState;

use super::message::{Heard, RequestNumber};
use super::names::Names;
use super::ride::Step;
use super::service::News;

/// The live trips of a run.
#[derive(Debug, Default)]
pub struct Trips {
    names: Names,
    live: HashMap<String, Live>,
    of_request: HashMap<RequestNumber, String>,
}

#[derive(Debug)]
struct Live {
    request: RequestNumber,
    /// Who was asked last; empty for none.
    driver: String,
    eta_s: u32,
    /// Of the driver who was asked last to take it over.
    asked_eta_s: u32,
}

impl Trips {
    /// None yet.
    pub fn new(names: Names) -> Self {
        Self { names, live: HashMap::new(), of_request: HashMap::new() }
    }

    /// A request was answered. Its rider may know it already, by the trip's first event.
    pub fn acknowledged(&mut self, request: RequestNumber, trip: String, news: &mut Vec<News>) {
        news.push(News::Acknowledged { request, trip: trip.clone() });
        news.push(News::Heard(Heard::Requested { request, trip }));
    }

    /// The live trip of a request.
    pub fn of(&self, request: RequestNumber) -> Option<String> {
        self.of_request.get(&request).cloned()
    }

    /// An event of a trip. Events of others' trips are passed over.
    pub fn event(&mut self, event: v1::TripEvent, news: &mut Vec<News>) {
        let v1::TripEvent { at_ms, trip_id: trip, event: Some(event), .. } = event else {
            return news.push(News::Fault("an event says nothing".to_owned()));
        };
        if let Event::Requested(requested) = &event
            && let Some(request) = self.names.request_of(&requested.rider_id)
        {
            self.of_request.insert(request, trip.clone());
            self.live.insert(trip.clone(), Live { request, driver: String::new(), eta_s: 0, asked_eta_s: 0 });
        }
        let Some(live) = self.live.get_mut(&trip) else { return };
        let takes_over = matches!(
            event,
            Event::ReassignmentOffered(_) | Event::ReassignmentReturned(_) | Event::Reassigned(_)
        );
        let Some((state, driver)) = meaning(event, live) else { return };
        let step = Step { at_ms, state, driver: driver.clone(), takes_over };
        news.push(News::Step { trip: trip.clone(), step });
        if takes_over && state != TripState::EnRoute {
            // The rider hears of it when that driver has taken the trip.
            return;
        }
        let with_driver = state.has_driver() || state == TripState::Completed;
        let driver = if with_driver { self.names.driver_of(&driver) } else { None };
        let eta_s = state.has_driver().then_some(live.eta_s);
        if state != TripState::Requested || !live.driver.is_empty() {
            news.push(News::Heard(Heard::Trip { request: live.request, state, driver, eta_s }));
        }
        if !state.is_live() {
            self.of_request.remove(&live.request);
            self.live.remove(&trip);
        }
    }
}

/// What the trip became, and the driver concerned; `None` where its state is as before.
fn meaning(event: Event, live: &mut Live) -> Option<(TripState, String)> {
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
            live.asked_eta_s = offered.pickup_eta_s;
            return Some((TripState::Offered, offered.driver_id));
        }
        Event::ReassignmentReturned(of) => return Some((TripState::Requested, of.driver_id)),
        Event::Reassigned(of) => {
            (live.driver, live.eta_s) = (of.driver_id, live.asked_eta_s);
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
