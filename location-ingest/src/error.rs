//! Why an ingest node does not start.

use kerb_ports::Error;
use kerb_types::FieldError;

use crate::store::StoreError;

/// Why an ingest node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Options(#[from] FieldError),
    /// The stored table cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stored table does not fit.
    #[error("the stored drivers do not fit the table: {0}")]
    Table(Error),
}
