//! One binary for all integration tests of the simulator.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod city_model;
mod fleet_size;
mod report;
