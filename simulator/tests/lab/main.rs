//! Runs of a city in one process under virtual time, and against a node.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod judges;
mod real_time;
mod shipped;
mod signals;
mod switchback;
mod tiny;
mod virtual_time;
