//! Ids: of drivers, nodes and shards.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::FieldError;
use crate::limits::{DRIVER_ID_BYTES_MAX, NAME_BYTES_MAX};

/// A driver's id: the caller's own string of 1 to 64 bytes. Cheap to clone.
///
/// ```
/// use kerb_fleet::DriverId;
/// assert_eq!(DriverId::new("cab-7").unwrap().as_str(), "cab-7");
/// assert!(DriverId::new("").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriverId(Arc<str>);

impl DriverId {
    /// Takes a caller's string.
    pub fn new(id: &str) -> Result<Self, FieldError> {
        if id.is_empty() || id.len() > DRIVER_ID_BYTES_MAX {
            let description = format!("{} bytes, must be 1 to {DRIVER_ID_BYTES_MAX}", id.len());
            return Err(FieldError::new("driver_id", description));
        }
        Ok(Self(id.into()))
    }

    /// The caller's string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DriverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for DriverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for DriverId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A process of the cluster, by the operator's name for it: 1 to 32 bytes of letters, digits, `-`, `_` or `.`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// Takes an operator's name.
    pub fn new(id: &str) -> Result<Self, FieldError> {
        check_name("node_id", id)?;
        Ok(Self(id.into()))
    }

    /// The operator's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NodeId {
    type Error = FieldError;

    fn try_from(id: String) -> Result<Self, FieldError> {
        Self::new(&id)
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A virtual shard: a number below the cluster's number of shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Checks an operator's name of `field`.
pub(crate) fn check_name(field: &'static str, name: &str) -> Result<(), FieldError> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(legal) {
        let description = format!("{name:?}, must be 1 to {NAME_BYTES_MAX} letters, digits, '-', '_' or '.'");
        return Err(FieldError::new(field, description));
    }
    Ok(())
}
