//! One connection, as the limits see it: its open calls, the bytes that they hold, and how far its client has come.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use bytes::Bytes;
use foldhash::quality::RandomState;
use parking_lot::Mutex;
use tonic::Status;

use super::account::{ByteAccount, FullPool};
use super::call::Call;
use super::pool::Peer;
use super::reset_allowance::ResetAllowance;
use super::server_limits::ServerLimits;
use super::warnings::Kind;
use crate::server::wake_set::WakeSet;

/// Bytes that a client sends at least to begin HTTP/2: the preface, and the header of a SETTINGS frame.
const HANDSHAKE_BYTES: u32 = 24 + 9;

/// How a connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(in crate::server) enum CloseMode {
    Open,
    /// The client is asked to open a new connection; open calls end first.
    Drain,
    /// At once, with all calls.
    Abort,
}

/// A connection with its counters. It lives until its last call has ended.
pub(in crate::server) struct ConnectionRecord {
    pub(super) id: u64,
    pub(super) address: IpAddr,
    pub(super) server: Arc<ServerLimits>,
    peer: Arc<Peer>,
    account: Arc<ByteAccount>,
    wake_set: Arc<WakeSet>,
    /// The slot of the wake set that is woken for an end of the connection.
    slot: u32,
    accepted: u32,
    received_bytes: AtomicU32,
    /// The connection has had a call with a complete message for a method that exists.
    proven: AtomicBool,
    has_called: AtomicBool,
    ending: AtomicU8,
    /// The tick since which no call is open.
    idle_since: AtomicU32,
    calls: Mutex<OpenCalls>,
    resets: Mutex<ResetAllowance>,
}

#[derive(Default)]
struct OpenCalls {
    next_id: u64,
    open: HashMap<u64, Arc<Call>, RandomState>,
    /// The guard of the call that HTTP/2 hands to the executor next.
    starting: Option<OpenCallGuard>,
}

/// An open call. Its drop ends the call for the limits.
pub(in crate::server) struct OpenCallGuard {
    pub(in crate::server) call: Arc<Call>,
    id: u64,
    header_bytes: u64,
}

impl ConnectionRecord {
    pub(super) fn new(
        id: u64,
        address: IpAddr,
        server: Arc<ServerLimits>,
        peer: Arc<Peer>,
        wake_set: Arc<WakeSet>,
        slot: u32,
    ) -> Self {
        let now = server.now();
        let max = server.options.buffered_bytes_per_connection_max;
        Self {
            id,
            address,
            account: Arc::new(ByteAccount::new(max, peer.clone(), server.bytes.clone())),
            resets: Mutex::new(server.reset_allowance()),
            server,
            peer,
            wake_set,
            slot,
            accepted: now,
            received_bytes: AtomicU32::new(0),
            proven: AtomicBool::new(false),
            has_called: AtomicBool::new(false),
            ending: AtomicU8::new(CloseMode::Open as u8),
            idle_since: AtomicU32::new(now),
            calls: Mutex::default(),
        }
    }

    // ---- The connection.

