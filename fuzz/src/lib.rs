//! Fuzz targets: one for each decoder that reads bytes from outside the process.
//!
//! A target takes any bytes. It panics when the decoder panics, or when a decoded value does not survive being encoded
//! and decoded again. It returns whether the decoder accepted the bytes, so that the bounded run sees that the corpus
//! still reaches the code behind the first check.
//!
//! The same functions run in two ways:
//!
//! * `cargo xtask fuzz` replays the corpus and a number of mutated inputs, on the stable toolchain.
//! * `cargo fuzz run TARGET --sanitizer none` runs libFuzzer for as long as it is left alone.

#![forbid(unsafe_code)]

pub mod mutate;
pub mod targets;

mod pbf_writer;
mod streets;

pub use targets::{TARGETS, Target};
