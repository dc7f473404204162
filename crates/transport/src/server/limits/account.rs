//! The bytes that the calls of one connection hold: incomplete requests, and answers that the client has not read.
//!
//! Each connection has a free allowance, so that a client with small messages never depends on what other clients hold, and
//! its updates only touch a counter of their own connection. Beyond it, a connection takes bytes from the pools of its
//! address and of the server, in large units.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use super::pool::{Peer, Pool};

/// Bytes that a connection may hold without taking them from the pools.
pub(super) const FREE_BYTES: u64 = 64 * 1024;
/// A connection takes bytes from the pools, and gives them back, in this unit.
const UNIT_BYTES: u64 = 64 * 1024;
/// Units that a connection keeps when it gives bytes back, so that it does not take them again at once.
const KEPT_UNITS: u64 = 4;
/// Bytes that a chunk of an answer holds besides its content: its counter, and its frame in the HTTP/2 library.
const CHUNK_OVERHEAD_BYTES: u64 = 512;

/// The limit that a connection has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FullPool {
    Connection,
    Address,
    Server,
}

/// The account of one connection.
#[derive(Debug)]
pub(super) struct ByteAccount {
    held: AtomicU64,
    /// Bytes that may be held: the free allowance and what was taken from the pools.
    reserved: AtomicU64,
    /// Serializes changes of `reserved`.
    resize: Mutex<()>,
    max: u64,
    peer: Arc<Peer>,
    server: Arc<Pool>,
}

impl ByteAccount {
    pub(super) fn new(max: u64, peer: Arc<Peer>, server: Arc<Pool>) -> Self {
        let reserved = AtomicU64::new(FREE_BYTES.min(max));
        Self { held: AtomicU64::new(0), reserved, resize: Mutex::new(()), max, peer, server }
    }

    /// Adds bytes that a call holds. On an error nothing is added.
    pub(super) fn charge(&self, bytes: u64) -> Result<(), FullPool> {
        let held = self.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if held <= self.reserved.load(Ordering::Relaxed) {
            return Ok(());
        }
        let grown = self.grow();
        if grown.is_err() {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
        }
        grown
    }

    /// Removes bytes that a call does not hold any more.
    pub(super) fn release(&self, bytes: u64) {
        let held = self.held.fetch_sub(bytes, Ordering::Relaxed) - bytes;
        let reserved = self.reserved.load(Ordering::Relaxed);
        if reserved > FREE_BYTES && (held <= FREE_BYTES / 2 || held + KEPT_UNITS * UNIT_BYTES < reserved) {
            self.shrink();
        }
    }

    /// Whether the connection holds as much as it may.
    pub(super) fn is_full(&self) -> bool {
        self.held.load(Ordering::Relaxed) >= self.max
    }

    /// Returns a chunk of an answer that counts as held until its last copy is dropped: when it is written to the socket, or
    /// when its stream has ended.
    pub(super) fn track(self: &Arc<Self>, bytes: Bytes) -> Result<Bytes, FullPool> {
        let charged = bytes.len() as u64 + CHUNK_OVERHEAD_BYTES;
        self.charge(charged)?;
        Ok(Bytes::from_owner(TrackedChunk { bytes, charged, account: self.clone() }))
    }

    /// Takes units from the pools until everything that is held is reserved.
    fn grow(&self) -> Result<(), FullPool> {
        let _resize = self.resize.lock();
        // Read under the lock: another call may have reserved enough, or may hold more by now.
        let (held, reserved) = (self.held.load(Ordering::Relaxed), self.reserved.load(Ordering::Relaxed));
        if held <= reserved {
            return Ok(());
        }
        if held > self.max {
            return Err(FullPool::Connection);
        }
        let more = (held - reserved).next_multiple_of(UNIT_BYTES);
        if !self.peer.bytes.try_take(more) {
            return Err(FullPool::Address);
        }
        if !self.server.try_take(more) {
            self.peer.bytes.give_back(more);
            return Err(FullPool::Server);
        }
        self.reserved.store(reserved + more, Ordering::Relaxed);
        Ok(())
    }

    #[cold]
    fn shrink(&self) {
        let _resize = self.resize.lock();
        let (held, reserved) = (self.held.load(Ordering::Relaxed), self.reserved.load(Ordering::Relaxed));
        let free = FREE_BYTES.min(self.max);
        let wanted = if held <= free / 2 { free } else { held.next_multiple_of(UNIT_BYTES) + UNIT_BYTES };
        if wanted < reserved {
            self.reserved.store(wanted, Ordering::Relaxed);
            self.give_back(reserved - wanted);
        }
    }

    fn give_back(&self, bytes: u64) {
        self.peer.bytes.give_back(bytes);
        self.server.give_back(bytes);
    }
}

impl Drop for ByteAccount {
    fn drop(&mut self) {
        let reserved = *self.reserved.get_mut();
        self.give_back(reserved - FREE_BYTES.min(self.max));
    }
}

/// The content of a chunk, and its part of the account.
struct TrackedChunk {
    bytes: Bytes,
    charged: u64,
    account: Arc<ByteAccount>,
}

impl AsRef<[u8]> for TrackedChunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for TrackedChunk {
    fn drop(&mut self) {
        self.account.release(self.charged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn account(server: &Arc<Pool>, peer: &Arc<Peer>) -> Arc<ByteAccount> {
        Arc::new(ByteAccount::new(4 * MIB, peer.clone(), server.clone()))
    }

    #[test]
    fn small_amounts_take_nothing_from_the_pools() {
        let (server, peer) = (Arc::new(Pool::new(0)), Arc::new(Peer::new(1, 0)));
        let account = account(&server, &peer);
        assert_eq!(account.charge(FREE_BYTES), Ok(()));
        assert_eq!(account.charge(1), Err(FullPool::Address));
        account.release(FREE_BYTES);
        assert_eq!(account.charge(FREE_BYTES), Ok(()), "the failed charge left nothing behind");
    }

    #[test]
    fn each_pool_is_a_limit() {
        let (server, peer) = (Arc::new(Pool::new(6 * MIB)), Arc::new(Peer::new(9, 5 * MIB)));
        let (first, second) = (account(&server, &peer), account(&server, &peer));
        assert_eq!(first.charge(4 * MIB), Ok(()));
        assert_eq!(first.charge(1), Err(FullPool::Connection));
        assert!(first.is_full());
        assert_eq!(second.charge(3 * MIB), Err(FullPool::Address));
        let other = account(&server, &Arc::new(Peer::new(9, 5 * MIB)));
        assert_eq!(other.charge(3 * MIB), Err(FullPool::Server));
        assert_eq!(other.charge(2 * MIB), Ok(()));
    }

    #[test]
    fn everything_is_given_back() {
        let (server, peer) = (Arc::new(Pool::new(8 * MIB)), Arc::new(Peer::new(9, 8 * MIB)));
        let account = account(&server, &peer);
        let chunk = account.track(Bytes::from(vec![0; 3 << 20])).unwrap();
        let part = chunk.slice(..10);
        drop(chunk);
        assert!(server.used() >= 2 * MIB, "a part keeps the chunk");
        drop(part);
        assert_eq!((server.used(), peer.bytes.used()), (0, 0));
        assert_eq!(account.charge(2 * MIB), Ok(()));
        drop(account);
        assert_eq!((server.used(), peer.bytes.used()), (0, 0));
    }
}
