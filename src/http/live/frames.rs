//! Frames as text. An event is serialised once for all who hear of it: a frame is the
//! subscription's own beginning and a tail that they share.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use impresario_api::{
    Code, ErrorBody, Event, FrameBody, Nothing, OperationId, Progress, ServerFrame, Timestamp,
};

use super::outbox::Outbox;

/// Bytes of tails that may be asked for again soon: at least what fills an outbox, as one socket
/// takes so many before the next one takes its own.
const RECENT_BYTES: usize = 1 << 20;
/// Characters of an error's message: some quote what was sent, and an answer is no longer for that.
const MOST_QUOTED: usize = 300;
/// What a tail takes beside its text, about.
const TAIL_BYTES: usize = 128;

thread_local! {
    static TAILS: RefCell<Tails> = RefCell::default();
}

/// The tails that were made last.
#[derive(Default)]
struct Tails {
    by_key: HashMap<Key, Rc<[u8]>>,
    /// The oldest first.
    order: VecDeque<Key>,
    bytes: usize,
}

/// What a tail is of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Event(u64),
    Progress(OperationId, Timestamp),
}

/// A subscription's name as its frames begin.
pub(super) struct Prefix(Vec<u8>);

impl Prefix {
    pub(super) fn of(sub: &str) -> Self {
        let name = serde_json::Value::from(sub);
        Self(format!("{{\"sub\":{name},").into_bytes())
    }

    /// Sends a tail; false when the socket takes no more.
    pub(super) fn send(&self, outbox: &Outbox, tail: &[u8]) -> bool {
        outbox.text(&[&self.0, tail])
    }

    /// A frame that only this subscription gets.
    pub(super) fn own(&self, outbox: &Outbox, frame: &ServerFrame) -> bool {
        self.send(outbox, &tail(frame))
    }
}

/// A frame of no subscription.
pub(super) fn send(outbox: &Outbox, sub: Option<&str>, body: FrameBody) -> bool {
    let frame = ServerFrame {
        sub: sub.map(str::to_owned),
        ..bare(body)
    };
    outbox.text(&[b"{", &tail(&frame)])
}

/// A frame could not be obeyed.
pub(super) fn error(outbox: &Outbox, sub: Option<&str>, code: Code, message: String) -> bool {
    let body = ErrorBody {
        code: code.as_str().to_owned(),
        message: message.chars().take(MOST_QUOTED).collect(),
        details: None,
        details_total: None,
        retryable: false,
    };
    send(outbox, sub, FrameBody::Error(body))
}

pub(super) fn bare(body: FrameBody) -> ServerFrame {
    ServerFrame {
        sub: None,
        operation_id: None,
        seq: None,
        cursor: None,
        at: Timestamp::now(),
        body,
    }
}

pub(super) const fn nothing() -> Nothing {
    Nothing {}
}

/// The tail of an event.
pub(super) fn of_event(event: &Event) -> Rc<[u8]> {
    shared(Key::Event(event.cursor), || tail(&event.clone().into()))
}

/// The tail of a reading of progress.
pub(super) fn of_progress(id: OperationId, at: Timestamp, progress: &Progress) -> Rc<[u8]> {
    shared(Key::Progress(id, at), || {
        tail(&ServerFrame {
            operation_id: Some(id),
            at,
            ..bare(FrameBody::Progress(progress.clone()))
        })
    })
}

fn shared(key: Key, make: impl FnOnce() -> Vec<u8>) -> Rc<[u8]> {
    TAILS.with_borrow_mut(|tails| {
        if let Some(tail) = tails.by_key.get(&key) {
            return Rc::clone(tail);
        }
        let tail: Rc<[u8]> = make().into();
        tails.keep(key, &tail);
        tail
    })
}

impl Tails {
    fn keep(&mut self, key: Key, tail: &Rc<[u8]>) {
        self.bytes += tail.len() + TAIL_BYTES;
        self.by_key.insert(key, Rc::clone(tail));
        self.order.push_back(key);
        while self.bytes > RECENT_BYTES {
            let oldest = self.order.pop_front();
            let Some(gone) = oldest.and_then(|key| self.by_key.remove(&key)) else {
                return;
            };
            self.bytes -= gone.len() + TAIL_BYTES;
        }
    }
}

/// A frame without its opening brace.
fn tail(frame: &ServerFrame) -> Vec<u8> {
    let text = serde_json::to_vec(frame);
    // Frames are made of strings, numbers and lists; none of their types can fail.
    let mut text = text.unwrap_or_else(|_| b"{}".to_vec());
    text.remove(0);
    text
}
