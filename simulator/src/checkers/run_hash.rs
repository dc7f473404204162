//! The run hash: a hash of all messages in order. Two equal runs have the same one.

use kerb_geometry::LatLng;
use xxhash_rust::xxh3::Xxh3;

use crate::agents::messages::{AgentAction, AgentEvent};

/// An incremental hash of a run (XXH3, 128 bits). Each message is written with its kind first and each text with its
/// length, so two different runs never write the same bytes.
#[derive(Clone, Default)]
pub struct RunHash(Xxh3);

impl RunHash {
    /// Creates the hash of an empty run.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an agent's action.
    pub fn on_action(&mut self, now_ms: i64, action: &AgentAction) {
        self.number(now_ms);
        match action {
            AgentAction::Report { driver, measured_ms, position, heading_deg, speed_mps, status } => {
                self.head(1, driver.0);
                self.number(*measured_ms);
                self.place(*position);
                // The bits are hashed as they are; the sign has no meaning here.
                self.number(heading_deg.to_bits() as i64);
                self.number(speed_mps.to_bits() as i64);
                self.number(*status as i64);
            }
            AgentAction::Request { request, pickup, dropoff, passengers, vehicle_class, wait_max_ms } => {
                self.head(2, request.0);
                self.place(*pickup);
                self.place(*dropoff);
                self.number(i64::from(*passengers));
                self.text(vehicle_class);
                self.number(i64::from(*wait_max_ms));
            }
            AgentAction::Cancel { request } => self.head(3, request.0),
            AgentAction::Trip { driver, trip, action } => {
                self.head(4, driver.0);
                self.text(trip);
                self.number(*action as i64);
            }
            AgentAction::SwitchPolicy { policy } => self.head(11, *policy as u32),
        }
    }

    /// Adds an event to an agent.
    pub fn on_event(&mut self, now_ms: i64, event: &AgentEvent) {
        self.number(now_ms);
        match event {
            AgentEvent::RequestAccepted { request, trip } => {
                self.head(5, request.0);
                self.text(trip);
            }
            AgentEvent::RequestRejected { request, reason } => {
                self.head(6, request.0);
                self.text(reason);
            }
            AgentEvent::TripChanged { request, state, driver, eta_s } => {
                self.head(7, request.0);
                self.number(*state as i64);
                self.number(driver.map_or(-1, |driver| i64::from(driver.0)));
                self.number(eta_s.map_or(-1, i64::from));
            }
            AgentEvent::Assignment { driver, trip, state, pickup, dropoff, eta_s } => {
                self.head(8, driver.0);
                self.text(trip);
                self.number(*state as i64);
                self.place(*pickup);
                self.place(*dropoff);
                self.number(eta_s.map_or(-1, i64::from));
            }
            AgentEvent::TripEnded { driver, trip } => {
                self.head(9, driver.0);
                self.text(trip);
            }
            AgentEvent::ActionResult { driver, trip, action, outcome } => {
                self.head(10, driver.0);
                self.text(trip);
                self.number(*action as i64);
                self.number(*outcome as i64);
            }
        }
    }

    /// Returns the hash as 32 hexadecimal digits.
    pub fn hex(&self) -> String {
        format!("{:032x}", self.0.digest128())
    }

    fn head(&mut self, kind: u8, agent: u32) {
        self.0.update(&[kind]);
        self.0.update(&agent.to_le_bytes());
    }

    fn number(&mut self, number: i64) {
        self.0.update(&number.to_le_bytes());
    }

    fn place(&mut self, place: LatLng) {
        self.0.update(&place.lat_e7().to_le_bytes());
        self.0.update(&place.lon_e7().to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as i64);
        self.0.update(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::messages::{DriverNumber, RequestNumber};

    #[test]
    fn order_time_and_every_field_change_the_hash() {
        let hash = |actions: &[(i64, u32)], events: &[(i64, &str)]| {
            let mut hash = RunHash::new();
            for (at_ms, request) in actions {
                hash.on_action(*at_ms, &AgentAction::Cancel { request: RequestNumber(*request) });
            }
            for (at_ms, trip) in events {
                let event = AgentEvent::TripEnded { driver: DriverNumber(1), trip: (*trip).to_owned() };
                hash.on_event(*at_ms, &event);
            }
            hash.hex()
        };
        let base = hash(&[(1, 2), (2, 3)], &[(3, "t")]);
        assert_eq!(base, hash(&[(1, 2), (2, 3)], &[(3, "t")]));
        assert_eq!(base.len(), 32);
        for other in [
            hash(&[(2, 3), (1, 2)], &[(3, "t")]),
            hash(&[(1, 2), (2, 4)], &[(3, "t")]),
            hash(&[(1, 2), (3, 3)], &[(3, "t")]),
            hash(&[(1, 2), (2, 3)], &[(3, "u")]),
            hash(&[(1, 2), (2, 3)], &[]),
        ] {
            assert_ne!(base, other);
        }
    }
}
