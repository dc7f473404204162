//! The context of a driver's turn: the time, the shared world, and the riders.

use crate::agents::messages::{DriverNumber, RequestNumber};
use crate::agents::rider::Rider;
use crate::agents::world::World;

/// What a driver needs besides itself to act.
pub(crate) struct AgentContext<'a> {
    pub(crate) number: DriverNumber,
    pub(crate) now_ms: i64,
    pub(crate) world: &'a mut World,
    riders: &'a mut [Rider],
    changed_riders: Vec<RequestNumber>,
}

impl<'a> AgentContext<'a> {
    pub(crate) fn new(
        number: DriverNumber,
        now_ms: i64,
        world: &'a mut World,
        riders: &'a mut [Rider],
    ) -> Self {
        Self { number, now_ms, world, riders, changed_riders: Vec::new() }
    }

    /// Applies `update` to the rider of a trip. A trip of another run has no rider here.
    pub(crate) fn update_rider(&mut self, trip: &str, update: impl FnOnce(&mut Rider, &mut World)) {
        let Some(&request) = self.world.trips.get(trip) else { return };
        let rider = &mut self.riders[request.index()];
        if rider.has_requested() {
            update(rider, self.world);
            self.changed_riders.push(request);
        }
    }

    /// Returns the riders that this turn changed: the city plans their next actions again.
    pub(crate) fn into_changed_riders(self) -> Vec<RequestNumber> {
        self.changed_riders
    }
}
