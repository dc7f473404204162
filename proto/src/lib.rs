//! The wire: code generated from `protos/` by `cargo xtask codegen`, its conversions to and from the fleet's own
//! types, how an error becomes a status, and how a caller says how long it waits.
//!
//! This crate opens no connection and knows no service's insides.

pub mod convert;
pub mod deadline;
pub mod internal;
pub mod status;

/// Messages and services for apps, gateways and operators.
#[rustfmt::skip]
#[path = "generated/kerb.v1.rs"]
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::restriction, reason = "generated")]
pub mod v1;

/// The descriptors of all `.proto` files, as server reflection wants them.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/descriptor.bin");
