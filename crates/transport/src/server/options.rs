//! Settings of a gRPC server, and the flow control windows of HTTP/2.

use std::time::Duration;

use kerb_types::FieldError;
use serde::{Deserialize, Serialize};

/// Flow control window of a connection: the largest that HTTP/2 allows.
///
/// The HTTP/2 library closes a whole connection when too many small unread messages wait on it, and it derives that limit
/// from this window. The windows of the streams are the bound on memory.
pub const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
/// Flow control window of a stream: the maximum of unread bytes.
pub const STREAM_WINDOW_BYTES: u32 = 1 << 20;

/// Settings of a gRPC server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerOptions {
    /// Maximum of open calls on one connection; further calls wait at the client.
    pub streams_per_connection_max: u32,
    /// The server sends a keepalive ping on a silent connection after this time, in milliseconds.
    pub keepalive_interval_ms: u32,
    /// A connection that does not answer a ping within this time is closed, in milliseconds.
    pub keepalive_timeout_ms: u32,
    /// After a shutdown begins, open calls have this time to end, in milliseconds. Then they are aborted.
    pub shutdown_grace_ms: u32,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            streams_per_connection_max: 16_384,
            keepalive_interval_ms: 20_000,
            keepalive_timeout_ms: 10_000,
            shutdown_grace_ms: 10_000,
        }
    }
}

impl ServerOptions {
    /// Returns the first setting that is out of range.
    pub fn validate(&self) -> Result<(), FieldError> {
        let values = [
            ("streams_per_connection_max", self.streams_per_connection_max),
            ("keepalive_interval_ms", self.keepalive_interval_ms),
            ("keepalive_timeout_ms", self.keepalive_timeout_ms),
        ];
        match values.into_iter().find(|(_, value)| *value == 0) {
            Some((field, _)) => Err(FieldError::new(field, "0, must be at least 1")),
            None => Ok(()),
        }
    }
}

/// Converts a setting in milliseconds.
pub(crate) fn ms(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}
