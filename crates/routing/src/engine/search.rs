//! The query methods of the engine, one file each. All of them read a hierarchy and its metric and change neither.

pub(in crate::engine) mod bidirectional_search;
pub(in crate::engine) mod lazy_rphast;
pub(in crate::engine) mod matrix;
pub(in crate::engine) mod nearest;
pub(in crate::engine) mod one_to_all;
pub(in crate::engine) mod route;
pub(in crate::engine) mod rphast;
