//! The whole of Kerb from outside: the built binary on free ports, asked over the wire.

mod bad_input;
mod cli;
mod cluster;
mod driver;
mod eventually;
mod gateway;
mod peers;
mod process;
mod replay;
mod search;
mod serve;
mod settings;
mod surface;
