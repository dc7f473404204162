//! Tells what goes on in the city: a line every few seconds, and what just happened to a rider.

use std::collections::HashMap;

use kerb_trips::TripState;

use crate::lab::city::City;
use crate::lab::message::{Heard, RequestNumber, Said};
use crate::lab::people::People;
use crate::lab::record::Activity;
use kerb_loadgen::replay::time_of_day;
use kerb_loadgen::report::Values;

/// A city whose people are listened to.
pub(super) struct Telling<'a> {
    city: &'a mut City,
    utc_offset_h: i32,
    /// Between two lines, milliseconds of the city's time.
    every_ms: i64,
    next_ms: i64,
    tell: &'a mut dyn FnMut(&str),
    /// When riders asked to whom no driver has come.
    asked_ms: HashMap<RequestNumber, i64>,
    requests: u64,
    served: u64,
    pickup_s: Values,
    /// The newest thing that happened to a rider, in words.
    sample: Option<String>,
}

impl<'a> Telling<'a> {
    pub(super) fn new(
        city: &'a mut City,
        utc_offset_h: i32,
        every_ms: i64,
        tell: &'a mut dyn FnMut(&str),
    ) -> Self {
        let next_ms = city.from_ms() + every_ms;
        Self {
            city,
            utc_offset_h,
            every_ms,
            next_ms,
            tell,
            asked_ms: HashMap::new(),
            requests: 0,
            served: 0,
            pickup_s: Values::default(),
            sample: None,
        }
    }

    fn line(&self, now_ms: i64) -> String {
        let now = self.city.sample();
        let doing = |activity: Activity| now.drivers[activity as usize];
        let drivers = now.drivers.iter().sum::<u32>() - doing(Activity::OffShift);
        let awaiting = doing(Activity::ToPickup) + doing(Activity::Boarding);
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
            doing(Activity::OnTrip),
            self.served
        )
    }

    fn trip(&mut self, now_ms: i64, request: RequestNumber, state: TripState, driver: Option<u32>) {
        match state {
            TripState::EnRoute => {
                let (Some(asked_ms), Some(driver)) = (self.asked_ms.get(&request), driver) else { return };
                let (cab, after_s) =
                    (&self.city.drivers()[driver as usize].name, (now_ms - asked_ms) / 1_000);
                let (min, s) = (after_s / 60, after_s % 60);
                self.sample =
                    Some(format!("cab {cab} takes rider {request}, {min} min {s:02} s after the request"));
            }
            TripState::Arrived | TripState::OnTrip => {
                if let Some(asked_ms) = self.asked_ms.remove(&request) {
                    self.pickup_s.add(((now_ms - asked_ms) / 1_000).max(0).unsigned_abs());
                }
            }
            TripState::Completed => self.served += 1,
            _ => {}
        }
    }
}

impl People for Telling<'_> {
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

    fn step(&mut self, now_ms: i64, said: &mut Vec<Said>) {
        let before = said.len();
        self.city.step(now_ms, said);
        for said in &said[before..] {
            if let Said::Request { request, .. } = said {
                self.asked_ms.insert(*request, now_ms);
                self.requests += 1;
            }
        }
        if now_ms >= self.next_ms {
            self.next_ms = now_ms + self.every_ms;
            let line = self.line(now_ms);
            (self.tell)(&line);
            if let Some(sample) = self.sample.take() {
                (self.tell)(&format!("          {sample}"));
            }
        }
    }

    fn hear(&mut self, now_ms: i64, heard: Heard) {
        if let Heard::Trip { request, state, driver, .. } = heard {
            self.trip(now_ms, request, state, driver);
        }
        self.city.hear(now_ms, heard);
    }
}
