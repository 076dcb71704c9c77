//! One socket: what its client says, and when it ends.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use actix_http::ws::CloseCode;
use actix_web::rt;
use actix_web::rt::task::JoinHandle;
use actix_web::rt::time::sleep_until;
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage, HttpRequest};
use bytes::Bytes;
use futures_util::StreamExt;
use impresario_api::{ClientFrame, ClosingData, Code, FrameBody};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::end::End;
use super::incoming::{Incoming, Said};
use super::outbox::Outbox;
use super::{frames, subscription, wish};
use crate::http::connection::{Connection, Permit};
use crate::http::errors::ApiError;
use crate::http::guards::SocketPass;
use crate::http::json::{self, Unreadable};
use crate::http::state::App;

/// Subscriptions on one socket.
const MOST_SUBSCRIPTIONS: usize = 256;
/// As many of these each socket may have whatever others have; beyond them it needs a permit.
const OWN_SUBSCRIPTIONS: usize = 8;
/// Frames in a row that are not understood.
const MOST_NONSENSE: u32 = 100;
/// How soon a token must come, where one is needed.
const AUTH_WITHIN: Duration = Duration::from_secs(5);
/// How often it is looked whether the client still reads.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A client that was told that its socket ends has so long to close it.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// As many bytes are read of it until then: what was on its way when it was told.
const LAST_BYTES: usize = 256 << 10;

/// So many frames are heard before everybody else of the worker goes. A text counts as that many: it may be
/// long, and ask for much.
const A_TURN: usize = 32;

/// A socket at work.
pub(super) struct Socket {
    app: Data<App>,
    /// That it may be here, and whether it may ask for anything.
    pass: SocketPass,
    outbox: Outbox,
    holds: Holds,
    incoming: Incoming,
    subscriptions: HashMap<String, Subscribed>,
    /// Frames in a row that were not understood.
    nonsense: u32,
    began: Instant,
    heard: Instant,
    pinged: Instant,
    /// When it is to be looked whether the client still reads.
    look: Instant,
}

/// What a socket has for as long as it lives.
pub(super) struct Holds {
    connection: Connection,
    /// Its permits: among all sockets, and among its client's requests where a proxy sent it on.
    _permits: [Option<Permit>; 2],
}

impl Holds {
    pub(super) fn of(app: &App, request: &HttpRequest) -> Result<Self, ApiError> {
        let connection = Connection::of(request)
            .ok_or_else(|| ApiError::internal("the request has no connection"))?;
        let permit = app.connections().socket();
        let permit = permit.ok_or_else(ApiError::too_many_connections)?;
        let as_request = request.extensions_mut().remove::<Permit>();
        Ok(Self {
            connection,
            _permits: [Some(permit), as_request],
        })
    }
}

/// A subscription at work.
struct Subscribed {
    task: JoinHandle<()>,
    /// It is one of those that the socket may have anyway.
    own: bool,
}

impl Socket {
    pub(super) fn new(app: Data<App>, pass: SocketPass, outbox: Outbox, holds: Holds) -> Self {
        let now = Instant::now();
        let trusted = pass.is_trusted();
        holds.connection.becomes_socket(trusted);
        Self {
            app,
            pass,
            outbox,
            holds,
            incoming: Incoming::new(trusted),
            subscriptions: HashMap::new(),
            nonsense: 0,
            began: now,
            heard: now,
            pinged: now,
            look: now + LOOK_EVERY,
        }
    }

    /// Serves it to its end.
    pub(super) async fn serve(mut self, mut payload: Payload) {
        let end = self.listen(&mut payload).await;
        for (_, subscribed) in self.subscriptions.drain() {
            subscribed.task.abort();
        }
        match end {
            End::Gone => {}
            End::Closed => self.outbox.close(CloseCode::Normal, ""),
            End::Close { code, reason } if self.reads() => {
                let told = ClosingData {
                    reason: reason.clone(),
                };
                frames::send(&self.outbox, None, FrameBody::Closing(told));
                self.outbox.close(code, &reason);
                // It closes in its turn, or is not waited for.
                let _ = timeout(LAST_WORDS, self.until_closed(&mut payload)).await;
            }
            // Whoever reads nothing hears no reason either.
            End::Stalled | End::Close { .. } => return self.holds.connection.abort(),
        }
        self.outbox.abandon();
        self.holds.connection.finish();
    }

