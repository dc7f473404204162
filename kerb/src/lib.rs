//! Kerb as a library: settings, and nodes that run any set of roles.
//!
//! The binary is a thin shell around this crate: it parses the command line, starts the log and waits for
//! signals. Nothing here searches, indexes or matches; the services do the work.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod compose;
mod error;
mod in_process;
mod node;
mod roles;
mod services;
pub mod settings;
pub mod terminal;

pub use compose::Surroundings;
pub use error::StartError;
pub use in_process::{DriverMessages, Gateway, InProcess};
pub use kerb_location_ingest::LocalDriverStream;
pub use kerb_traffic::{SpeedFileError, speed_messages};
pub use node::Node;
pub use roles::ALL_ROLES;
pub use settings::Settings;
