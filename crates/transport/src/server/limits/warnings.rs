//! Warnings about clients: one of each kind in a while, with the number of those that were suppressed. A log line for each
//! abusive connection would itself be an abuse.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::ticks::Ticks;

/// Minimum time between two warnings of a kind.
const INTERVAL: Duration = Duration::from_secs(10);

/// What a client did, or what the server ran out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ConnectionRefused,
    ConnectionEvicted,
    NotAccepted,
    NoHandshake,
    NoCall,
    TooManyCalls,
    TooManyBytes,
    NoMessage,
    NothingRead,
    TooManyResets,
    Protocol,
}

impl Kind {
    const COUNT: usize = Self::Protocol as usize + 1;

    /// Describes the event and names its setting.
    fn text(self) -> &'static str {
        match self {
            Self::ConnectionRefused => {
                "a connection was refused: server.connections_max, server.connections_per_address_max or the limit of open \
                 files (ulimit -n) is reached"
            }
            Self::ConnectionEvicted => {
                "a connection without a call was closed to make room for a new one: server.connections_max, \
                 server.connections_per_address_max or the limit of open files (ulimit -n) is reached"
            }
            Self::NotAccepted => "a connection could not be accepted",
            Self::NoHandshake => {
                "a connection did not begin HTTP/2 within server.handshake_timeout_ms and was closed"
            }
            Self::NoCall => "a connection made no call within server.first_call_timeout_ms and was closed",
            Self::TooManyCalls => {
                "a call was rejected: server.streams_max or server.streams_per_address_max is reached"
            }
            Self::TooManyBytes => {
                "a call was rejected: incomplete requests and unread answers hold server.buffered_bytes_max, \
                 server.buffered_bytes_per_address_max or server.buffered_bytes_per_connection_max"
            }
            Self::NoMessage => {
                "a call was ended: its client did not send a message within server.first_message_timeout_ms, \
                 server.message_timeout_ms or server.call_idle_timeout_ms"
            }
            Self::NothingRead => {
                "a call was ended: its client read nothing of the answer within server.stall_timeout_ms"
            }
            Self::TooManyResets => {
                "a connection gave up calls faster than server.resets_per_s_max and was closed"
            }
            Self::Protocol => "a connection was closed for excessive use of HTTP/2",
        }
    }
}

/// The warnings of a server.
#[derive(Debug)]
pub(super) struct Warnings {
    interval: u32,
    kinds: [Throttle; Kind::COUNT],
}

#[derive(Debug, Default)]
struct Throttle {
    /// The tick from which on the next warning is logged.
    next: AtomicU32,
    suppressed: AtomicU64,
}

impl Warnings {
    pub(super) fn new(ticks: &Ticks) -> Self {
        Self { interval: ticks.count_of(INTERVAL), kinds: Default::default() }
    }

    /// Logs a warning, or only counts it.
    pub(super) fn warn(&self, kind: Kind, now: u32, address: Option<IpAddr>, detail: &str) {
        if let Some(suppressed) = self.admit(kind, now) {
            let address = address.map(tracing::field::display);
            tracing::warn!(address, detail, suppressed, "{}", kind.text());
        }
    }

    /// Returns how many warnings of the kind were suppressed since the last one; `None` if this one is suppressed, too.
    fn admit(&self, kind: Kind, now: u32) -> Option<u64> {
        let throttle = &self.kinds[kind as usize];
        let next = throttle.next.load(Ordering::Relaxed);
        let taken = now >= next
            && throttle
                .next
                .compare_exchange(next, now + self.interval, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if taken {
            return Some(throttle.suppressed.swap(0, Ordering::Relaxed));
        }
        throttle.suppressed.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_warning_of_each_kind_in_a_while() {
        let ticks = Ticks::new(Duration::from_secs(1));
        let warnings = Warnings::new(&ticks);
        assert_eq!(warnings.admit(Kind::NoCall, 1), Some(0));
        assert_eq!(warnings.admit(Kind::NoHandshake, 1), Some(0));
        assert_eq!((2..9).filter_map(|now| warnings.admit(Kind::NoCall, now)).count(), 0);
        assert_eq!(warnings.admit(Kind::NoCall, 100), Some(7));
    }
}
