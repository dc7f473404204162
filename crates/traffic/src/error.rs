//! The error of a node's live speeds.

kerb_ports::port_error! {
    /// Why a call to a node's live speeds failed, on this node or on a peer.
    pub enum TrafficError {
        /// A peer rejects a value of the call.
        Invalid,
        /// A peer runs another release.
        Mismatch,
        /// The node has no road network.
        FailedPrecondition,
        /// Too many concurrent calls set speeds.
        Overloaded,
        /// A peer or the client was silent for too long.
        DeadlineExceeded,
        /// A peer does not respond.
        Unavailable,
        /// The task that applies speeds has ended, or a defect.
        Internal,
    }
}
