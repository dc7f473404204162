//! The geometry against dumber truths: plain formulas, `geo`, and sampling.

mod area;
mod cell;
mod coordinate;
mod cover;
mod distance;
mod points;
mod polygon;
