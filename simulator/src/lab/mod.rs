//! A city in the machine: riders and drivers on streets, whose dispatch can be judged before it meets real ones.
//!
//! People speak (`message`) and a service answers (`service`): the one in this process under a virtual clock
//! (`in_process`), or any running one behind gRPC (`live`). `run` carries words between the two, `judge` looks at
//! them.

mod calls;
mod faults;
pub mod in_process;
pub mod judge;
pub mod live;
pub mod message;
pub mod names;
pub mod people;
pub mod real_time;
pub mod record;
pub mod reports;
pub mod run;
pub mod service;
pub mod summary;
pub mod trace;
pub mod trips;
pub mod virtual_time;
mod wire;
