//! What happens to a driver: the moment and everybody else, its books before and its plans after.

use super::driver::Driver;
use super::network::Fate;
use super::queue::Event;
use super::rider::Rider;
use super::{City, World};
use crate::lab::message::{DriverNumber, Heard, RequestNumber, Said};

/// What a driver needs to do something: the moment, and everybody else.
pub(super) struct Scene<'a> {
    pub(super) number: DriverNumber,
    pub(super) now_ms: i64,
    pub(super) world: &'a mut World,
    riders: &'a mut [Rider],
    /// Riders who learned something by it.
    touched: Vec<RequestNumber>,
}

impl City {
    /// A driver does what is due.
    pub(super) fn act(&mut self, number: DriverNumber, now_ms: i64, said: &mut Vec<Said>) {
        self.with(number, now_ms, |driver, scene| {
            for heard in driver.network.turn(scene.now_ms, &scene.world.scenario.faults) {
                driver.hear(heard, scene);
            }
            said.extend(driver.arrive(scene));
            said.extend(driver.speak(scene));
            driver.follow_duty(scene);
        });
    }

    /// A driver hears something, or will when it has a connection again.
    pub(super) fn tell(&mut self, number: DriverNumber, now_ms: i64, heard: Heard) {
        self.with(number, now_ms, |driver, scene| {
            if driver.network.is_cut() {
                driver.network.keep(heard);
            } else {
                driver.hear(heard, scene);
            }
        });
    }

    /// A driver reports where it is, and will again.
    pub(super) fn report(&mut self, number: DriverNumber, turn: u32, now_ms: i64, said: &mut Vec<Said>) {
        let driver = &mut self.drivers[number as usize];
        if driver.report_turn != turn {
            return;
        }
        if !driver.is_off() {
            let next_ms = now_ms + i64::from(self.world.scenario.report_every_ms);
            self.queue.push(next_ms, Event::Report(number, turn));
        }
        let faults = &self.world.scenario.faults;
        let fix = driver.motion.fix(now_ms);
        let fate = driver.network.fate(faults);
        if matches!(fate, Fate::Lost) || self.world.tunnels.contain(fix) {
            return;
        }
        let report = Said::Report {
            driver: number,
            measured_ms: now_ms,
            position: driver.network.measure(fix, faults.gps_noise_m),
            heading_deg: f64::from(fix.heading_deg),
            speed_mps: f64::from(fix.speed_mps),
            status: driver.status(),
        };
        match fate {
            Fate::Late(by_ms) => {
                driver.network.send_late(now_ms + by_ms, report);
                self.queue.push(now_ms + by_ms, Event::Late(number));
            }
            _ => said.push(report),
        }
    }

    /// Plans when a driver does something next.
    pub(super) fn plan(&mut self, number: DriverNumber) {
        let driver = &mut self.drivers[number as usize];
        driver.turn += 1;
        if let Some(due_ms) = driver.due_ms() {
            self.queue.push(due_ms, Event::Driver(number, driver.turn));
        }
    }

    /// Lets something happen to a driver, with its books in order before and its plans after.
    fn with(&mut self, number: DriverNumber, now_ms: i64, happen: impl FnOnce(&mut Driver, &mut Scene<'_>)) {
        let driver = &mut self.drivers[number as usize];
        let status = driver.status();
        driver.book(now_ms);
        let (world, riders) = (&mut self.world, self.riders.as_mut_slice());
        let mut scene = Scene { number, now_ms, world, riders, touched: Vec::new() };
        happen(driver, &mut scene);
        driver.turn_meter(&mut scene.world.doing);
        driver.be_counted(&mut scene.world.lure);
        let touched = scene.touched;
        // Whether a driver is free stands in its position, so that does not wait for the next report.
        if driver.status() != status {
            driver.report_turn += 1;
            self.queue.push(now_ms, Event::Report(number, driver.report_turn));
        }
        self.plan(number);
        for request in touched {
            self.plan_rider(request);
        }
    }
}

impl Scene<'_> {
    /// The rider behind a trip, who learns something.
    pub(super) fn rider(&mut self, trip: &str, learn: impl FnOnce(&mut Rider, &mut World)) {
        let Some(&request) = self.world.trips.get(trip) else { return };
        let rider = &mut self.riders[request as usize];
        if rider.has_asked() {
            learn(rider, self.world);
            self.touched.push(request);
        }
    }
}
