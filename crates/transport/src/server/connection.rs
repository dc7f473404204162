//! One HTTP/2 connection as a future. It also polls the subtasks of the connection's only call.
//!
//! The future polls several inner futures: HTTP/2, the two shutdown signals, and the subtasks. Each has a slot in a
//! [`WakeSet`], so that a poll only polls the inner futures that were woken.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::calls::{CallRouter, CallRoutes};
use super::counted_stream::CountedStream;
use super::inline_executor::{CallExecutor, InlineExecutor, SUBTASKS_MAX, Subtask};
use super::limits::{CloseMode, ConnectionGuard, ServerLimits};
use super::options::{CONNECTION_WINDOW_BYTES, ServerOptions, ms};
use super::wake_set::WakeSet;

/// Maximum rounds over the woken slots in one poll. After them, the task yields to other tasks.
const ROUNDS_PER_POLL_MAX: usize = 16;

// The slots of the wake set, as bits.
const HTTP2: u32 = 1;
const DRAIN: u32 = 1 << 1;
const ABORT: u32 = 1 << 2;
const EXECUTOR: u32 = 1 << 3;
/// Slot of the first subtask; the others follow.
const SUBTASK: u32 = 1 << 4;
/// The limits of the server end the connection.
pub(super) const LIMITS: u32 = SUBTASK << SUBTASKS_MAX;

/// Bytes of a call's answer that wait for the socket. An answer that is larger waits in its service.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// Streams of a connection that the HTTP/2 library may reset for errors of the client; then it closes the connection.
const LOCAL_RESETS_MAX: usize = 16_384;
/// Bytes of the headers of a call.
const HEADER_BYTES_MAX: u32 = 8 * 1024;

type Http2 = http2::Connection<TokioIo<CountedStream>, CallRouter, CallExecutor>;
type CancellationSignal = Pin<Box<WaitForCancellationFutureOwned>>;

/// The two steps that end all connections of a server.
#[derive(Default)]
pub(super) struct Shutdown {
    /// Each connection accepts no further calls and closes after its last open call.
    pub(super) drain: CancellationToken,
    /// Each connection closes at once.
    pub(super) abort: CancellationToken,
}

/// A future that serves a connection and resolves when the connection has ended.
pub(super) struct Connection {
    http2: Pin<Box<Http2>>,
    drain: CancellationSignal,
    abort: CancellationSignal,
    subtasks: [Option<Subtask>; SUBTASKS_MAX],
    executor: Arc<InlineExecutor>,
    wake_set: Arc<WakeSet>,
    slot_wakers: SlotWakers,
    limits: ConnectionGuard,
}

/// The waker of each inner future.
struct SlotWakers {
    http2: Waker,
    drain: Waker,
    abort: Waker,
    subtasks: [Waker; SUBTASKS_MAX],
}

impl Connection {
    /// Makes a connection that the limits have admitted. They wake the slot [`LIMITS`] of the `wake_set` to end it.
    pub(super) fn new(
        stream: TcpStream,
        routes: CallRoutes,
        options: &ServerOptions,
        shutdown: &Shutdown,
        server: Arc<ServerLimits>,
        (limits, wake_set): (ConnectionGuard, Arc<WakeSet>),
    ) -> Self {
        let executor = Arc::new(InlineExecutor::new(wake_set.clone(), EXECUTOR));
        let record = limits.0.clone();
        let router = CallRouter::new(routes, executor.clone(), server, record.clone());
        let call_executor = CallExecutor { inline: executor.clone(), connection: record.clone() };
        let http2 = http2_builder(options, call_executor)
            .serve_connection(TokioIo::new(CountedStream::new(stream, record)), router);
        let slot_wakers = SlotWakers {
            http2: wake_set.slot_waker(HTTP2),
            drain: wake_set.slot_waker(DRAIN),
            abort: wake_set.slot_waker(ABORT),
            subtasks: std::array::from_fn(|i| wake_set.slot_waker(SUBTASK << i)),
        };
        // The first poll must poll these futures, so that they register their wakers.
        wake_set.wake(HTTP2 | DRAIN | ABORT);
        Self {
            http2: Box::pin(http2),
            drain: Box::pin(shutdown.drain.clone().cancelled_owned()),
            abort: Box::pin(shutdown.abort.clone().cancelled_owned()),
            subtasks: Default::default(),
            executor,
            wake_set,
            slot_wakers,
            limits,
        }
    }

