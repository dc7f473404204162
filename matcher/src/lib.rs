//! Trips: which driver is sent to which request.

pub mod assign;
