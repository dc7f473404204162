//! The city: riders and drivers as one pure state machine, the same for the same scenario and seed.
//!
//! The city has no clock and no connection. Its caller reads the time of the next event ([`City::next_ms`]), advances
//! to it ([`City::step`]), carries the agents' actions to the service, and delivers the service's events
//! ([`City::on_event`]). Events may arrive at any time, late, twice or never: every request still ends exactly once,
//! and every driver has exactly one activity at each moment.
//!
//! ```no_run
//! use kerb_simulator::city::{City, CityInputs};
//! use kerb_simulator::scenario::Scenario;
//!
//! let scenario = Scenario::shipped("sf-evening")?;
//! let inputs = CityInputs::load(&scenario, None)?;
//! let (mut city, mut actions) = (City::new(&inputs, scenario.seed), Vec::new());
//! while let Some(now_ms) = city.next_ms() {
//!     city.step(now_ms, &mut actions);
//!     for action in actions.drain(..) {
//!         // Send the action to the service, and pass its events to `city.on_event(now_ms, …)`.
//!     }
//! }
//! let record = city.into_record(scenario.drained_ms());
//! # Ok::<(), kerb_simulator::scenario::ScenarioError>(())
//! ```

mod driver_turns;
mod event_queue;
mod inputs;
mod supply;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use kerb_geometry::LatLng;

use crate::agents::Agents;
use crate::agents::driver::Driver;
use crate::agents::messages::{AgentAction, AgentEvent, DriverNumber, RequestNumber};
use crate::agents::repositioning::Repositioning;
use crate::agents::rider::Rider;
use crate::agents::uplink::Tunnels;
use crate::agents::world::World;
use crate::demand::DemandMap;
use crate::metrics::record::{Activity, DriverRecord, FleetSample, RequestRecord};
use crate::scenario::{RepositionTo, Scenario};
use event_queue::{CityEvent, EventQueue};
pub use inputs::CityInputs;
use supply::InitialDriver;

/// The attributes that a driver registers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverProfile {
    /// The cab's id in the data, or a number; unique in a city.
    pub name: String,
    /// Class of the vehicle, as the service's settings name it.
    pub vehicle_class: String,
    /// Seats for riders.
    pub seats: u32,
}

/// What the city recorded of a run; a part of a [`RunRecord`](crate::metrics::record::RunRecord).
#[derive(Clone, Debug, PartialEq)]
pub struct CityRecord {
    /// Beginning of the run, milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// End of the time in which riders request, or of the run if it ended earlier, milliseconds since the Unix epoch.
    pub to_ms: i64,
    /// The measured time, milliseconds since the Unix epoch.
    pub measured_ms: Range<i64>,
    /// True if the run ended before its planned end.
    pub stopped: bool,
    /// Requests that riders made, by time.
    pub requests: Vec<RequestRecord>,
    /// Drivers in the order of their numbers.
    pub drivers: Vec<DriverRecord>,
    /// Samples of the fleet at the intervals of the scenario.
    pub samples: Vec<FleetSample>,
}

/// Riders and drivers on a street map. All times are milliseconds since the Unix epoch, of the city's day.
pub struct City {
    from_ms: i64,
    to_ms: i64,
    /// Latest end of the drain.
    drained_ms: i64,
    /// Time of the last event.
    now_ms: i64,
    queue: EventQueue,
    drivers: Vec<Driver>,
    riders: Vec<Rider>,
    profiles: Vec<DriverProfile>,
    samples: Vec<FleetSample>,
    world: World,
}

