//! Frames as text. An event is serialised once for all who hear of it: a frame is the
//! subscription's own beginning and a tail that they share.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use impresario_api::{
    Code, ErrorBody, Event, FrameBody, Nothing, OperationId, Progress, ServerFrame, Timestamp,
};

use super::outbox::Outbox;

/// Tails that may be asked for again soon.
const RECENT: usize = 256;

thread_local! {
    static TAILS: RefCell<VecDeque<(Key, Rc<[u8]>)>> = const { RefCell::new(VecDeque::new()) };
}

/// What a tail is of.
#[derive(Clone, Copy, PartialEq, Eq)]
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
        message,
        details: None,
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

/// An event's tail.
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
        // The newest are asked for most.
        if let Some((_, tail)) = tails.iter().rev().find(|(one, _)| *one == key) {
            return Rc::clone(tail);
        }
        let tail: Rc<[u8]> = make().into();
        if tails.len() == RECENT {
            tails.pop_front();
        }
        tails.push_back((key, Rc::clone(&tail)));
        tail
    })
}

/// A frame without its opening brace.
fn tail(frame: &ServerFrame) -> Vec<u8> {
    let text = serde_json::to_vec(frame);
    // Frames are made of strings, numbers and lists; none of their types can fail.
    let mut text = text.unwrap_or_else(|_| b"{}".to_vec());
    text.remove(0);
    text
}
