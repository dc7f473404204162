//! Recorded days: the pings of taxis and the trips of riders, read from files, cut to parts, and played as movements.

pub mod extract;
pub mod pings;
pub mod track;
pub mod trips;
