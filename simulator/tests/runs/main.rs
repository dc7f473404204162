//! Runs of agents in one process under virtual time, and against a node.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod checkers;
mod command_line;
mod real_time;
mod scripted_agents;
mod shipped_scenarios;
mod signals;
mod switchback;
mod virtual_time;
