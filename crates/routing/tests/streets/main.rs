//! The rules of streets on hand-made maps, each by the routes that follow from it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod ends;
mod ferries;
mod hours;
mod input;
mod islands;
mod map;
mod turning;
#[allow(dead_code, reason = "the other test binary uses the rest")]
#[path = "../routing/support"]
mod support {
    pub(crate) mod osm;
    pub(crate) mod pbf;
}
