//! The turns of drivers: each turn updates the driver's meter before, and its plan after.

use super::City;
use super::event_queue::CityEvent;
use crate::agents::context::AgentContext;
use crate::agents::driver::Driver;
use crate::agents::messages::{AgentAction, AgentEvent, DriverNumber};
use crate::agents::uplink::Delivery;

impl City {
    /// Lets a driver do what is due.
    pub(super) fn act_driver(&mut self, number: DriverNumber, now_ms: i64, actions: &mut Vec<AgentAction>) {
        self.driver_turn(number, now_ms, |driver, context| {
            for event in driver.uplink.advance(context.now_ms, &context.world.scenario.faults) {
                driver.on_event(event, context);
            }
            actions.extend(driver.arrive(context));
            actions.extend(driver.act_on_trip(context));
            driver.follow_shift(context);
        });
    }

    /// Delivers an event to a driver. During an outage the uplink holds it.
    pub(super) fn deliver(&mut self, number: DriverNumber, now_ms: i64, event: AgentEvent) {
        self.driver_turn(number, now_ms, |driver, context| {
            if driver.uplink.is_down() {
                driver.uplink.hold(event);
            } else {
                driver.on_event(event, context);
            }
        });
    }

    /// Reports a driver's position, and plans the next report.
    pub(super) fn report(
        &mut self,
        number: DriverNumber,
        report_plan: u32,
        now_ms: i64,
        actions: &mut Vec<AgentAction>,
    ) {
        let driver = &mut self.drivers[number.index()];
        if driver.report_plan != report_plan {
            return;
        }
        if !driver.is_off_shift() {
            let next_ms = now_ms + i64::from(self.world.scenario.report_every_ms);
            self.queue.push(next_ms, CityEvent::Report(number, report_plan));
        }
        let faults = &self.world.scenario.faults;
        let fix = driver.motion.fix(now_ms);
        let delivery = driver.uplink.draw_delivery(faults);
        if matches!(delivery, Delivery::Lost) || self.world.tunnels.contain(fix) {
            return;
        }
        let report = AgentAction::Report {
            driver: number,
            measured_ms: now_ms,
            position: driver.uplink.measure(fix, faults.gps_noise_m),
            heading_deg: f64::from(fix.heading_deg),
            speed_mps: f64::from(fix.speed_mps),
            status: driver.status(),
        };
        match delivery {
            Delivery::Delayed(delay_ms) => {
                driver.uplink.delay(now_ms + delay_ms, report);
                self.queue.push(now_ms + delay_ms, CityEvent::DelayedReport(number));
            }
            _ => actions.push(report),
        }
    }

    /// Plans a driver's next action.
    pub(super) fn plan_driver(&mut self, number: DriverNumber) {
        let driver = &mut self.drivers[number.index()];
        driver.plan += 1;
        if let Some(due_ms) = driver.due_ms() {
            self.queue.push(due_ms, CityEvent::Driver(number, driver.plan));
        }
    }

    /// Runs a driver's turn between the updates of its meter and of its plan.
    fn driver_turn(
        &mut self,
        number: DriverNumber,
        now_ms: i64,
        turn: impl FnOnce(&mut Driver, &mut AgentContext<'_>),
    ) {
        let driver = &mut self.drivers[number.index()];
        let status = driver.status();
        // The time until now belongs to the activity before the turn, so the meter comes first.
        driver.update_meter(now_ms);
        let mut context = AgentContext::new(number, now_ms, &mut self.world, self.riders.as_mut_slice());
        turn(driver, &mut context);
        driver.switch_meter(&mut context.world.drivers_by_activity);
        driver.update_free_count(&mut context.world.repositioning);
        let changed_riders = context.into_changed_riders();
        // A report carries the driver's status, so a change of status is reported at once.
        if driver.status() != status {
            driver.report_plan += 1;
            self.queue.push(now_ms, CityEvent::Report(number, driver.report_plan));
        }
        self.plan_driver(number);
        for request in changed_riders {
            self.plan_rider(request);
        }
    }
}
