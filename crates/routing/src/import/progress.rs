//! The progress of an import.

/// How much of the input an import has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The stage that the import is in.
    pub stage: ImportStage,
    /// The bytes of the file that this stage has read.
    pub done: u64,
    /// The bytes of the file.
    pub total: u64,
}

/// A stage of an import. Each reads the file once, except the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportStage {
    /// Reads ways and turn restrictions.
    Ways,
    /// Reads the nodes of the streets.
    Nodes,
    /// Builds the graph and orders its nodes for the engine.
    Graph,
}
