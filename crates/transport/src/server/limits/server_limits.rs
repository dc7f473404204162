//! What all clients of a server may hold together, and the list of their connections.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use foldhash::quality::RandomState;
use parking_lot::Mutex;
use tokio::task::yield_now;
use tokio::time::{MissedTickBehavior, interval};

use super::connection_record::{CloseMode, ConnectionRecord};
use super::connection_table::{Admission, ConnectionTable};
use super::deadlines::Deadlines;
use super::descriptors;
use super::methods::client_streaming_methods;
use super::pool::Pool;
use super::reset_allowance::ResetAllowance;
use super::ticks::Ticks;
use super::warnings::{Kind, Warnings};
use crate::server::options::ServerOptions;
use crate::server::wake_set::WakeSet;

/// Connections that the sweep looks at before other tasks run.
const CONNECTIONS_PER_POLL: usize = 512;

/// The limits of a server.
pub(in crate::server) struct ServerLimits {
    pub(super) options: ServerOptions,
    pub(super) deadlines: Deadlines,
    pub(super) warnings: Warnings,
    pub(super) calls: Pool,
    pub(super) bytes: Arc<Pool>,
    ticks: Ticks,
    table: Mutex<ConnectionTable>,
    client_streaming: HashSet<String, RandomState>,
}

/// An open connection. Its drop makes room for another one.
pub(in crate::server) struct ConnectionGuard(pub(in crate::server) Arc<ConnectionRecord>);

impl ServerLimits {
    pub(in crate::server) fn new(options: &ServerOptions) -> Arc<Self> {
        let (deadlines, ticks) = Deadlines::new(options);
        let table = ConnectionTable::new(options, descriptors::for_connections());
        Arc::new(Self {
            options: *options,
            deadlines,
            warnings: Warnings::new(&ticks),
            calls: Pool::new(options.streams_max.into()),
            bytes: Arc::new(Pool::new(options.buffered_bytes_max)),
            ticks,
            table: Mutex::new(table),
            client_streaming: client_streaming_methods(),
        })
    }

    pub(super) fn now(&self) -> u32 {
        self.ticks.now()
    }

    pub(super) fn reset_allowance(&self) -> ResetAllowance {
        let ServerOptions { streams_per_connection_max, resets_per_s_max, .. } = self.options;
        ResetAllowance::new(streams_per_connection_max, resets_per_s_max, &self.ticks)
    }

    /// Whether the client of this method sends a stream of messages.
    pub(in crate::server) fn is_client_streaming(&self, path: &str) -> bool {
        self.client_streaming.contains(path)
    }

    /// Admits a connection. When there is no room, the oldest connection without a call yet makes room, or the one that is
    /// idle for the longest time. `None`: every connection is in use.
    ///
    /// The wake set's `slot` is woken when the connection must end.
    pub(in crate::server) fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        wake_set: Arc<WakeSet>,
        slot: u32,
    ) -> Option<ConnectionGuard> {
        let address = peer_address(address);
        let make =
            |id, peer| Arc::new(ConnectionRecord::new(id, address, self.clone(), peer, wake_set, slot));
        let admission = self.table.lock().admit(address, make);
        match admission {
            Admission::Free(record) => Some(ConnectionGuard(record)),
            Admission::Evicted { record, evicted } => {
                evicted.warn(Kind::ConnectionEvicted);
                evicted.end(CloseMode::Abort);
                Some(ConnectionGuard(record))
            }
            Admission::Refused => {
                self.warnings.warn(Kind::ConnectionRefused, self.now(), Some(address), "");
                None
            }
        }
    }

    /// Makes room after the system could not accept a connection: it has no free descriptor.
    pub(in crate::server) fn not_accepted(&self, error: &std::io::Error) {
        self.warnings.warn(Kind::NotAccepted, self.now(), None, &error.to_string());
        let evicted = self.table.lock().evict();
        if let Some(evicted) = evicted {
            evicted.end(CloseMode::Abort);
        }
    }

    pub(super) fn proven(&self, record: &ConnectionRecord) {
        self.table.lock().proven(record.id, record.address);
    }

    /// Checks all deadlines again and again.
    pub(in crate::server) async fn sweep(&self) -> ! {
        let mut interval = interval(self.ticks.interval());
        // After a pause of the whole process, clients get the full time again.
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let now = self.ticks.advance();
            let connections = self.table.lock().sweep();
            for some in connections.chunks(CONNECTIONS_PER_POLL) {
                for connection in some {
                    connection.sweep(now);
                }
                yield_now().await;
            }
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let Self(record) = self;
        record.server.table.lock().remove(record.id, record.address);
    }
}

/// Returns what counts as one address: an address of IPv4, or a network of IPv6, of which one host has all addresses.
fn peer_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_one_address() {
        let of = |text: &str| peer_address(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_ne!(of("192.0.2.8"), of("192.0.2.7"));
    }
}
