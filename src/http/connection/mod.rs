//! Connections: how many there may be, for how long each may keep the server waiting, and how one is
//! ended (`docs/adr/0013`).
//!
//! actix-web hides the stream under a request, and its own deadlines hold for the first request of a
//! connection alone. So the server (`server`) hands actix-http a stream of its own (`stream`), which
//! tells a `Connection` what happens on it. A middleware (`track`) tells it when a request begins and
//! ends. `Connections` knows them all and looks at them several times a second; pure functions
//! (`rules`) say which of them are overdue, and which one makes room for a newcomer.

mod client;
mod clock;
mod held;
mod limits;
mod open;
mod registry;
mod rules;
mod server;
mod stream;
mod track;
mod turn;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use futures_util::task::AtomicWaker;
use tokio_util::sync::CancellationToken;

use super::peer::Peer;
pub(in crate::http) use client::Client;
use clock::Clock;
pub(in crate::http) use held::{Share, UNCOUNTED};
pub use limits::{TooFewFiles, check_files};
pub(in crate::http) use registry::Permit;
pub use registry::{Connections, Counts};
use rules::{ConnectionReading, Phase};
pub use server::serve;
pub use track::Track;

/// Bytes that are read ahead while a request is handled. actix-http spins over a connection whose
/// buffer holds 128 KiB that it cannot use yet.
const READ_AHEAD: usize = 48 << 10;

/// One connection, as those see it who serve it. A clone is the same connection.
#[derive(Clone)]
pub(in crate::http) struct Connection(Arc<State>);

struct State {
    id: u64,
    /// Who holds the other end.
    peer: Peer,
    clock: Arc<Clock>,
    /// The phase in the lowest byte, and above it since when, by `clock`.
    phase: AtomicU64,
    /// Since when the client takes nothing of what is to be written; 0 while it does.
    blocked_since: AtomicU64,
    /// Bytes read since what was read before was used.
    read_ahead: AtomicUsize,
    /// Reading waits until more is used.
    held: AtomicBool,
    /// The client sends nothing more.
    left: AtomicBool,
    ending: AtomicU8,
    /// A look at all connections found this one overdue.
    overdue: AtomicBool,
    /// The task that serves it.
    task: AtomicWaker,
    /// Cancelled when nobody waits any more for what a handler waits for.
    waits: OnceLock<CancellationToken>,
    /// The memory of large answers that are not written yet.
    answer: Mutex<Option<Share>>,
}

/// How a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Ending {
    /// The connection goes on.
    None,
    /// When what is being answered has been written.
    AfterAnswer,
    /// When what waits has been written; nothing more is read.
    AfterWrites,
    /// It ends at once.
    Now,
    /// At once, and what the kernel still holds for it is dropped.
    Abort,
}

impl Connection {
    fn new(id: u64, peer: Peer, clock: &Arc<Clock>) -> Self {
        let connection = Self(Arc::new(State {
            id,
            peer,
            clock: Arc::clone(clock),
            phase: AtomicU64::new(0),
            blocked_since: AtomicU64::new(0),
            read_ahead: AtomicUsize::new(0),
            held: AtomicBool::new(false),
            left: AtomicBool::new(false),
            ending: AtomicU8::new(Ending::None as u8),
            overdue: AtomicBool::new(false),
            task: AtomicWaker::new(),
            waits: OnceLock::new(),
            answer: Mutex::new(None),
        }));
        connection.enter(Phase::Head);
        connection
    }

    /// The connection that a request came on; there is none in tests without a server.
    pub(in crate::http) fn of(request: &HttpRequest) -> Option<Self> {
        request.conn_data::<Self>().cloned()
    }

    fn of_service(request: &ServiceRequest) -> Option<Self> {
        request.conn_data::<Self>().cloned()
    }

    /// A body is read: its next bytes are due.
    pub(in crate::http) fn reads_body(&self) {
        self.used();
        self.enter(Phase::Body);
    }

    /// Nothing is due from the client.
    pub(in crate::http) fn works(&self) {
        self.used();
        self.enter(Phase::Working);
    }

    /// The answer is on its way, unless it is a live socket's.
    fn answers(&self) {
        if matches!(self.phase(), Phase::Body | Phase::Working) {
            self.enter(Phase::Answering);
        }
    }

