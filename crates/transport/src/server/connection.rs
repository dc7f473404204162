//! One connection: HTTP/2, and as one task with it what its only call needs.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::service::Routes;

use super::bell::Bell;
use super::calls::Answers;
use super::guests::{Calls, Door, GUESTS_MAX, Guest};
use super::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, ServerOptions, ms};

/// Looks at its futures in a row; then other tasks get their turn.
const LOOKS_MAX: usize = 16;

const WIRE: u32 = 1;
const DRAIN: u32 = 1 << 1;
const CUT: u32 = 1 << 2;
const DOOR: u32 = 1 << 3;
const GUEST: u32 = 1 << 4;

type Wire = http2::Connection<TokioIo<TcpStream>, Answers, Calls>;
type Told = Pin<Box<WaitForCancellationFutureOwned>>;

/// What ends all connections.
#[derive(Default)]
pub(super) struct Orders {
    /// They take no further calls, and end with their last one.
    pub(super) drain: CancellationToken,
    /// They end.
    pub(super) cut: CancellationToken,
}

/// Resolves when the connection has ended.
pub(super) struct Connection {
    wire: Pin<Box<Wire>>,
    drain: Told,
    cut: Told,
    guests: [Option<Guest>; GUESTS_MAX],
    door: Arc<Door>,
    bell: Arc<Bell>,
    lines: Lines,
}

struct Lines {
    wire: Waker,
    drain: Waker,
    cut: Waker,
    guests: [Waker; GUESTS_MAX],
}

impl Connection {
    pub(super) fn new(stream: TcpStream, routes: Routes, options: &ServerOptions, orders: &Orders) -> Self {
        let bell = Arc::new(Bell::default());
        let door = Arc::new(Door::new(bell.clone(), DOOR));
        let answers = Answers::new(routes, door.clone());
        let wire = transport(options, Calls(door.clone())).serve_connection(TokioIo::new(stream), answers);
        let lines = Lines {
            wire: bell.line(WIRE),
            drain: bell.line(DRAIN),
            cut: bell.line(CUT),
            guests: std::array::from_fn(|i| bell.line(GUEST << i)),
        };
        bell.ring(WIRE | DRAIN | CUT);
        Self {
            wire: Box::pin(wire),
            drain: Box::pin(orders.drain.clone().cancelled_owned()),
            cut: Box::pin(orders.cut.clone().cancelled_owned()),
            guests: Default::default(),
            door,
            bell,
            lines,
        }
    }

    /// Looks at those who have rung.
    fn turn(&mut self, rung: u32) -> Poll<()> {
        if rung & DRAIN != 0 && is_ready(&mut self.drain, &self.lines.drain) {
            self.wire.as_mut().graceful_shutdown();
            self.bell.ring(WIRE);
        }
        if rung & CUT != 0 && is_ready(&mut self.cut, &self.lines.cut) {
            return Poll::Ready(());
        }
        if rung & WIRE != 0
            && let Poll::Ready(ended) = self.wire.as_mut().poll(&mut Context::from_waker(&self.lines.wire))
        {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended");
            }
            return Poll::Ready(());
        }
        if rung & DOOR != 0 {
            self.let_in();
        }
        for (i, guest) in self.guests.iter_mut().enumerate() {
            let Some(future) = guest.as_mut().filter(|_| rung & (GUEST << i) != 0) else { continue };
            if is_ready(future, &self.lines.guests[i]) {
                *guest = None;
                self.door.left();
            }
        }
        Poll::Pending
    }

    fn let_in(&mut self) {
        let (came, shared) = self.door.take();
        if shared {
            self.guests.iter_mut().filter_map(Option::take).chain(came).for_each(|guest| {
                tokio::spawn(guest);
            });
            return;
        }
        let mut free = self.guests.iter_mut().enumerate().filter(|(_, guest)| guest.is_none());
        for guest in came {
            let (i, place) = free.next().expect("the door lets in as many as there are places");
            *place = Some(guest);
            self.bell.ring(GUEST << i);
        }
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.bell.look(context.waker());
        for _ in 0..LOOKS_MAX {
            let rung = self.bell.next();
            if rung == 0 {
                return Poll::Pending;
            }
            if self.turn(rung).is_ready() {
                // What still runs sees that the connection is gone.
                self.door.close();
                self.let_in();
                return Poll::Ready(());
            }
        }
        self.bell.look_away();
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