    /// Until it is to end: why.
    async fn listen(&mut self, payload: &mut Payload) -> End {
        let mut leaving = self.app.sockets_leave();
        let mut heard = 0;
        loop {
            // Whoever floods without reading is not heard until it reads.
            while self.outbox.has_room() {
                let said = match self.incoming.next() {
                    Ok(Some(said)) => said,
                    Ok(None) => break,
                    Err(end) => return end,
                };
                heard += match &said {
                    Said::Text(_) => A_TURN,
                    _ => 1,
                };
                if let Err(end) = self.hear(said) {
                    return end;
                }
                if heard >= A_TURN {
                    heard = 0;
                    // A client that says much at once lets everybody else of this worker go in between,
                    // also those whose bytes have only just come.
                    yield_now().await;
                }
            }
            let hears = self.outbox.has_room();
            tokio::select! {
                bytes = payload.next(), if hears => {
                    let Some(Ok(bytes)) = bytes else { return End::Gone };
                    self.heard = Instant::now();
                    self.holds.connection.used();
                    self.incoming.feed(&bytes);
                }
                () = self.outbox.room(), if !hears => {}
                () = gone(&mut leaving) => {
                    return End::close(CloseCode::Away, "the server is shutting down");
                }
                () = sleep_until(self.look.into()) => {
                    if let Some(end) = self.look() {
                        return end;
                    }
                }
            }
            if self.outbox.is_over() {
                return End::Gone;
            }
        }
    }

    /// Whether the client is still there and reads. Nothing here waits for it.
    fn look(&mut self) -> Option<End> {
        let late = self.look.elapsed();
        self.look = Instant::now() + LOOK_EVERY;
        if late >= LOOK_EVERY {
            // The worker was busy, and what the client has said may not be read yet: that time is not the
            // client's.
            for time in [&mut self.began, &mut self.heard, &mut self.pinged] {
                *time += late;
            }
            return None;
        }
        let limits = self.app.socket_limits();
        if self.holds.connection.blocked_for() >= limits.stall {
            return Some(End::Stalled);
        }
        if !self.pass.is_trusted() {
            let late = self.began.elapsed() >= AUTH_WITHIN;
            return late.then(|| End::close(CloseCode::Policy, "no auth frame came in time"));
        }
        // Whoever is not heard cannot be heard answering.
        if self.outbox.has_room() && self.heard.elapsed() >= 2 * limits.ping_every + LOOK_EVERY {
            let reason = "no answer to the server's pings";
            return Some(End::close(CloseCode::Away, reason));
        }
        if self.pinged.elapsed() >= limits.ping_every && self.outbox.has_room() {
            self.pinged = Instant::now();
            self.outbox.ping();
        }
        None
    }

    /// Whether the client takes what is written.
    fn reads(&self) -> bool {
        self.holds.connection.blocked_for().is_zero()
    }

    /// Until the client has closed it, has gone or has sent too much; what else it says is not heard.
    async fn until_closed(&mut self, payload: &mut Payload) {
        let mut read = 0;
        while let Ok(said) = self.incoming.next() {
            match said {
                Some(Said::Close) => return,
                // Little waits here: what more has come is asked for below.
                Some(_) => {}
                None if read > LAST_BYTES => return,
                None => {
                    yield_now().await;
                    let Some(Ok(bytes)) = payload.next().await else {
                        return;
                    };
                    read += bytes.len();
                    self.holds.connection.used();
                    self.incoming.feed(&bytes);
                }
            }
        }
    }

    fn hear(&mut self, said: Said) -> Result<(), End> {
        match said {
            Said::Close => Err(End::Closed),
            Said::Text(text) => self.obey(&text),
            Said::Part => Ok(()),
            _ if !self.pass.is_trusted() => Err(not_yet()),
            Said::Pong => Ok(()),
            Said::Ping(payload) => {
                self.outbox.pong(&payload);
                Ok(())
            }
            Said::Binary => {
                let message = "expected a text frame with JSON, got a binary one".to_owned();
                self.misunderstood(Code::BadJson, message)
            }
        }
    }

    fn obey(&mut self, text: &Bytes) -> Result<(), End> {
        if std::str::from_utf8(text).is_err() {
            return Err(End::close(CloseCode::Invalid, "a text frame is not UTF-8"));
        }
        let frame = match read(text) {
            Ok(ClientFrame::Auth { token }) => return self.trust(&token),
            _ if !self.pass.is_trusted() => return Err(not_yet()),
            Ok(frame) => frame,
            Err((code, message)) => return self.misunderstood(code, message),
        };
        self.nonsense = 0;
        match frame {
            ClientFrame::Unsubscribe { sub } => self.unsubscribe(&sub),
            subscribe @ ClientFrame::Subscribe { .. } => {
                if let Err((sub, code, message)) = self.subscribe(subscribe) {
                    frames::error(&self.outbox, wish::named(&sub), code, message);
                }
            }
            ClientFrame::Auth { .. } | ClientFrame::Ping {} => {
                frames::send(&self.outbox, None, FrameBody::Pong(frames::nothing()));
            }
        }
        Ok(())
    }

