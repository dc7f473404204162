//! The whole of Kerb from outside: the built binary on free ports, asked over the wire.

mod bad_input;
mod cabs;
mod cli;
mod cluster;
mod driver;
mod eventually;
mod gateway;
mod members;
mod peers;
mod process;
mod replay;
mod rides;
mod rides_journal;
mod rides_refused;
mod rides_taken_over;
mod roads;
mod search;
mod serve;
mod settings;
mod soonest;
mod speeds;
mod surface;
mod travel;
mod trips_cli;
