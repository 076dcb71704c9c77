//! The feed over a live socket. When a lost socket is opened again, the missed events come first.

use std::thread;
use std::time::{Duration, Instant};

use impresario_api::{
    ClientFrame, Code, Event, EventBody, EventType, FrameBody, OperationView, ServerFrame, Snapshot,
};
use serde_json::Value;

use super::socket::{Came, Refused, Socket};
use super::{ANSWER, Arrival, EVERY, Feed, RETRY};
use crate::error::Error;

/// The subscription's name. Each socket has only one.
const SUB: &str = "it";
/// How often the view of a waiting operation is read, because its place in the queue changes without an
/// event.
const REFRESH: Duration = Duration::from_secs(1);

/// How one socket ends.
enum End {
    /// The operation has ended, the follower does not listen any more, or the feed has given up.
    Over,
    Lost(Error),
    /// The socket was opened, but nothing arrived on it.
    Mute,
}

/// What is known of the operation.
struct Known {
    view: OperationView,
    /// When the view was read: the clock on the screen goes on from there.
    at: Instant,
    asked_at: Instant,
    /// Whether something has happened that the view does not include, because the server did not answer.
    is_stale: bool,
}

impl<T: Fn(Arrival) -> bool> Feed<T> {
    /// Follows over sockets. Returns whether that was possible.
    pub(super) fn follow_live(&mut self) -> bool {
        let mut since = None;
        let mut was_live = false;
        loop {
            let error = match Socket::open(&self.client) {
                Ok(socket) => match self.hear(socket, &mut since) {
                    End::Over => return true,
                    End::Mute if !was_live => return false,
                    End::Mute => self.client.unreachable("no answer in time".to_owned()),
                    End::Lost(error) => {
                        was_live = true;
                        error
                    }
                },
                Err(Refused::NoSocket) => return false,
                Err(Refused::Lost(error)) => error,
            };
            if !self.lost(error) {
                return true;
            }
            thread::sleep(RETRY);
        }
    }

    /// Follows over one socket until it ends.
    fn hear(&mut self, mut socket: Socket, since: &mut Option<u64>) -> End {
        if let Err(error) = socket.send(&self.subscribe(*since)) {
            return End::Lost(error);
        }
        let opened = Instant::now();
        let (mut heard, mut known) = (false, None);
        loop {
            let end = match socket.read(EVERY) {
                Came::Frame(raw) => {
                    heard = true;
                    self.frame(raw, since, &mut known)
                }
                Came::Nothing if !heard && opened.elapsed() > ANSWER => Some(End::Mute),
                Came::Nothing => self.nothing_new(&mut known),
                Came::Lost(error) => Some(End::Lost(error)),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// The subscription; with few types of events if only the end is of interest.
    fn subscribe(&self, since: Option<u64>) -> ClientFrame {
        let few = || vec![EventType::Status, EventType::Resumed];
        ClientFrame::Subscribe {
            sub: SUB.to_owned(),
            operation_id: Some(self.id),
            filter: None,
            // The metrics are drawn from the first one on.
            since: since.or_else(|| self.wants_events.then_some(0)),
            events: (!self.wants_events).then(few),
            progress_ms: None,
        }
    }

    fn frame(
        &mut self,
        mut raw: Value,
        since: &mut Option<u64>,
        known: &mut Option<Known>,
    ) -> Option<End> {
        // A client ignores frames that it does not know.
        let frame: ServerFrame = serde_json::from_value(raw.clone()).ok()?;
        let listens = match frame.body {
            FrameBody::Snapshot(Snapshot::View(view)) => {
                *since = Some(view.row.seq.max(since.unwrap_or(0)));
                let raw = raw.get_mut("data").map(Value::take).unwrap_or_default();
                return self.stands(*view, raw, known);
            }
            FrameBody::Progress(progress) => {
                let known = known.as_mut()?;
                known.view.row.progress = Some(progress);
                self.show(known)
            }
            FrameBody::Subscribed(_) => self.found(),
            FrameBody::Error(body) if body.code == Code::SinceAhead.as_str() => {
                // The server has fewer events than before. A snapshot comes next.
                *since = None;
                true
            }
            FrameBody::Error(body) if body.retryable => {
                return Some(End::Lost(Error::Api { body }));
            }
            FrameBody::Error(body) => self.over(Error::Api { body }),
            FrameBody::Closing(data) => {
                return Some(End::Lost(Error::ConnectionLost { why: data.reason }));
            }
            _ => return self.event(raw, since, known),
        };
        (!listens).then_some(End::Over)
    }

    fn event(
        &mut self,
        raw: Value,
        since: &mut Option<u64>,
        known: &mut Option<Known>,
    ) -> Option<End> {
        let event: Event = serde_json::from_value(raw).ok()?;
        *since = Some(event.seq);
        let is_small = matches!(event.body, EventBody::Metric(_) | EventBody::Log(_));
        if self.wants_events && !self.report(event) {
            return Some(End::Over);
        }
        // Events before the snapshot are history, and a metric or a log line changes no view.
        if known.is_none() || is_small {
            return None;
        }
        self.ask(known)
    }

    /// Nothing came for a while, so only the clock goes on.
    fn nothing_new(&mut self, known: &mut Option<Known>) -> Option<End> {
        let now = known.as_mut()?;
        let waits = self.wants_events && !now.view.row.status.is_dispatched();
        let age = now.asked_at.elapsed();
        if (waits && age > REFRESH) || (now.is_stale && age > RETRY) {
            return self.ask(known);
        }
        (!self.show(now)).then_some(End::Over)
    }

    /// Reads the whole view, because an event changes more than it says.
    fn ask(&mut self, known: &mut Option<Known>) -> Option<End> {
        match self.view() {
            Ok((view, raw)) => self.stands(view, raw, known),
            // Whether the server can be reached is decided by the socket.
            Err(error) if error.may_pass() => {
                if let Some(known) = known {
                    (known.is_stale, known.asked_at) = (true, Instant::now());
                }
                None
            }
            Err(error) => {
                self.over(error);
                Some(End::Over)
            }
        }
    }

    /// Takes in the operation as it is now.
    fn stands(
        &mut self,
        view: OperationView,
        raw: Value,
        known: &mut Option<Known>,
    ) -> Option<End> {
        let has_ended = view.row.status.is_ended();
        let now = Instant::now();
        let listens = (self.tell)(Arrival::View(Box::new(view.clone()), raw));
        *known = Some(Known {
            view,
            at: now,
            asked_at: now,
            is_stale: false,
        });
        (has_ended || !listens).then_some(End::Over)
    }

    /// Reports the view with its clock set to now.
    fn show(&self, known: &mut Known) -> bool {
        let now = Instant::now();
        let passed = now - std::mem::replace(&mut known.at, now);
        let row = &mut known.view.row;
        if row.status.is_dispatched() {
            row.elapsed_seconds += passed.as_secs_f64();
        }
        let millis = i64::try_from(passed.as_millis()).unwrap_or(0);
        row.server_time = row.server_time.plus_millis(millis);
        (self.tell)(Arrival::View(Box::new(known.view.clone()), Value::Null))
    }
}
