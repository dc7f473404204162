//! The deadline of a call, as gRPC sends it.

use std::time::Duration;

use tonic::metadata::MetadataMap;

/// The metadata key of a call's timeout.
pub const TIMEOUT_KEY: &str = "grpc-timeout";

/// Returns the timeout of a call; `None` if it is absent or invalid.
pub fn timeout_of(metadata: &MetadataMap) -> Option<Duration> {
    timeout_in(metadata.get(TIMEOUT_KEY)?.to_str().ok()?)
}

/// Parses a timeout: 1 to 8 digits and a unit ("PROTOCOL-HTTP2.md" of gRPC).
pub fn timeout_in(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_hours(value)),
        "M" => Some(Duration::from_mins(value)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_protocol_allows_and_nothing_else() {
        let of = |text: &str| {
            let mut metadata = MetadataMap::new();
            metadata.insert(TIMEOUT_KEY, text.parse().unwrap());
            timeout_of(&metadata)
        };
        assert_eq!(of("200m"), Some(Duration::from_millis(200)));
        assert_eq!(of("1S"), Some(Duration::from_secs(1)));
        assert_eq!(of("99999999H"), Some(Duration::from_hours(99_999_999)));
        for wrong in ["", "m", "1", "-1m", "123456789m", "1x", "1 m"] {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
        assert_eq!(timeout_of(&MetadataMap::new()), None);
    }
}
