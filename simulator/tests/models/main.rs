//! The models without a service: the city, the smallest fleet, and the report.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod city;
mod fleet_size;
mod report;