    /// Polls the inner futures of these slots. Returns `Ready` when the connection has ended.
    fn poll_woken(&mut self, woken: u32) -> Poll<()> {
        if woken & DRAIN != 0 && is_ready(&mut self.drain, &self.slot_wakers.drain) {
            self.http2.as_mut().graceful_shutdown();
            self.wake_set.wake(HTTP2);
        }
        if woken & ABORT != 0 && is_ready(&mut self.abort, &self.slot_wakers.abort) {
            return Poll::Ready(());
        }
        if woken & LIMITS != 0 {
            match self.limits.0.ending() {
                CloseMode::Open => {}
                CloseMode::Drain => {
                    self.http2.as_mut().graceful_shutdown();
                    self.wake_set.wake(HTTP2);
                }
                CloseMode::Abort => return Poll::Ready(()),
            }
        }
        if woken & HTTP2 != 0
            && let Poll::Ready(ended) =
                self.http2.as_mut().poll(&mut Context::from_waker(&self.slot_wakers.http2))
        {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended");
                if is_excessive_use(&error) {
                    self.limits.0.warn_of_protocol(&error.to_string());
                }
            }
            return Poll::Ready(());
        }
        if woken & EXECUTOR != 0 {
            self.place_new_subtasks();
        }
        for (i, subtask) in self.subtasks.iter_mut().enumerate() {
            let Some(future) = subtask.as_mut().filter(|_| woken & (SUBTASK << i) != 0) else { continue };
            if is_ready(future, &self.slot_wakers.subtasks[i]) {
                *subtask = None;
                self.executor.subtask_ended();
            }
        }
        Poll::Pending
    }

    /// Puts the new subtasks of the executor into free slots. If the connection is shared, all subtasks become tasks of
    /// the runtime instead.
    fn place_new_subtasks(&mut self) {
        let (new, is_shared) = self.executor.take_new();
        if is_shared {
            self.subtasks.iter_mut().filter_map(Option::take).chain(new).for_each(|subtask| {
                tokio::spawn(subtask);
            });
            return;
        }
        let mut free = self.subtasks.iter_mut().enumerate().filter(|(_, subtask)| subtask.is_none());
        for subtask in new {
            let (i, slot) = free.next().expect("the executor accepts at most SUBTASKS_MAX subtasks");
            *slot = Some(subtask);
            self.wake_set.wake(SUBTASK << i);
        }
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.wake_set.begin_drain(context.waker());
        for _ in 0..ROUNDS_PER_POLL_MAX {
            let woken = self.wake_set.drain();
            if woken == 0 {
                return Poll::Pending;
            }
            if self.poll_woken(woken).is_ready() {
                // The subtasks outlive the connection: they become tasks of the runtime and find the connection closed.
                self.executor.close();
                self.place_new_subtasks();
                return Poll::Ready(());
            }
        }
        self.wake_set.suspend_drain();
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

fn http2_builder(options: &ServerOptions, executor: CallExecutor) -> http2::Builder<CallExecutor> {
    let mut builder = http2::Builder::new(executor);
    builder
        .timer(TokioTimer::new())
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .initial_stream_window_size(options.stream_window_bytes)
        .max_concurrent_streams(options.streams_per_connection_max)
        // After a freeze of the server, a client may have given up all of its calls. The limits bound the rate.
        .max_pending_accept_reset_streams(options.streams_per_connection_max as usize)
        // Frames of a client that are on their way to a call that the server has ended count, too, for the life of the
        // connection.
        .max_local_error_reset_streams(Some(LOCAL_RESETS_MAX))
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_header_list_size(HEADER_BYTES_MAX)
        .keep_alive_interval(ms(options.keepalive_interval_ms))
        .keep_alive_timeout(ms(options.keepalive_timeout_ms));
    builder
}

fn is_ready(future: &mut (impl Future<Output = ()> + Unpin), waker: &Waker) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(waker)).is_ready()
}

/// Whether the HTTP/2 library has closed the connection for what its client did, such as a flood of frames.
fn is_excessive_use(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<h2::Error>());
    source.is_some_and(|error| error.is_library() && error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM))
}
