//! The city: riders and drivers as one pure machine, the same for the same scenario and seed.
//!
//! It has no clock and no wire. Whoever runs it asks when something happens next ([`City::next_ms`]), lets it happen
//! ([`City::step`]), carries what was said to the service, and tells the city what the service says
//! ([`City::hear`]). Answers may come at any time, late, twice or never: every request still comes to exactly one end,
//! and every driver does exactly one thing at each moment.
//!
//! ```no_run
//! use kerb_simulator::lab::{city::City, scenario::Scenario};
//!
//! let loaded = Scenario::shipped("sf-evening")?.load(None)?;
//! let (mut city, mut said) = (City::new(&loaded, loaded.scenario.seed), Vec::new());
//! while let Some(now_ms) = city.next_ms() {
//!     city.step(now_ms, &mut said);
//!     for message in said.drain(..) {
//!         // To the service, and what comes back to `city.hear(now_ms, …)`.
//!     }
//! }
//! let record = city.into_record(loaded.scenario.to_ms());
//! # Ok::<(), kerb_simulator::lab::scenario::ScenarioError>(())
//! ```

mod driver;
mod duty;
mod job;
mod lure;
mod meter;
mod motion;
mod network;
mod queue;
mod rider;
mod scene;

use std::collections::HashMap;
use std::sync::Arc;

use kerb_geometry::LatLng;

use super::demand::{DemandMap, Wish};
use super::ground::Ground;
use super::message::{DriverNumber, Heard, RequestNumber, Said};
use super::record::{DriverRecord, FleetSample, RequestRecord};
use super::scenario::{Loaded, RepositionTo, Scenario};
use super::supply::Cab;
use driver::Driver;
use lure::Lure;
use network::Tunnels;
use queue::{Event, Queue};
use rider::Rider;

/// What the service should know of a driver when it connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverProfile {
    /// The cab's name in the data, or a number; different for each driver.
    pub name: String,
    /// Class of the vehicle, by its name in the settings.
    pub vehicle_class: String,
    /// Seats for riders.
    pub seats: u32,
}

/// What a run came to, as far as the city knows: the parts of a [`RunRecord`](super::record::RunRecord).
#[derive(Clone, Debug, PartialEq)]
pub struct CityRecord {
    /// When the city began.
    pub from_ms: i64,
    /// When it ended.
    pub to_ms: i64,
    /// Whether that was before its planned end.
    pub stopped: bool,
    /// In the order in which they were made; those whose time had not come are left out.
    pub requests: Vec<RequestRecord>,
    /// By number.
    pub drivers: Vec<DriverRecord>,
    /// The fleet over time: at the beginning, and as often as the scenario says.
    pub samples: Vec<FleetSample>,
}

/// Riders and drivers on streets. All times are milliseconds since the Unix epoch, of the city's day.
pub struct City {
    from_ms: i64,
    to_ms: i64,
    /// Of the newest thing that happened.
    now_ms: i64,
    queue: Queue,
    drivers: Vec<Driver>,
    riders: Vec<Rider>,
    profiles: Vec<DriverProfile>,
    samples: Vec<FleetSample>,
    world: World,
}

/// What all people of the city share.
struct World {
    scenario: Scenario,
    ground: Arc<Ground>,
    tunnels: Tunnels,
    wishes: Arc<Vec<Wish>>,
    lure: Lure,
    /// The requests behind the service's names. Looked up only, so its order does not matter.
    trips: HashMap<String, RequestNumber>,
    /// Drivers in each activity, now.
    doing: [u32; 7],
    /// Requests that wait for a driver, now.
    waiting: u32,
}

impl City {
    /// The city of a seed, at its beginning. Two cities of the same scenario and seed have the same riders and drivers
    /// with the same luck, whatever the service does.
    pub fn new(loaded: &Loaded, seed: u64) -> Self {
        let (scenario, ground) = (loaded.scenario.clone(), Arc::clone(&loaded.ground));
        let wishes = loaded.demand.draw(&scenario, &ground, seed);
        let cabs = loaded.supply.draw(&scenario, &ground, &wishes, seed);
        let (from_ms, to_ms) = (scenario.from_ms(), scenario.to_ms());
        let profiles = cabs.iter().map(|cab| profile(&scenario, cab)).collect();
        let mut queue = Queue::default();
        let tunnels = Tunnels::new(&scenario.faults.tunnels);
        let mut doing = [0; 7];
        doing[0] = cabs.len() as u32;
        queue.push(from_ms, Event::Sample);
        let riders: Vec<Rider> =
            wishes.iter().enumerate().map(|(n, wish)| Rider::new(*wish, &scenario, seed, n as u64)).collect();
        if let Some(wish) = wishes.first() {
            queue.push(wish.at_ms, Event::Ask(0));
        }
        let wishes = Arc::new(wishes);
        let lure = match scenario.drivers.reposition_to {
            RepositionTo::HotSpots => Lure::HotSpots(Arc::clone(&wishes)),
            RepositionTo::Shortage => {
                Lure::shortage(DemandMap::new(&loaded.demand, &scenario, &ground, seed))
            }
        };
        let world =
            World { scenario, ground, tunnels, wishes, lure, trips: HashMap::new(), doing, waiting: 0 };
        let mut city = Self {
            from_ms,
            to_ms,
            now_ms: from_ms,
            queue,
            drivers: Vec::new(),
            riders,
            profiles,
            samples: Vec::new(),
            world,
        };
        for (number, cab) in cabs.into_iter().enumerate() {
            city.drivers.push(Driver::new(cab, &city.world.scenario, seed, number as u64));
            city.plan(number as DriverNumber);
        }
        city
    }

