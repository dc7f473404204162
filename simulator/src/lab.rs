//! A city in the machine: riders and drivers on streets, whose dispatch can be judged before it meets real ones.
//!
//! A [`scenario`] names streets, riders (`demand`), drivers (`supply`) and what goes wrong; [`city::City`] is all of
//! it moving, pure and the same for the same seed. People speak ([`message`]) and a [`service`] answers: the one in
//! this process under a virtual clock ([`in_process`]), or any running one behind gRPC ([`live`]). [`run`] carries
//! words between the two, [`judge`] looks at them. What a run comes to is a [`record`], which [`metrics`] measures and
//! [`compare`] sets beside others and [`report`] shows as a page. [`fleet_size`] asks how many vehicles a day needs at least.

mod calls;
pub mod city;
pub mod clock;
pub mod commands;
pub mod compare;
pub mod compare_cli;
mod demand;
mod draws;
mod faults;
pub mod fleet_size;
pub mod ground;
pub mod in_process;
pub mod judge;
pub mod live;
pub mod message;
pub mod metrics;
pub mod names;
pub mod people;
pub mod play;
pub mod position_log;
pub mod promises;
pub mod real_time;
pub mod record;
pub mod report;
pub mod report_cli;
pub mod ride;
pub mod run;
pub mod scenario;
pub mod service;
pub mod stats;
pub mod summary;
mod supply;
pub mod switchback;
pub mod trace;
pub mod trips;
pub mod virtual_time;
mod wire;
