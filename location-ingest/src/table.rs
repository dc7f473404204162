//! The driver table: the profile and the newest state of every driver that this node knows.
//!
//! The table depends on no stream, link or file. Those read it, and take its marks of what has changed.

pub(crate) mod bitset;
pub(crate) mod directory;
mod driver_table;
pub(crate) mod entry;
pub(crate) mod entry_guard;
pub(crate) mod expiry;
pub(crate) mod flags;
pub(crate) mod inline_id;
pub(crate) mod rate_limit;
pub(crate) mod registered_driver;
pub(crate) mod retirement;
pub(crate) mod reverse_index;
pub(crate) mod slab;
pub(crate) mod update;
pub(crate) mod update_order;

pub(crate) use driver_table::DRIVERS_MAX;
pub use driver_table::DriverTable;
pub use registered_driver::RegisteredDriver;
