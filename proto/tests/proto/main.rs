//! Conversions there and back, and what garbage comes to.

#![expect(clippy::unwrap_used, reason = "tests")]

mod garbage;
mod named;
mod roundtrip;
mod status;
mod trips;
mod values;
