//! The people of a city, as a run sees them.

use super::message::{Heard, Said};

/// Riders and drivers who speak at times that they know, and hear at any time. Pure: the time comes in.
pub trait People {
    /// When the run begins, milliseconds since the Unix epoch, of the city's day.
    fn begins_ms(&self) -> i64;

    /// When it ends.
    fn ends_ms(&self) -> i64;

    /// The class of vehicle of each driver, by number.
    fn vehicle_classes(&self) -> Vec<String>;

    /// When somebody has something to say or to do next; `None`: never, unless something is heard.
    fn next_ms(&self) -> Option<i64>;

    /// It is this late: what is said, in order. Times never run back.
    fn step(&mut self, now_ms: i64, said: &mut Vec<Said>);

    /// Somebody hears something.
    fn hear(&mut self, now_ms: i64, heard: Heard);
}
