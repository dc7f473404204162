//! Many searches in one call: shared scans for dense groups, parallel tasks for the rest.

mod batch_search;
mod parallel;
mod shared_scan;

pub(crate) use parallel::run_all;