    /// Answered by an error; whoever says nothing else is not answered for ever.
    fn misunderstood(&mut self, code: Code, message: String) -> Result<(), End> {
        self.nonsense += 1;
        if self.nonsense > MOST_NONSENSE {
            let reason = format!("more than {MOST_NONSENSE} frames in a row were not understood");
            return Err(End::close(CloseCode::Policy, reason));
        }
        frames::error(&self.outbox, None, code, message);
        Ok(())
    }

    fn trust(&mut self, token: &str) -> Result<(), End> {
        if !self.pass.learn(token) {
            return Err(End::close(CloseCode::Policy, "the token is not known"));
        }
        self.incoming.trust();
        self.holds.connection.becomes_socket(true);
        Ok(())
    }

    fn unsubscribe(&mut self, sub: &str) {
        if let Some(subscribed) = self.subscriptions.remove(sub) {
            subscribed.task.abort();
            let told = FrameBody::Unsubscribed(frames::nothing());
            frames::send(&self.outbox, Some(sub), told);
        } else {
            let name = wish::named(sub);
            let message = match name {
                Some(name) => format!("there is no subscription \"{name}\""),
                None => wish::EXPECTED_NAME.to_owned(),
            };
            frames::error(&self.outbox, name, Code::SubNotFound, message);
        }
    }

    fn subscribe(&mut self, frame: ClientFrame) -> Result<(), (String, Code, String)> {
        // One that ended by itself (its operation is not there) frees its name.
        self.subscriptions
            .retain(|_, subscribed| !subscribed.task.is_finished());
        let wish = wish::wish(frame).map_err(|(sub, message)| (sub, Code::BadRequest, message))?;
        let sub = wish.sub.clone();
        if self.subscriptions.contains_key(&sub) {
            let message =
                format!("\"{sub}\" is in use; unsubscribe it first, or take another name");
            return Err((sub, Code::SubInUse, message));
        }
        if self.subscriptions.len() >= MOST_SUBSCRIPTIONS {
            let message = format!("a socket has at most {MOST_SUBSCRIPTIONS} subscriptions");
            return Err((sub, Code::TooManySubscriptions, message));
        }
        let own = self.subscriptions.values().filter(|one| one.own).count() < OWN_SUBSCRIPTIONS;
        let permit = (!own).then(|| self.app.connections().subscription());
        if let Some(None) = permit {
            let message = format!(
                "all sockets together have as many subscriptions as there may be beyond {OWN_SUBSCRIPTIONS} of each; try again later, or subscribe to more with one filter"
            );
            return Err((sub, Code::TooManySubscriptions, message));
        }
        let orchestrator = self.app.orchestrator.clone();
        let tasks = self.app.orchestrator.tasks();
        let serving =
            subscription::serve(orchestrator, self.outbox.clone(), wish, permit.flatten());
        let task = rt::spawn(tasks.over(serving));
        self.subscriptions.insert(sub, Subscribed { task, own });
        Ok(())
    }
}

/// A frame, or the code and the message of its error. What serde makes of an object it makes of a
/// list of its fields as well, which is none.
fn read(text: &[u8]) -> Result<ClientFrame, (Code, String)> {
    let value = json::read(text).map_err(|why| match why {
        Unreadable::NotJson(error) => (Code::BadJson, error.to_string()),
        Unreadable::FieldTwice(path) => {
            (Code::BadRequest, format!("{path}: it stands there twice"))
        }
    })?;
    if value.is_array() || value.get("filter").is_some_and(Value::is_array) {
        let message = "expected an object, got an array".to_owned();
        return Err((Code::BadRequest, message));
    }
    serde_json::from_value(value).map_err(|error| (Code::BadRequest, error.to_string()))
}

fn not_yet() -> End {
    End::close(
        CloseCode::Policy,
        "the first frame must be {\"type\": \"auth\", \"token\": …}",
    )
}

/// When the server goes.
async fn gone(leaving: &mut watch::Receiver<bool>) {
    // The sender lives as long as the app that this socket holds.
    let _ = leaving.wait_for(|leaving| *leaving).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_an_object_with_each_field_once_and_so_is_its_filter() {
        for frame in [
            r#"["ping"]"#,
            r#" ["auth", "annas-token-of-28-characters"]"#,
            r#"["subscribe", "a", null, {}]"#,
            r#"{"type": "subscribe", "sub": "a", "filter": []}"#,
            r#"{"type": "ping", "type": "ping"}"#,
            r#"{"type": "subscribe", "sub": "a", "filter": [["dummy"], null]}"#,
        ] {
            let refused = read(frame.as_bytes()).err().map(|(code, _)| code);
            assert_eq!(refused, Some(Code::BadRequest), "{frame}");
        }
        for frame in [
            r#"{"type": "ping"}"#,
            r#"{"type": "subscribe", "sub": "a", "filter": {"kind": ["dummy"]}}"#,
        ] {
            assert!(read(frame.as_bytes()).is_ok(), "{frame}");
        }
    }
}