impl City {
    /// Creates the city of a seed at its beginning. Two cities with the same inputs and seed have the same riders and
    /// drivers with the same random draws, whatever the service does.
    pub fn new(inputs: &CityInputs, seed: u64) -> Self {
        let (scenario, street_map) = (inputs.scenario.clone(), Arc::clone(&inputs.street_map));
        let trip_demands = inputs.demand.draw(&scenario, &street_map, seed);
        let initial_drivers = inputs.supply.draw(&scenario, &street_map, &trip_demands, seed);
        let (from_ms, to_ms, drained_ms) = (scenario.from_ms(), scenario.to_ms(), scenario.drained_ms());
        let profiles = initial_drivers.iter().map(|driver| profile(&scenario, driver)).collect();
        let mut queue = EventQueue::default();
        let mut drivers_by_activity = [0; Activity::ALL.len()];
        // A scenario has at most a million drivers.
        drivers_by_activity[Activity::OffShift as usize] = initial_drivers.len() as u32;
        queue.push(from_ms, CityEvent::Sample);
        let riders: Vec<Rider> = (0..)
            .zip(&trip_demands)
            .map(|(number, demand)| Rider::new(*demand, &scenario, seed, number))
            .collect();
        if let Some(demand) = trip_demands.first() {
            queue.push(demand.at_ms, CityEvent::Request(RequestNumber(0)));
        }
        let trip_demands = Arc::new(trip_demands);
        let repositioning = match scenario.drivers.reposition_to {
            RepositionTo::HotSpots => Repositioning::HotSpots(Arc::clone(&trip_demands)),
            RepositionTo::Shortage => {
                Repositioning::shortage(DemandMap::new(&inputs.demand, &scenario, &street_map, seed))
            }
        };
        let world = World {
            tunnels: Tunnels::new(&scenario.faults.tunnels),
            scenario,
            street_map,
            trip_demands,
            repositioning,
            trips: HashMap::new(),
            drivers_by_activity,
            waiting_requests: 0,
            open_requests: 0,
        };
        let mut city = Self {
            from_ms,
            to_ms,
            drained_ms,
            now_ms: from_ms,
            queue,
            drivers: Vec::new(),
            riders,
            profiles,
            samples: Vec::new(),
            world,
        };
        for (number, driver) in (0..).zip(initial_drivers) {
            let InitialDriver { place, shifts, .. } = driver;
            city.drivers.push(Driver::new(place, shifts, &city.world.scenario, seed, u64::from(number)));
            city.plan_driver(DriverNumber(number));
        }
        city
    }

    /// Returns the beginning of the city's time, milliseconds since the Unix epoch.
    pub fn from_ms(&self) -> i64 {
        self.from_ms
    }

    /// Returns the end of the time in which riders request, milliseconds since the Unix epoch.
    pub fn to_ms(&self) -> i64 {
        self.to_ms
    }

    /// Returns the end of the city's time, milliseconds since the Unix epoch: when the last request has ended, or when the drain
    /// is over. It changes with the requests that are open at present.
    pub fn ends_ms(&self) -> i64 {
        if self.world.open_requests == 0 { self.to_ms.max(self.now_ms) } else { self.drained_ms }
    }

    /// Returns the drivers in the order of their numbers.
    pub fn drivers(&self) -> &[DriverProfile] {
        &self.profiles
    }

    /// Returns the number of requests that a complete run makes.
    pub fn requests(&self) -> usize {
        self.riders.len()
    }

    /// Returns a driver's true position, without measurement error. `now_ms` must not be before the last event.
    pub fn position(&mut self, driver: DriverNumber, now_ms: i64) -> LatLng {
        self.drivers[driver.index()].motion.fix(now_ms.max(self.now_ms)).position()
    }

    /// Returns the present sample of the fleet: drivers in each activity, and waiting requests.
    pub fn sample(&self) -> FleetSample {
        FleetSample {
            at_ms: self.now_ms,
            drivers: self.world.drivers_by_activity,
            waiting: self.world.waiting_requests,
        }
    }

    /// Returns the time of the next event, if no service event comes before it; `None` when the city's time is over.
    pub fn next_ms(&self) -> Option<i64> {
        self.queue.next_ms().filter(|next_ms| *next_ms < self.ends_ms())
    }

    /// Processes all events up to and including `now_ms`, by time. Appends the agents' actions in order.
    pub fn step(&mut self, now_ms: i64, actions: &mut Vec<AgentAction>) {
        // The end may move during the step, with the last open request.
        while let Some((at_ms, event)) = self.queue.pop_until(now_ms.min(self.ends_ms() - 1)) {
            // A service event may have advanced the time beyond this event; time never goes back.
            self.now_ms = self.now_ms.max(at_ms);
            self.process(self.now_ms, event, actions);
        }
    }

    /// Delivers an event to the agent that it concerns. The agent's reaction comes from [`City::step`], so the caller
    /// reads [`City::next_ms`] again. An event of an unknown driver or request is ignored.
    pub fn on_event(&mut self, now_ms: i64, event: AgentEvent) {
        let now_ms = now_ms.clamp(self.now_ms, self.drained_ms);
        self.now_ms = now_ms;
        match event {
            AgentEvent::RequestAccepted { request, trip } => {
                if request.index() < self.riders.len() {
                    self.world.trips.insert(trip, request);
                }
            }
            AgentEvent::RequestRejected { request, .. } => {
                self.update_rider(request, Rider::on_rejected);
            }
            AgentEvent::TripChanged { request, state, driver, eta_s } => {
                self.update_rider(request, |rider, world| {
                    rider.on_trip_changed(now_ms, state, driver, eta_s, world);
                });
            }
            AgentEvent::Assignment { driver, .. }
            | AgentEvent::TripEnded { driver, .. }
            | AgentEvent::ActionResult { driver, .. } => {
                if driver.index() < self.drivers.len() {
                    self.deliver(driver, now_ms, event);
                }
            }
        }
    }