    /// It holds so much memory until the answer is written.
    fn holds(&self, more: Share) {
        let mut held = lock(&self.0.answer);
        match &mut *held {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
    }

    /// It has become a live socket; whether its client has said who it is.
    pub(in crate::http) fn becomes_socket(&self, trusted: bool) {
        let phase = if trusted {
            Phase::Socket
        } else {
            Phase::Authenticating
        };
        self.enter(phase);
    }

    /// What arrived was used, so more may be read.
    pub(in crate::http) fn used(&self) {
        self.0.read_ahead.store(0, Ordering::Relaxed);
        if self.0.held.swap(false, Ordering::Relaxed) {
            self.0.task.wake();
        }
    }

    /// For how long the client has taken nothing of what waits for it.
    pub(in crate::http) fn blocked_for(&self) -> Duration {
        match self.0.blocked_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis(self.now().saturating_sub(since).max(1)),
        }
    }

    /// Ends it once everything that waits has been written. A client that does not take it has a
    /// moment.
    pub(in crate::http) fn finish(&self) {
        self.enter(Phase::Closing);
        self.end(Ending::AfterWrites);
    }

    /// Ends it at once, and drops what waits for its client here and in the kernel.
    pub(in crate::http) fn abort(&self) {
        self.end(Ending::Abort);
    }

    /// Cancelled when the client has left, or when its place is needed.
    pub(in crate::http) fn waits(&self) -> CancellationToken {
        let token = self.0.waits.get_or_init(CancellationToken::new);
        // Either may have come before the token was there.
        if self.0.left.load(Ordering::Acquire) || self.ending() > Ending::None {
            token.cancel();
        }
        token.clone()
    }

    fn enter(&self, phase: Phase) {
        let word = self.now() << 8 | phase as u64;
        self.0.phase.store(word, Ordering::Relaxed);
    }

    fn phase(&self) -> Phase {
        Phase::of(self.0.phase.load(Ordering::Relaxed) as u8)
    }

    fn group(&self) -> IpAddr {
        self.0.peer.group()
    }

    /// What the rules judge it by.
    fn reading(&self) -> ConnectionReading {
        let word = self.0.phase.load(Ordering::Relaxed);
        let blocked_since = self.0.blocked_since.load(Ordering::Relaxed);
        ConnectionReading {
            phase: Phase::of(word as u8),
            since: word >> 8,
            blocked_since: (blocked_since > 0).then_some(blocked_since),
            waits: self.0.waits.get().is_some(),
        }
    }

    fn now(&self) -> u64 {
        self.0.clock.now()
    }

    fn ending(&self) -> Ending {
        match self.0.ending.load(Ordering::Acquire) {
            0 => Ending::None,
            1 => Ending::AfterAnswer,
            2 => Ending::AfterWrites,
            3 => Ending::Now,
            _ => Ending::Abort,
        }
    }

    /// A sharper ending replaces a milder one.
    fn end(&self, ending: Ending) {
        self.0.ending.fetch_max(ending as u8, Ordering::AcqRel);
        self.0.task.wake();
        self.nobody_waits();
    }

    /// The client sends nothing more: it has left, or waits for this answer alone.
    fn client_left(&self) {
        self.0.left.store(true, Ordering::Release);
        self.nobody_waits();
    }

    fn nobody_waits(&self) {
        if let Some(token) = self.0.waits.get() {
            token.cancel();
        }
    }

    /// Whether reading waits until what was read is used.
    fn is_held(&self) -> bool {
        let full = self.0.read_ahead.load(Ordering::Relaxed) >= READ_AHEAD
            && !matches!(self.phase(), Phase::Head | Phase::Idle);
        self.0.held.store(full, Ordering::Relaxed);
        full
    }

    fn received(&self, bytes: usize) {
        if self.phase() == Phase::Idle {
            self.enter(Phase::Head);
        }
        self.0.read_ahead.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The client takes nothing at the moment.
    fn writes_wait(&self) {
        if self.0.blocked_since.load(Ordering::Relaxed) == 0 {
            self.0
                .blocked_since
                .store(self.now().max(1), Ordering::Relaxed);
        }
    }

    fn written(&self) {
        if self.0.blocked_since.load(Ordering::Relaxed) != 0 {
            self.0.blocked_since.store(0, Ordering::Relaxed);
        }
    }

    /// Everything that was to be written has been; whether that ends an answer.
    fn flushed(&self) -> bool {
        let answered = self.phase() == Phase::Answering;
        if answered {
            self.enter(Phase::Idle);
            lock(&self.0.answer).take();
            self.used();
        }
        answered
    }

    fn register(&self, waker: &Waker) {
        self.0.task.register(waker);
    }
}

/// Whole whatever panicked beside it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
