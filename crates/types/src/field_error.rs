//! A value that was refused.

use std::borrow::Cow;
use std::fmt;

/// A value that was refused: which, and what would have been right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FieldError {
    /// Path of the field, for example `position.latitude_deg`.
    pub field: Cow<'static, str>,
    /// The value that came and what would be right.
    pub description: String,
}

impl FieldError {
    /// A refusal of `field`.
    pub fn new(field: impl Into<Cow<'static, str>>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }

    /// The same refusal, of a field inside `parent`.
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
