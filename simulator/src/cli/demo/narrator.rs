//! The narrator of the demo: prints a line about the city every few seconds, and what happened to a rider.

use std::collections::HashMap;

use kerb_loadgen::replay::time_of_day;
use kerb_loadgen::report::Values;
use kerb_trips::TripState;

use crate::agents::Agents;
use crate::agents::messages::{AgentAction, AgentEvent, DriverNumber, RequestNumber};
use crate::city::City;
use crate::metrics::record::Activity;

/// A city whose messages are observed and summarized.
pub(super) struct Narrator<'a> {
    city: &'a mut City,
    utc_offset_h: i32,
    /// Interval between two lines, milliseconds of the city's time.
    every_ms: i64,
    next_ms: i64,
    print: &'a mut dyn FnMut(&str),
    /// Times of the requests without a driver at the pickup.
    requested_ms: HashMap<RequestNumber, i64>,
    requests: u64,
    served: u64,
    pickup_s: Values,
    /// A sentence about the last acceptance.
    sample: Option<String>,
}

impl<'a> Narrator<'a> {
    pub(super) fn new(
        city: &'a mut City,
        utc_offset_h: i32,
        every_ms: i64,
        print: &'a mut dyn FnMut(&str),
    ) -> Self {
        let next_ms = city.from_ms() + every_ms;
        Self {
            city,
            utc_offset_h,
            every_ms,
            next_ms,
            print,
            requested_ms: HashMap::new(),
            requests: 0,
            served: 0,
            pickup_s: Values::default(),
            sample: None,
        }
    }

    fn line(&self, now_ms: i64) -> String {
        let now = self.city.sample();
        let count = |activity: Activity| now.drivers[activity as usize];
        let drivers = now.drivers.iter().sum::<u32>() - count(Activity::OffShift);
        let awaiting = count(Activity::ToPickup) + count(Activity::Boarding);
        let pickup = self.pickup_s.summary();
        let after = if pickup.count == 0 {
            String::new()
        } else {
            format!(", picked up after {} s (p50)", pickup.p50)
        };
        format!(
            "{}  {drivers} drivers, {} requests: {} unassigned, {awaiting} awaiting, {} riding, {} served{after}",
            time_of_day(now_ms, self.utc_offset_h),
            self.requests,
            now.waiting,
            count(Activity::OnTrip),
            self.served
        )
    }

    fn on_trip_changed(
        &mut self,
        now_ms: i64,
        request: RequestNumber,
        state: TripState,
        driver: Option<DriverNumber>,
    ) {
        match state {
            TripState::EnRoute => {
                let (Some(requested_ms), Some(driver)) = (self.requested_ms.get(&request), driver) else {
                    return;
                };
                let (cab, after_s) =
                    (&self.city.drivers()[driver.index()].name, (now_ms - requested_ms) / 1_000);
                let (min, s) = (after_s / 60, after_s % 60);
                self.sample =
                    Some(format!("cab {cab} takes rider {request}, {min} min {s:02} s after the request"));
            }
            TripState::Arrived | TripState::OnTrip => {
                if let Some(requested_ms) = self.requested_ms.remove(&request) {
                    self.pickup_s.add(((now_ms - requested_ms) / 1_000).max(0).unsigned_abs());
                }
            }
            TripState::Completed => self.served += 1,
            _ => {}
        }
    }
}

impl Agents for Narrator<'_> {
    fn begins_ms(&self) -> i64 {
        self.city.from_ms()
    }

    fn ends_ms(&self) -> i64 {
        self.city.to_ms()
    }

    fn vehicle_classes(&self) -> Vec<String> {
        self.city.vehicle_classes()
    }

    fn next_ms(&self) -> Option<i64> {
        self.city.next_ms()
    }

    fn step(&mut self, now_ms: i64, actions: &mut Vec<AgentAction>) {
        let before = actions.len();
        self.city.step(now_ms, actions);
        for action in &actions[before..] {
            if let AgentAction::Request { request, .. } = action {
                self.requested_ms.insert(*request, now_ms);
                self.requests += 1;
            }
        }
        if now_ms >= self.next_ms {
            self.next_ms = now_ms + self.every_ms;
            let line = self.line(now_ms);
            (self.print)(&line);
            if let Some(sample) = self.sample.take() {
                (self.print)(&format!("          {sample}"));
            }
        }
    }

    fn on_event(&mut self, now_ms: i64, event: AgentEvent) {
        if let AgentEvent::TripChanged { request, state, driver, .. } = event {
            self.on_trip_changed(now_ms, request, state, driver);
        }
        self.city.on_event(now_ms, event);
    }
}
