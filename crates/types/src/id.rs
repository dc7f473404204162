//! Ids of drivers, nodes and shards.

use std::fmt;

use crate::field_error::FieldError;
use crate::limits::{DRIVER_ID_BYTES_MAX, NAME_BYTES_MAX};

/// Declares an id type: a validated string that is cheap to clone. Ids of up to 23 bytes are stored inline, so that
/// reading the id in a driver's profile costs no further cache miss. `$check` rejects invalid strings.
#[macro_export]
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(smol_str::SmolStr);

        impl $name {
            /// Validates the string.
            pub fn new(id: &str) -> Result<Self, $crate::field_error::FieldError> {
                let check: fn(&str) -> Result<(), $crate::field_error::FieldError> = $check;
                check(id)?;
                Ok(Self(id.into()))
            }

            /// Returns the id as a string.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::field_error::FieldError;

            fn try_from(id: String) -> Result<Self, $crate::field_error::FieldError> {
                Self::new(&id)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// A driver's id: the caller's own string of 1 to 64 bytes. Cheap to clone.
    ///
    /// ```
    /// use kerb_types::DriverId;
    /// assert_eq!(DriverId::new("cab-7").unwrap().as_str(), "cab-7");
    /// assert!(DriverId::new("").is_err());
    /// ```
    DriverId, |id| check_callers_string("driver_id", id, DRIVER_ID_BYTES_MAX)
}

text_id! {
    /// The id of a process of the cluster, as the operator names it: 1 to 32 bytes of letters, digits, `-`, `_` or `.`.
    NodeId, |id| check_name("node_id", id)
}

/// A virtual shard, as a number below the cluster's number of shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Validates a string of a caller in `field`: 1 to `bytes_max` bytes.
pub fn check_callers_string(field: &'static str, text: &str, bytes_max: usize) -> Result<(), FieldError> {
    if text.is_empty() || text.len() > bytes_max {
        return Err(FieldError::new(field, format!("{} bytes, must be 1 to {bytes_max}", text.len())));
    }
    Ok(())
}

/// Validates a name of an operator in `field`: 1 to 32 letters, digits, `-`, `_` or `.`.
pub fn check_name(field: &'static str, name: &str) -> Result<(), FieldError> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(legal) {
        let description = format!("{name:?}, must be 1 to {NAME_BYTES_MAX} letters, digits, '-', '_' or '.'");
        return Err(FieldError::new(field, description));
    }
    Ok(())
}
