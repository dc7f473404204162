//! The geometry is compared with simpler implementations: plain formulas, the crate `geo`, and sampling.

mod area;
mod cell;
mod coordinate;
mod cover;
mod distance;
mod holes;
mod points;
mod polygon;
