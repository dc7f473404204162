//! The checkers of a run: double assignments, lost requests, wrong search answers, and the run hash.

pub mod assignment_audit;
mod fault_log;
pub mod position_log;
pub mod run_checker;
pub mod run_hash;
pub mod trip_history;
