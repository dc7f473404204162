//! One connection: HTTP/2, and as one task with it what its only call needs.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::service::Routes;

use super::calls::Answers;
use super::inline_executor::{Calls, InlineExecutor, SUBTASKS_MAX, Subtask};
use super::wake_set::WakeSet;
use super::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, ServerOptions, ms};

/// Looks at its futures in a row; then other tasks get their turn.
const LOOKS_MAX: usize = 16;

const WIRE: u32 = 1;
const DRAIN: u32 = 1 << 1;
const ABORT: u32 = 1 << 2;
const EXECUTOR: u32 = 1 << 3;
const SUBTASK: u32 = 1 << 4;

type Wire = http2::Connection<TokioIo<TcpStream>, Answers, Calls>;
type Told = Pin<Box<WaitForCancellationFutureOwned>>;

/// What ends all connections.
#[derive(Default)]
pub(super) struct Shutdown {
    /// They take no further calls, and end with their last one.
    pub(super) drain: CancellationToken,
    /// They end.
    pub(super) abort: CancellationToken,
}

/// Resolves when the connection has ended.
pub(super) struct Connection {
    wire: Pin<Box<Wire>>,
    drain: Told,
    abort: Told,
    subtasks: [Option<Subtask>; SUBTASKS_MAX],
    executor: Arc<InlineExecutor>,
    wake_set: Arc<WakeSet>,
    slot_wakers: SlotWakers,
}

struct SlotWakers {
    wire: Waker,
    drain: Waker,
    abort: Waker,
    subtasks: [Waker; SUBTASKS_MAX],
}

impl Connection {
    pub(super) fn new(
        stream: TcpStream,
        routes: Routes,
        options: &ServerOptions,
        shutdown: &Shutdown,
    ) -> Self {
        let wake_set = Arc::new(WakeSet::default());
        let executor = Arc::new(InlineExecutor::new(wake_set.clone(), EXECUTOR));
        let answers = Answers::new(routes, executor.clone());
        let wire =
            transport(options, Calls(executor.clone())).serve_connection(TokioIo::new(stream), answers);
        let slot_wakers = SlotWakers {
            wire: wake_set.slot_waker(WIRE),
            drain: wake_set.slot_waker(DRAIN),
            abort: wake_set.slot_waker(ABORT),
            subtasks: std::array::from_fn(|i| wake_set.slot_waker(SUBTASK << i)),
        };
        wake_set.wake(WIRE | DRAIN | ABORT);
        Self {
            wire: Box::pin(wire),
            drain: Box::pin(shutdown.drain.clone().cancelled_owned()),
            abort: Box::pin(shutdown.abort.clone().cancelled_owned()),
            subtasks: Default::default(),
            executor,
            wake_set,
            slot_wakers,
        }
    }

    /// Looks at those who have woken.
    fn turn(&mut self, woken: u32) -> Poll<()> {
        if woken & DRAIN != 0 && is_ready(&mut self.drain, &self.slot_wakers.drain) {
            self.wire.as_mut().graceful_shutdown();
            self.wake_set.wake(WIRE);
        }
        if woken & ABORT != 0 && is_ready(&mut self.abort, &self.slot_wakers.abort) {
            return Poll::Ready(());
        }
        if woken & WIRE != 0
            && let Poll::Ready(ended) =
                self.wire.as_mut().poll(&mut Context::from_waker(&self.slot_wakers.wire))
        {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended");
            }
            return Poll::Ready(());
        }
        if woken & EXECUTOR != 0 {
            self.let_in();
        }
        for (i, subtask) in self.subtasks.iter_mut().enumerate() {
            let Some(future) = subtask.as_mut().filter(|_| woken & (SUBTASK << i) != 0) else { continue };
            if is_ready(future, &self.slot_wakers.subtasks[i]) {
                *subtask = None;
                self.executor.left();
            }
        }
        Poll::Pending
    }

    fn let_in(&mut self) {
        let (came, shared) = self.executor.take();
        if shared {
            self.subtasks.iter_mut().filter_map(Option::take).chain(came).for_each(|subtask| {
                tokio::spawn(subtask);
            });
            return;
        }
        let mut free = self.subtasks.iter_mut().enumerate().filter(|(_, subtask)| subtask.is_none());
        for subtask in came {
            let (i, place) = free.next().expect("the executor lets in as many as there are places");
            *place = Some(subtask);
            self.wake_set.wake(SUBTASK << i);
        }
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.wake_set.begin_drain(context.waker());
        for _ in 0..LOOKS_MAX {
            let woken = self.wake_set.drain();
            if woken == 0 {
                return Poll::Pending;
            }
            if self.turn(woken).is_ready() {
                // What still runs sees that the connection is gone.
                self.executor.close();
                self.let_in();
                return Poll::Ready(());
            }
        }
        self.wake_set.suspend_drain();
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

fn transport(options: &ServerOptions, calls: Calls) -> http2::Builder<Calls> {
    let mut builder = http2::Builder::new(calls);
    builder
        .timer(TokioTimer::new())
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .max_concurrent_streams(options.streams_per_connection_max)
        .keep_alive_interval(ms(options.keepalive_interval_ms))
        .keep_alive_timeout(ms(options.keepalive_timeout_ms));
    builder
}

fn is_ready(future: &mut (impl Future<Output = ()> + Unpin), waker: &Waker) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(waker)).is_ready()
}
