//! Trips: which driver is sent to which request, and what becomes of it.

pub mod assign;
pub mod market;
