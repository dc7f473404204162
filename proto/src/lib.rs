//! The wire: code that `cargo xtask codegen` generates from `protos/`, conversions to and from the fleet's own types, the
//! mapping of errors to statuses, and the deadlines and callers of calls.
//!
//! This crate opens no connection and depends on no service.

pub mod caller;
pub mod codec;
pub mod convert;
pub mod deadline;
pub mod internal;
pub mod status;

/// Messages and services for apps, gateways and operators.
#[rustfmt::skip]
#[path = "generated/kerb.v1.rs"]
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::restriction, reason = "generated")]
pub mod v1;

/// The descriptors of all `.proto` files, for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/descriptor.bin");
