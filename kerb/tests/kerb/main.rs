//! The whole of Kerb from outside.

mod settings;
