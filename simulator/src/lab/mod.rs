//! A city in the machine: riders and drivers on streets, whose dispatch can be judged before it meets real ones.
//!
//! A [`scenario`] names streets, riders (`demand`), drivers (`supply`) and what goes wrong; [`city::City`] is all of
//! it moving, pure and the same for the same seed. What people say and hear is a [`message`]; what a run comes to, a
//! [`record`].

pub mod city;
mod demand;
mod draws;
pub mod ground;
pub mod message;
pub mod record;
pub mod scenario;
mod supply;
