//! The targets: a file for each.

pub mod cluster_file;
pub mod csv_rows;
pub mod driver_store;
pub mod internal_wire;
pub mod journal_record;
pub mod market_snapshot;
pub mod page_token;
pub mod pbf_extract;
pub mod public_wire;
pub mod resume_token;
pub mod road_file;
pub mod scenario;
pub mod settings;
pub mod speed_rows;

/// A fuzz target by its name.
pub struct Target {
    /// The name of its module, of its libFuzzer program and of its folder below `corpus`.
    pub name: &'static str,
    /// Decodes the bytes; returns whether the decoder accepted them.
    pub run: fn(&[u8]) -> bool,
    /// Returns valid inputs, from which the corpus is written.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        &[$(Target { name: stringify!($name), run: $name::target, seeds: $name::seeds }),*]
    };
}

/// All targets, by name.
pub const TARGETS: &[Target] = targets![
    cluster_file,
    csv_rows,
    driver_store,
    internal_wire,
    journal_record,
    market_snapshot,
    page_token,
    pbf_extract,
    public_wire,
    resume_token,
    road_file,
    scenario,
    settings,
    speed_rows,
];
