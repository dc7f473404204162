//! The state that all agents of a city share.

use std::collections::HashMap;
use std::sync::Arc;

use crate::agents::messages::RequestNumber;
use crate::agents::repositioning::Repositioning;
use crate::agents::uplink::Tunnels;
use crate::demand::TripDemand;
use crate::metrics::record::Activity;
use crate::scenario::Scenario;
use crate::scenario::street_map::StreetMap;

/// The scenario, the map, and the counts of the whole city.
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) street_map: Arc<StreetMap>,
    pub(crate) tunnels: Tunnels,
    pub(crate) trip_demands: Arc<Vec<TripDemand>>,
    pub(crate) repositioning: Repositioning,
    /// The request behind each trip id. It is only looked up, so the map's order does not matter.
    pub(crate) trips: HashMap<String, RequestNumber>,
    /// Drivers in each activity of [`Activity::ALL`] at present.
    pub(crate) drivers_by_activity: [u32; Activity::ALL.len()],
    /// Requests without a driver at present.
    pub(crate) waiting_requests: u32,
    /// Requests that have not ended at present.
    pub(crate) open_requests: u32,
}
