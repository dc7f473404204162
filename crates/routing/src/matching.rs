//! Where a driver drove, from positions a minute apart, and how fast streets are, from many such drives.
//!
//! [`Matcher`] finds the streets behind positions (Newson, Krumm, "Hidden Markov Map Matching Through Noise and
//! Sparseness", ACM GIS 2009); [`Lesson`] makes speeds by hour of the week out of matched drives ([`Course`] is both), and [`judge`]
//! compares travel times with trips that were driven.

mod course;
mod drives;
mod factors;
mod judge;
mod learn;
mod matcher;
mod trips;
mod viterbi;

pub use course::{Course, Round};
pub use drives::{Drive, DriveRules, Ping, PingCounts, read_pings};
pub use judge::{Errors, Judged, judge};
pub use learn::{Learned, Legs, Lesson};
pub use matcher::{Estimates, Leg, MatchOptions, Matched, Matcher, Part};
pub use trips::{Day, Trip, TripCounts, read_trips};
pub use viterbi::{Chain, cheapest_chains};
