//! Ids: of drivers, nodes and shards.

use std::fmt;

use crate::field_error::FieldError;
use crate::limits::{DRIVER_ID_BYTES_MAX, NAME_BYTES_MAX};

/// Declares an id that is a checked string, cheap to clone. Up to 23 bytes stand in the id itself, so that who has a
/// driver's card has its id without another cache miss. `$check` refuses what is no such id.
#[macro_export]
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(smol_str::SmolStr);

        impl $name {
            /// Takes the string when it is such an id.
            pub fn new(id: &str) -> Result<Self, $crate::field_error::FieldError> {
                let check: fn(&str) -> Result<(), $crate::field_error::FieldError> = $check;
                check(id)?;
                Ok(Self(id.into()))
            }

            /// The string.
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
    /// A process of the cluster, by the operator's name for it: 1 to 32 bytes of letters, digits, `-`, `_` or `.`.
    NodeId, |id| check_name("node_id", id)
}

/// A virtual shard: a number below the cluster's number of shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Checks a caller's own string of `field`.
pub fn check_callers_string(field: &'static str, text: &str, bytes_max: usize) -> Result<(), FieldError> {
    if text.is_empty() || text.len() > bytes_max {
        return Err(FieldError::new(field, format!("{} bytes, must be 1 to {bytes_max}", text.len())));
    }
    Ok(())
}

/// Checks an operator's name of `field`.
pub fn check_name(field: &'static str, name: &str) -> Result<(), FieldError> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(legal) {
        let description = format!("{name:?}, must be 1 to {NAME_BYTES_MAX} letters, digits, '-', '_' or '.'");
        return Err(FieldError::new(field, description));
    }
    Ok(())
}