    /// Ends the run at `now_ms`, or at the city's end if that is earlier, and returns its record.
    pub fn into_record(mut self, now_ms: i64) -> CityRecord {
        let ended_ms = now_ms.clamp(self.now_ms, self.drained_ms);
        let stopped = ended_ms < self.ends_ms();
        for driver in &mut self.drivers {
            driver.update_meter(ended_ms);
        }
        // Riders are ordered by time, so those who have not requested yet are the last ones.
        let requested = self.riders.into_iter().take_while(Rider::has_requested);
        CityRecord {
            from_ms: self.from_ms,
            to_ms: ended_ms.min(self.to_ms),
            measured_ms: self.world.scenario.measured_ms(),
            stopped,
            requests: requested.map(Rider::into_record).collect(),
            drivers: self.drivers.into_iter().map(Driver::into_record).collect(),
            samples: self.samples,
        }
    }

    fn process(&mut self, at_ms: i64, event: CityEvent, actions: &mut Vec<AgentAction>) {
        match event {
            CityEvent::Report(driver, plan) => self.report(driver, plan, at_ms, actions),
            CityEvent::Driver(driver, plan) => {
                if self.drivers[driver.index()].plan == plan {
                    self.act_driver(driver, at_ms, actions);
                }
            }
            CityEvent::DelayedReport(driver) => {
                actions.extend(self.drivers[driver.index()].uplink.take_arrived(at_ms));
            }
            CityEvent::Request(request) => {
                let next = RequestNumber(request.0 + 1);
                if let Some(demand) = self.world.trip_demands.get(next.index()) {
                    self.queue.push(demand.at_ms, CityEvent::Request(next));
                }
                let action = self.riders[request.index()].request(request, at_ms, &mut self.world);
                actions.push(action);
                self.plan_rider(request);
            }
            CityEvent::Rider(request, plan) => {
                if self.riders[request.index()].plan == plan {
                    let action = self.riders[request.index()].act(request, at_ms, &mut self.world);
                    actions.extend(action);
                    self.plan_rider(request);
                }
            }
            CityEvent::Sample => {
                self.samples.push(FleetSample { at_ms, ..self.sample() });
                let next_ms = at_ms + i64::from(self.world.scenario.sample_every_s) * 1_000;
                if next_ms < self.to_ms {
                    self.queue.push(next_ms, CityEvent::Sample);
                }
            }
        }
    }

    /// Applies `update` to a rider who has requested, and plans its next action again.
    fn update_rider(&mut self, request: RequestNumber, update: impl FnOnce(&mut Rider, &mut World)) {
        let Some(rider) = self.riders.get_mut(request.index()) else { return };
        if rider.has_requested() {
            update(rider, &mut self.world);
            self.plan_rider(request);
        }
    }

    fn plan_rider(&mut self, request: RequestNumber) {
        let rider = &mut self.riders[request.index()];
        rider.plan += 1;
        if let Some(due_ms) = rider.due_ms {
            self.queue.push(due_ms, CityEvent::Rider(request, rider.plan));
        }
    }
}

impl Agents for City {
    fn begins_ms(&self) -> i64 {
        self.from_ms
    }

    fn ends_ms(&self) -> i64 {
        Self::ends_ms(self)
    }

    fn vehicle_classes(&self) -> Vec<String> {
        self.profiles.iter().map(|driver| driver.vehicle_class.clone()).collect()
    }

    fn next_ms(&self) -> Option<i64> {
        Self::next_ms(self)
    }

    fn step(&mut self, now_ms: i64, actions: &mut Vec<AgentAction>) {
        Self::step(self, now_ms, actions);
    }

    fn on_event(&mut self, now_ms: i64, event: AgentEvent) {
        Self::on_event(self, now_ms, event);
    }
}

fn profile(scenario: &Scenario, driver: &InitialDriver) -> DriverProfile {
    let class = &scenario.classes[usize::from(driver.class)];
    DriverProfile { name: driver.name.clone(), vehicle_class: class.name.clone(), seats: class.seats }
}
