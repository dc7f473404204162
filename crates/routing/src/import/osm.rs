//! Streets from an OpenStreetMap PBF extract: the file format, and the rules by which tags become streets.

mod access;
mod barriers;
mod collect;
mod conditional;
mod hours;
mod pbf;
mod restrictions;
mod size;
mod speed;
mod surface;
mod ways;

pub(super) use collect::collect;
pub(super) use pbf::Pbf;
pub(super) use speed::{is_implausible, limit_kmh};
