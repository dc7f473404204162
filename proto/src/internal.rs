//! Between the roles of one cluster; not for apps.

/// The only version so far.
#[rustfmt::skip]
#[path = "generated/kerb.internal.v1.rs"]
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::restriction, reason = "generated")]
pub mod v1;
