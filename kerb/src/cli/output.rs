//! What the commands print: tables, progress and files.

pub(super) mod progress;
pub(super) mod table;
pub(super) mod whole_file;
