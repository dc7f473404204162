//! What the commands print: tables and progress.

pub(super) mod progress;
pub(super) mod table;
