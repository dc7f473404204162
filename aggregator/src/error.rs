//! The error of an aggregator, and its conversions from and to the errors of ports.

use kerb_ports::{IndexAdminError, NearbySearchError, convert};

kerb_ports::port_error! {
    /// Why a search, a lookup or a rebuild failed.
    pub enum AggregatorError {
        /// Fields of the request are invalid.
        Invalid,
        /// No node has the driver, or the cluster has no such node.
        NotFound,
        /// The index server to rebuild runs another release.
        Mismatch,
        /// Too many searches or lookups are in flight.
        Overloaded,
        /// No travel time was known before the deadline.
        DeadlineExceeded,
        /// A node that the result depends on does not respond.
        Unavailable,
        /// The request failed by a defect.
        Internal,
    }
}

impl From<IndexAdminError> for AggregatorError {
    fn from(error: IndexAdminError) -> Self {
        convert(&error)
    }
}

impl From<AggregatorError> for NearbySearchError {
    fn from(error: AggregatorError) -> Self {
        convert(&error)
    }
}
