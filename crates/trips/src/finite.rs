//! Serializes a finite number. NaN and infinity are errors in both directions: JSON cannot represent them, and a value
//! that was read must be writable again.

use serde::{Deserialize, Deserializer, Serializer};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        return serializer.serialize_f64(*value);
    }
    Err(serde::ser::Error::custom(message(*value)))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    if value.is_finite() { Ok(value) } else { Err(serde::de::Error::custom(message(value))) }
}

fn message(value: f64) -> String {
    format!("{value}, must be a finite number")
}
