//! Where a driver drove, from positions a minute apart, and how fast streets are, from many such drives.
//!
//! [`Matcher`] finds the streets behind positions (Newson, Krumm, "Hidden Markov Map Matching Through Noise and
//! Sparseness", ACM GIS 2009); [`SpeedEstimator`] makes speeds by hour of the week out of matched drives ([`LearningRun`] is both), and [`evaluate`]
//! compares travel times with trips that were driven.

mod drives;
mod evaluation;
mod factors;
mod learning_run;
mod matcher;
mod speed_estimator;
mod trips;
mod viterbi;

pub use drives::{Drive, DriveRules, Ping, PingCounts, read_pings};
pub use evaluation::{Evaluation, TravelTimeErrors, evaluate};
pub use learning_run::{LearningRound, LearningRun};
pub use matcher::{Estimates, Leg, MatchOptions, MatchedDrive, Matcher, TraversedSegment};
pub use speed_estimator::{LearnedSpeeds, Legs, SpeedEstimator};
pub use trips::{Day, Trip, TripCounts, read_trips};
pub use viterbi::{Chain, cheapest_chains};
