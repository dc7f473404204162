//! The search path: one plan, one executor.
//!
//! [`plan()`] chooses a replica for each shard. The [`Executor`] sends the planned queries, and drives them to the answer
//! or the deadline. Its decisions (failover, hedge, refetch) are those of the pure `ScatterState`, which keeps one
//! `ShardProgress` for each query and merges the answers with [`Merge`](crate::merge::Merge).

mod executor;
mod hedge_budget;
pub mod latency;
mod plan;
mod shard_progress;
mod state;

pub use executor::{Executor, ScatterRequest};
pub use hedge_budget::HedgeBudget;
pub use plan::{Plan, PlannedQuery, ReplicaHealth, plan, replica_healths};
