//! Map matching: the streets of a drive from its positions, and street speeds from many matched drives.
//!
//! [`MapMatcher`] finds the streets of a drive (Newson, Krumm, "Hidden Markov Map Matching Through Noise and
//! Sparseness", ACM GIS 2009). [`SpeedEstimator`] estimates speeds by hour of the week from matched drives.
//! [`LearningRun`] alternates both. [`evaluate`] compares computed travel times with those of driven trips.

mod drives;
mod evaluation;
mod factors;
mod learning_run;
mod map_matcher;
mod speed_estimator;
mod trips;
mod viterbi;

pub use drives::{Drive, DriveRules, Ping, PingCounts, read_pings};
pub use evaluation::{Evaluation, TravelTimeErrors, evaluate};
pub use learning_run::{LearningRound, LearningRun};
pub use map_matcher::{
    MapMatcher, MapMatchingOptions, MatchedDrive, MatchedLeg, ModelEstimates, TraversedSegment,
};
pub use speed_estimator::{LearnedSpeeds, Legs, SpeedEstimator};
pub use trips::{Day, DrivenTrip, DrivenTripCounts, read_trips};
pub use viterbi::{Chain, cheapest_chains};
