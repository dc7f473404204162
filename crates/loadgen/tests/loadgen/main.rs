//! Replays, histories and checkers against a toy server that can lie.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod checker;
mod city;
mod histories;
mod pings;
mod replay;
mod toy;
mod track;
mod trips;
