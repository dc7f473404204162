//! The agents of a city: riders, drivers, and the operator who switches the policy.
//!
//! An agent acts by [`AgentAction`] and reacts to an [`AgentEvent`]. [`Agents`] is the port between a city and a run.

pub(crate) mod activity_meter;
pub mod agent_ids;
pub(crate) mod assignment;
pub(crate) mod context;
pub(crate) mod driver;
pub mod driver_action;
pub mod messages;
pub(crate) mod motion;
pub(crate) mod repositioning;
pub(crate) mod rider;
pub(crate) mod shift;
pub mod switchback;
pub(crate) mod uplink;
pub(crate) mod world;

use messages::{AgentAction, AgentEvent};

/// The riders and drivers of a city, as a run sees them. Implementations are pure: the time is an argument.
pub trait Agents {
    /// Returns the beginning of the run, milliseconds since the Unix epoch, of the city's day.
    fn begins_ms(&self) -> i64;

    /// Returns the end of the run, milliseconds since the Unix epoch.
    fn ends_ms(&self) -> i64;

    /// Returns the vehicle class of each driver, in the order of driver numbers.
    fn vehicle_classes(&self) -> Vec<String>;

    /// Returns the time of the next action; `None` when no action is due before the next event.
    fn next_ms(&self) -> Option<i64>;

    /// Advances to `now_ms` and appends the actions that are due, in order. `now_ms` never decreases.
    fn step(&mut self, now_ms: i64, actions: &mut Vec<AgentAction>);

    /// Delivers an event of the service to the agent that it concerns.
    fn on_event(&mut self, now_ms: i64, event: AgentEvent);
}
