//! Settings of a gRPC server: limits, deadlines, and the flow control windows of HTTP/2.

use std::time::Duration;

use kerb_types::FieldError;
use kerb_types::limits::MESSAGE_BYTES_MAX;
use serde::{Deserialize, Serialize};

/// Flow control window of a connection: the largest that HTTP/2 allows.
///
/// The HTTP/2 library closes a whole connection when too many small unread messages wait on it, and it derives that limit
/// from this window. The windows of the streams, and the limits on buffered bytes, are the bounds on memory.
pub const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
/// Flow control window of a stream to another node: the maximum of unread bytes.
pub const STREAM_WINDOW_BYTES: u32 = 1 << 20;

/// Smallest and largest flow control window of HTTP/2 that a setting may choose.
const WINDOW_BYTES_MIN: u32 = 65_535;
const WINDOW_BYTES_MAX: u32 = 16 << 20;
/// Smallest limit on buffered bytes: one message and its header.
const BUFFERED_BYTES_MIN: u64 = MESSAGE_BYTES_MAX as u64 + 1_024;

/// Settings of a gRPC server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerOptions {
    /// Maximum of open connections. The limit of open files may allow fewer.
    pub connections_max: u32,
    /// Maximum of open connections from one address.
    pub connections_per_address_max: u32,
    /// Maximum of open calls on all connections.
    pub streams_max: u32,
    /// Maximum of open calls on all connections from one address.
    pub streams_per_address_max: u32,
    /// Maximum of open calls on one connection; further calls wait at the client.
    pub streams_per_connection_max: u32,
    /// Flow control window of a call: bytes that a client may send before the service has read any.
    pub stream_window_bytes: u32,
    /// Maximum bytes of incomplete requests and unread answers of all clients. A connection with less than 64 KiB of them does
    /// not count.
    pub buffered_bytes_max: u64,
    /// The same maximum for all connections from one address.
    pub buffered_bytes_per_address_max: u64,
    /// The same maximum for one connection.
    pub buffered_bytes_per_connection_max: u64,
    /// Calls per second that a client may give up sustained, on one connection.
    pub resets_per_s_max: u32,
    /// A new connection must begin HTTP/2 within this time, in milliseconds.
    pub handshake_timeout_ms: u32,
    /// A new connection must make its first call within this time, in milliseconds.
    pub first_call_timeout_ms: u32,
    /// A call's first message must begin within this time, in milliseconds.
    pub first_message_timeout_ms: u32,
    /// A message must be complete within this time after its first byte, in milliseconds.
    pub message_timeout_ms: u32,
    /// A stream of messages from a client ends after this time without one, in milliseconds.
    pub call_idle_timeout_ms: u32,
    /// A call whose client reads nothing of a waiting answer ends after this time, in milliseconds.
    pub stall_timeout_ms: u32,
    /// A connection without an open call is closed after this time, in milliseconds.
    pub idle_timeout_ms: u32,
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
            connections_max: 65_536,
            connections_per_address_max: 32_768,
            streams_max: 131_072,
            streams_per_address_max: 65_536,
            streams_per_connection_max: 16_384,
            stream_window_bytes: 256 << 10,
            buffered_bytes_max: 512 << 20,
            buffered_bytes_per_address_max: 256 << 20,
            buffered_bytes_per_connection_max: 64 << 20,
            resets_per_s_max: 1_000,
            handshake_timeout_ms: 10_000,
            first_call_timeout_ms: 60_000,
            first_message_timeout_ms: 30_000,
            message_timeout_ms: 60_000,
            call_idle_timeout_ms: 3_600_000,
            stall_timeout_ms: 60_000,
            idle_timeout_ms: 900_000,
            keepalive_interval_ms: 20_000,
            keepalive_timeout_ms: 10_000,
            shutdown_grace_ms: 10_000,
        }
    }
}

impl ServerOptions {
    /// Returns the first setting that is out of range.
    pub fn validate(&self) -> Result<(), FieldError> {
        let counts = [
            ("connections_max", self.connections_max),
            ("connections_per_address_max", self.connections_per_address_max),
            ("streams_max", self.streams_max),
            ("streams_per_address_max", self.streams_per_address_max),
            ("streams_per_connection_max", self.streams_per_connection_max),
            ("resets_per_s_max", self.resets_per_s_max),
            ("keepalive_interval_ms", self.keepalive_interval_ms),
            ("keepalive_timeout_ms", self.keepalive_timeout_ms),
        ];
        let bytes = [
            ("buffered_bytes_max", self.buffered_bytes_max),
            ("buffered_bytes_per_address_max", self.buffered_bytes_per_address_max),
            ("buffered_bytes_per_connection_max", self.buffered_bytes_per_connection_max),
        ];
        if let Some((field, _)) = counts.into_iter().chain(self.timeouts_ms()).find(|(_, value)| *value == 0)
        {
            return Err(FieldError::new(field, "0, must be at least 1"));
        }
        // Less would reject a message that the services accept.
        if let Some((field, value)) = bytes.into_iter().find(|(_, value)| *value < BUFFERED_BYTES_MIN) {
            return Err(FieldError::new(field, format!("{value}, must be at least {BUFFERED_BYTES_MIN}")));
        }
        let window = self.stream_window_bytes;
        if !(WINDOW_BYTES_MIN..=WINDOW_BYTES_MAX).contains(&window) {
            let text = format!("{window}, must be {WINDOW_BYTES_MIN} to {WINDOW_BYTES_MAX}");
            return Err(FieldError::new("stream_window_bytes", text));
        }
        Ok(())
    }

    /// Returns the deadlines of clients with their names.
    pub(crate) fn timeouts_ms(&self) -> [(&'static str, u32); 7] {
        [
            ("handshake_timeout_ms", self.handshake_timeout_ms),
            ("first_call_timeout_ms", self.first_call_timeout_ms),
            ("first_message_timeout_ms", self.first_message_timeout_ms),
            ("message_timeout_ms", self.message_timeout_ms),
            ("call_idle_timeout_ms", self.call_idle_timeout_ms),
            ("stall_timeout_ms", self.stall_timeout_ms),
            ("idle_timeout_ms", self.idle_timeout_ms),
        ]
    }
}

/// Converts a setting in milliseconds.
pub(crate) fn ms(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}
