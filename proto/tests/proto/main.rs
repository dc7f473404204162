//! Tests of the wire: every value survives the conversion to bytes and back, and arbitrary bytes lead to errors.

#![expect(clippy::unwrap_used, reason = "tests")]

mod garbage;
mod named;
mod roundtrip;
mod status;
mod trips;
mod values;
