//! What clients may hold of a server, and for how long: connections, open calls, and bytes in memory.
//!
//! There are three kinds of limits. *Pools* bound what is held by one connection, by all connections of one address, and by
//! all clients. *Deadlines* bound how long a client may take for the next step of what it has begun. A *sweep* checks all
//! deadlines a few times per second, so that a call needs no timer of its own. *Eviction* keeps room for new clients when
//! connections are scarce.
//!
//! A position update of a phone touches the counters of its own connection only.

mod account;
mod answer_body;
mod call;
mod connection_record;
mod connection_table;
mod deadlines;
mod descriptors;
mod framing;
mod methods;
mod pool;
mod request_body;
mod reset_allowance;
mod server_limits;
mod ticks;
mod warnings;

pub(super) use answer_body::AnswerBody;
pub(super) use connection_record::{CloseMode, ConnectionRecord, OpenCallGuard};
pub(super) use request_body::RequestBody;
pub(super) use server_limits::{ConnectionGuard, ServerLimits};
