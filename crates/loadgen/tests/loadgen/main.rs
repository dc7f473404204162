//! Replays, histories and judges against a toy server that can lie.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod city;
mod histories;
mod judge;
mod pings;
mod replay;
mod toy;
mod track;
mod trips;
