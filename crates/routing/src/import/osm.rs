//! Streets from an OpenStreetMap PBF extract: the file format, and the rules by which tags become streets.

mod access;
mod collect;
mod pbf;
mod restrictions;
mod speed;
mod ways;

pub(super) use collect::collect;
pub(super) use pbf::Pbf;
pub(super) use speed::limit_kmh;