    /// Notes that bytes have arrived from the client.
    pub(in crate::server) fn received(&self, bytes: usize) {
        if !self.began_http2() {
            let bytes = u32::try_from(bytes).unwrap_or(HANDSHAKE_BYTES);
            self.received_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn began_http2(&self) -> bool {
        self.received_bytes.load(Ordering::Relaxed) >= HANDSHAKE_BYTES
    }

    /// Notes a complete message for a method that exists.
    pub(super) fn prove(self: &Arc<Self>) {
        if !self.proven.load(Ordering::Relaxed) && !self.proven.swap(true, Ordering::Relaxed) {
            self.server.proven(self);
        }
    }

    /// Returns the tick since which no call is open; `None` while one is.
    pub(super) fn idle_since(&self) -> Option<u32> {
        self.calls.lock().open.is_empty().then(|| self.idle_since.load(Ordering::Relaxed))
    }

    /// Ends the connection. An abort overrides a drain.
    pub(super) fn end(&self, ending: CloseMode) {
        if self.ending.fetch_max(ending as u8, Ordering::AcqRel) < ending as u8 {
            self.wake_set.wake(self.slot);
        }
    }

    /// Returns how the connection must end.
    pub(in crate::server) fn ending(&self) -> CloseMode {
        match self.ending.load(Ordering::Acquire) {
            0 => CloseMode::Open,
            1 => CloseMode::Drain,
            _ => CloseMode::Abort,
        }
    }

    /// Logs a warning about this client.
    pub(super) fn warn(&self, kind: Kind) {
        self.server.warnings.warn(kind, self.server.now(), Some(self.address), "");
    }

    /// Logs that the HTTP/2 library has closed the connection because of what the client does.
    pub(in crate::server) fn warn_of_protocol(&self, error: &str) {
        self.server.warnings.warn(Kind::Protocol, self.server.now(), Some(self.address), error);
    }

    /// Ends the connection, or calls of it, after their deadlines.
    pub(super) fn sweep(&self, now: u32) {
        let deadlines = &self.server.deadlines;
        let age = now.saturating_sub(self.accepted);
        if !self.began_http2() {
            if age > deadlines.handshake {
                self.warn(Kind::NoHandshake);
                self.end(CloseMode::Abort);
            }
            return;
        }
        if !self.has_called.load(Ordering::Relaxed) {
            if age > deadlines.first_call {
                self.warn(Kind::NoCall);
                self.end(CloseMode::Abort);
            }
            return;
        }
        let calls = self.calls.lock();
        if calls.open.is_empty() {
            let idle = now.saturating_sub(self.idle_since.load(Ordering::Relaxed));
            drop(calls);
            // A client that does not close a drained connection gets one more timeout.
            if idle > deadlines.idle.saturating_add(deadlines.handshake) {
                self.end(CloseMode::Abort);
            } else if idle > deadlines.idle {
                self.end(CloseMode::Drain);
            }
            return;
        }
        // The end of a call drops parts of its service, which must not happen under the lock.
        let open: Vec<_> = calls.open.values().cloned().collect();
        drop(calls);
        for call in open {
            call.sweep(now, deadlines);
        }
    }

    // ---- The calls.

    /// Admits a call, or returns the status of its rejection.
    pub(in crate::server) fn admit_call(
        self: &Arc<Self>,
        headers: &http::HeaderMap,
    ) -> Result<Arc<Call>, Status> {
        self.has_called.store(true, Ordering::Relaxed);
        if self.account.is_full() {
            return Err(self.too_many_bytes(FullPool::Connection));
        }
        let header_bytes =
            headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
        let header_bytes = header_bytes as u64;
        self.charge(header_bytes)?;
        let taken = self.take_call();
        if taken.is_err() {
            self.release(header_bytes);
        }
        taken?;
        let call = Arc::new(Call::new(self.clone()));
        let mut calls = self.calls.lock();
        let id = calls.next_id;
        calls.next_id += 1;
        calls.open.insert(id, call.clone());
        // A guard that is still here belongs to a call that never began. Its drop takes the lock.
        let unused = calls.starting.replace(OpenCallGuard { call: call.clone(), id, header_bytes });
        drop(calls);
        drop(unused);
        Ok(call)
    }

    fn take_call(&self) -> Result<(), Status> {
        let options = &self.server.options;
        let rejected = |text| {
            self.warn(Kind::TooManyCalls);
            Err(Status::resource_exhausted(text))
        };
        if !self.peer.calls.try_take(1) {
            let max = options.streams_per_address_max;
            return rejected(format!(
                "{max} calls of this address are open (server.streams_per_address_max)"
            ));
        }
        if !self.server.calls.try_take(1) {
            self.peer.calls.give_back(1);
            return rejected(format!("{} calls are open (server.streams_max)", options.streams_max));
        }
        Ok(())
    }

    /// Returns the guard of the call that was admitted last.
    pub(in crate::server) fn take_starting(&self) -> Option<OpenCallGuard> {
        self.calls.lock().starting.take()
    }

    /// Notes the end of a call.
    fn call_ended(&self, id: u64, header_bytes: u64) {
        self.release(header_bytes);
        self.peer.calls.give_back(1);
        self.server.calls.give_back(1);
        let mut calls = self.calls.lock();
        let ended = calls.open.remove(&id);
        if calls.open.is_empty() {
            self.idle_since.store(self.server.now(), Ordering::Relaxed);
        }
        drop(calls);
        if ended.is_some_and(|call| call.was_given_up())
            && !self.resets.lock().take(self.server.now())
            && self.ending() != CloseMode::Abort
        {
            self.warn(Kind::TooManyResets);
            self.end(CloseMode::Abort);
        }
    }

    // ---- The bytes.

    /// Adds bytes that a call holds.
    pub(super) fn charge(&self, bytes: u64) -> Result<(), Status> {
        self.account.charge(bytes).map_err(|full| self.too_many_bytes(full))
    }

    /// Removes bytes that a call does not hold any more.
    pub(super) fn release(&self, bytes: u64) {
        if bytes > 0 {
            self.account.release(bytes);
        }
    }

    /// Returns a chunk of an answer that is counted until the client has read it.
    pub(super) fn track(&self, bytes: Bytes) -> Result<Bytes, Status> {
        self.account.track(bytes).map_err(|full| self.too_many_bytes(full))
    }

    #[cold]
    fn too_many_bytes(&self, full: FullPool) -> Status {
        self.warn(Kind::TooManyBytes);
        let options = &self.server.options;
        let (whose, max, setting) = match full {
            FullPool::Connection => (
                "of this connection",
                options.buffered_bytes_per_connection_max,
                "buffered_bytes_per_connection_max",
            ),
            FullPool::Address => {
                ("of this address", options.buffered_bytes_per_address_max, "buffered_bytes_per_address_max")
            }
            FullPool::Server => ("of all clients", options.buffered_bytes_max, "buffered_bytes_max"),
        };
        Status::resource_exhausted(format!(
            "incomplete requests and unread answers {whose} hold {max} bytes, the maximum (server.{setting})"
        ))
    }
}

impl Drop for OpenCallGuard {
    fn drop(&mut self) {
        self.call.connection.call_ended(self.id, self.header_bytes);
    }
}
