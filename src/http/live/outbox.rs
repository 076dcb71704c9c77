//! What waits for one socket. All of it leaves in one write.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Poll, Waker};

use actix_http::ws::{CloseCode, CloseReason, OpCode, Parser};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::stream::poll_fn;
use tokio::sync::{Mutex, MutexGuard, Notify};

/// Bytes at which subscriptions wait until the client has read.
const FULL: usize = 128 << 10;

/// The frames that wait, joined. A clone is the same outbox.
#[derive(Clone)]
pub(super) struct Outbox(Rc<Inner>);

struct Inner {
    state: RefCell<State>,
    /// It has room again, or has ended.
    room: Notify,
    /// Whoever holds it reads what may be much: one of a socket's subscriptions at a time.
    turn: Mutex<()>,
}

struct State {
    frames: BytesMut,
    /// The last frame is in it: nothing more is taken.
    closed: bool,
    /// No more frames leave than those that wait: the socket or the connection has ended.
    gone: bool,
    writer: Option<Waker>,
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self(Rc::new(Inner {
            state: RefCell::new(State {
                frames: BytesMut::new(),
                closed: false,
                gone: false,
                writer: None,
            }),
            room: Notify::new(),
            turn: Mutex::default(),
        }))
    }

    /// One text frame, whose parts are written one after the other; false when nothing more is taken.
    pub(super) fn text(&self, parts: &[&[u8]]) -> bool {
        let mut text = BytesMut::with_capacity(parts.iter().map(|part| part.len()).sum());
        parts.iter().for_each(|part| text.extend_from_slice(part));
        self.put(|frames| Parser::write_message(frames, &text, OpCode::Text, true, false))
    }

    pub(super) fn ping(&self) -> bool {
        self.put(|frames| Parser::write_message(frames, b"", OpCode::Ping, true, false))
    }

    pub(super) fn pong(&self, payload: &[u8]) -> bool {
        self.put(|frames| Parser::write_message(frames, payload, OpCode::Pong, true, false))
    }

    /// Puts in the last frame.
    pub(super) fn close(&self, code: CloseCode, reason: &str) {
        let reason = CloseReason::from((code, reason));
        self.put(|frames| Parser::write_close(frames, Some(reason), false));
        self.0.state.borrow_mut().closed = true;
        self.0.room.notify_waiters();
    }

    /// Whether more should be put in.
    pub(super) fn has_room(&self) -> bool {
        self.0.state.borrow().frames.len() < FULL
    }

    /// Waits until there is room, or there will be none.
    pub(super) async fn room(&self) {
        loop {
            let room = self.0.room.notified();
            if self.is_over() || self.has_room() {
                return;
            }
            room.await;
        }
    }

    /// Waits until there is room, and no other subscription reads what it has to begin with.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        let turn = self.0.turn.lock().await;
        self.room().await;
        turn
    }

    /// Whether the connection has ended, or is about to.
    pub(super) fn is_over(&self) -> bool {
        let state = self.0.state.borrow();
        state.closed || state.gone
    }

    /// What waits is the last that leaves.
    pub(super) fn abandon(&self) {
        let mut state = self.0.state.borrow_mut();
        state.gone = true;
        if let Some(writer) = state.writer.take() {
            writer.wake();
        }
        drop(state);
        self.0.room.notify_waiters();
    }

    fn put(&self, write: impl FnOnce(&mut BytesMut)) -> bool {
        let mut state = self.0.state.borrow_mut();
        if state.closed || state.gone {
            return false;
        }
        write(&mut state.frames);
        if let Some(writer) = state.writer.take() {
            writer.wake();
        }
        true
    }

    /// What leaves: each piece is all that waits. It is asked for only when the piece before it is
    /// on its way.
    pub(super) fn leaving(&self) -> impl Stream<Item = Result<Bytes, std::io::Error>> + use<> {
        let guard = Gone(self.clone());
        poll_fn(move |context| {
            let inner = &guard.0.0;
            let mut state = inner.state.borrow_mut();
            if !state.frames.is_empty() {
                let piece = state.frames.split().freeze();
                drop(state);
                inner.room.notify_waiters();
                return Poll::Ready(Some(Ok(piece)));
            }
            if state.gone {
                return Poll::Ready(None);
            }
            state.writer = Some(context.waker().clone());
            Poll::Pending
        })
    }
}

/// The connection dropped what leaves: it is gone.
struct Gone(Outbox);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
