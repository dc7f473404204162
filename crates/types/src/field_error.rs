//! The error of an invalid field.

use std::borrow::Cow;
use std::fmt;

/// An invalid value: the field, the value and what would be valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FieldError {
    /// Path of the field, for example `position.latitude_deg`.
    pub field: Cow<'static, str>,
    /// The invalid value and what would be valid.
    pub description: String,
}

impl FieldError {
    /// An error of `field`.
    pub fn new(field: impl Into<Cow<'static, str>>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }

    /// Returns the same error with `parent` as a prefix of the field path.
    #[must_use]
    pub fn within(self, parent: impl fmt::Display) -> Self {
        Self { field: format!("{parent}.{}", self.field).into(), description: self.description }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.description)
    }
}
