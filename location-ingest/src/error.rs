//! The error of an ingest node.

kerb_ports::port_error! {
    /// Why a driver was not registered, or why its stream ended.
    pub enum IngestError {
        /// Fields of the registration are invalid.
        Invalid,
        /// A newer stream of the driver is open.
        Superseded,
        /// The driver table is full, or too many actions of the driver wait.
        Overloaded,
        /// The call failed by a defect.
        Internal,
    }
}
