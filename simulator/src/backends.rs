//! The backends of a run: a service in this process under virtual time, and running nodes behind gRPC.

mod in_flight;
pub mod in_process;
pub mod live;
pub mod real_time;
mod trip_tracker;
pub mod virtual_time;
mod wire;
