//! Messages and services between the roles of one cluster. Apps do not use them.

/// The first version of these messages and services.
#[rustfmt::skip]
#[path = "generated/kerb.internal.v1.rs"]
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::restriction, reason = "generated")]
pub mod v1;
