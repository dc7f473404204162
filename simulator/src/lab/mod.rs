//! A city in the machine: riders and drivers on streets, whose dispatch can be judged before it meets real ones.

pub mod compare;
pub mod fleet_size;
pub mod message;
pub mod metrics;
pub mod record;
pub mod stats;