    /// When the city begins.
    pub fn from_ms(&self) -> i64 {
        self.from_ms
    }

    /// When it ends.
    pub fn to_ms(&self) -> i64 {
        self.to_ms
    }

    /// The drivers, by number.
    pub fn drivers(&self) -> &[DriverProfile] {
        &self.profiles
    }

    /// Requests that will be made, if the run is not stopped.
    pub fn requests(&self) -> usize {
        self.riders.len()
    }

    /// Where a driver is at `now_ms`, which must not be before what happened last: the truth, without the errors of a
    /// measurement.
    pub fn position(&mut self, driver: DriverNumber, now_ms: i64) -> LatLng {
        self.drivers[driver as usize].motion.fix(now_ms.max(self.now_ms)).position()
    }

    /// The fleet now: drivers in each activity, and requests that wait.
    pub fn sample(&self) -> FleetSample {
        FleetSample { at_ms: self.now_ms, drivers: self.world.doing, waiting: self.world.waiting }
    }

    /// When something happens next, if nobody hears anything before; `None` when the city is over.
    pub fn next_ms(&self) -> Option<i64> {
        self.queue.next_ms().filter(|next_ms| *next_ms < self.to_ms)
    }

    /// Lets everything happen that happens until `now_ms`, that included, in the order of its time. What people say
    /// is added to `said`, in the order in which they say it.
    pub fn step(&mut self, now_ms: i64, said: &mut Vec<Said>) {
        let until_ms = now_ms.min(self.to_ms - 1);
        while let Some((at_ms, event)) = self.queue.pop_until(until_ms) {
            // Who heard something before this was let happen has seen a later time already.
            self.now_ms = self.now_ms.max(at_ms);
            self.happen(self.now_ms, event, said);
        }
    }

    /// Somebody hears something. What they say to it, at once or later, comes from [`City::step`]: ask
    /// [`City::next_ms`] again. A message about a driver or request that does not exist is nothing.
    pub fn hear(&mut self, now_ms: i64, heard: Heard) {
        let now_ms = now_ms.clamp(self.now_ms, self.to_ms);
        self.now_ms = now_ms;
        match heard {
            Heard::Requested { request, trip } => {
                if (request as usize) < self.riders.len() {
                    self.world.trips.insert(trip, request);
                }
            }
            Heard::RequestRefused { request, .. } => {
                self.rider(request, Rider::refused);
            }
            Heard::Trip { request, state, driver, eta_s } => {
                self.rider(request, |rider, world| rider.told(now_ms, state, driver, eta_s, world));
            }
            Heard::Task { driver, .. } | Heard::Over { driver, .. } | Heard::Acted { driver, .. } => {
                if (driver as usize) < self.drivers.len() {
                    self.tell(driver, now_ms, heard);
                }
            }
        }
    }

    /// Ends the run at `now_ms`, or at the city's end if that is earlier: what it came to.
    pub fn into_record(mut self, now_ms: i64) -> CityRecord {
        let to_ms = now_ms.clamp(self.now_ms, self.to_ms);
        for driver in &mut self.drivers {
            driver.book(to_ms);
        }
        let asked = self.riders.into_iter().take_while(Rider::has_asked);
        CityRecord {
            from_ms: self.from_ms,
            to_ms,
            stopped: to_ms < self.to_ms,
            requests: asked.map(Rider::into_record).collect(),
            drivers: self.drivers.into_iter().map(Driver::into_record).collect(),
            samples: self.samples,
        }
    }

    fn happen(&mut self, at_ms: i64, event: Event, said: &mut Vec<Said>) {
        match event {
            Event::Report(driver, turn) => self.report(driver, turn, at_ms, said),
            Event::Driver(driver, turn) => {
                if self.drivers[driver as usize].turn == turn {
                    self.act(driver, at_ms, said);
                }
            }
            Event::Late(driver) => {
                said.extend(self.drivers[driver as usize].network.arrived_late(at_ms));
            }
            Event::Ask(request) => {
                if let Some(next) = self.world.wishes.get(request as usize + 1) {
                    self.queue.push(next.at_ms, Event::Ask(request + 1));
                }
                let words = self.riders[request as usize].ask(request, at_ms, &mut self.world);
                said.push(words);
                self.plan_rider(request);
            }
            Event::Rider(request, turn) => {
                if self.riders[request as usize].turn == turn {
                    let words = self.riders[request as usize].act(request, at_ms, &mut self.world);
                    said.extend(words);
                    self.plan_rider(request);
                }
            }
            Event::Sample => {
                self.samples.push(FleetSample { at_ms, ..self.sample() });
                self.queue.push(at_ms + i64::from(self.world.scenario.sample_every_s) * 1_000, Event::Sample);
            }
        }
    }

    /// A rider learns something and may change its plans.
    fn rider(&mut self, request: RequestNumber, learn: impl FnOnce(&mut Rider, &mut World)) {
        let Some(rider) = self.riders.get_mut(request as usize) else { return };
        if rider.has_asked() {
            learn(rider, &mut self.world);
            self.plan_rider(request);
        }
    }

    fn plan_rider(&mut self, request: RequestNumber) {
        let rider = &mut self.riders[request as usize];
        rider.turn += 1;
        if let Some(due_ms) = rider.due_ms {
            self.queue.push(due_ms, Event::Rider(request, rider.turn));
        }
    }
}

fn profile(scenario: &Scenario, cab: &Cab) -> DriverProfile {
    let class = &scenario.classes[cab.class as usize];
    DriverProfile { name: cab.name.clone(), vehicle_class: class.name.clone(), seats: class.seats }
}
