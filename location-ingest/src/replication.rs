//! Replication of the driver table to the index servers: one link and one task for each server of the membership view.

pub(crate) mod departures;
pub(crate) mod eviction_queue;
pub(crate) mod fanout;
pub(crate) mod handover;
pub(crate) mod link_state;
pub(crate) mod link_task;
pub(crate) mod membership_watcher;
pub(crate) mod replication_link;
pub(crate) mod resume;
pub(crate) mod resume_token;
