//! What an index server tracks of the ingest nodes that fill it: their streams, their snapshots, and which shards these
//! snapshots cover.

pub(crate) mod coverage;
pub(crate) mod source_stream;
pub(crate) mod sources;
