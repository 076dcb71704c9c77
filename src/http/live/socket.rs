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
use impresario_api::json::{self, Unreadable};
use impresario_api::{ClientFrame, ClosingData, Code, FrameBody};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::end::End;
use super::incoming::{Incoming, Message};
use super::outbox::Outbox;
use super::{frames, request, subscription};
use crate::http::connection::{Connection, Permit};
use crate::http::errors::ApiError;
use crate::http::guards::SocketPass;
use crate::http::state::App;

/// Subscriptions on one socket.
const MOST_SUBSCRIPTIONS: usize = 256;
/// How many subscriptions each socket may have whatever others have; each one beyond needs a permit.
const OWN_SUBSCRIPTIONS: usize = 8;
/// Frames in a row that are not understood.
const MOST_UNRECOGNIZED: u32 = 100;
/// How soon a token must come where one is needed.
const AUTH_TIMEOUT: Duration = Duration::from_secs(5);
/// How often it is checked whether the client still reads.
const CHECK_EVERY: Duration = Duration::from_millis(500);
/// How long a client that was told that its socket ends has to close it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How many bytes are read of it until then: what was on its way when it was told.
const LAST_BYTES: usize = 256 << 10;

/// So many frames are handled before everybody else of the worker goes. A text counts as that many: it may
/// be long, and ask for much.
const A_TURN: usize = 32;

/// A socket at work.
pub(super) struct Socket {
    app: Data<App>,
    /// That it may be here, and whether it may ask for anything.
    pass: SocketPass,
    outbox: Outbox,
    handle: SocketHandle,
    incoming: Incoming,
    subscriptions: HashMap<String, Subscribed>,
    /// Frames in a row that were not understood.
    unrecognized: u32,
    began: Instant,
    heard: Instant,
    pinged: Instant,
    /// When it is checked next whether the client still reads.
    next_check: Instant,
}

/// What a socket holds for as long as it lives.
pub(super) struct SocketHandle {
    connection: Connection,
    /// Its permits: among all sockets, and among its client's requests where a proxy sent it on.
    _permits: [Option<Permit>; 2],
}

impl SocketHandle {
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
    pub(super) fn new(
        app: Data<App>,
        pass: SocketPass,
        outbox: Outbox,
        handle: SocketHandle,
    ) -> Self {
        let now = Instant::now();
        let trusted = pass.is_trusted();
        handle.connection.becomes_socket(trusted);
        Self {
            app,
            pass,
            outbox,
            handle,
            incoming: Incoming::new(trusted),
            subscriptions: HashMap::new(),
            unrecognized: 0,
            began: now,
            heard: now,
            pinged: now,
            next_check: now + CHECK_EVERY,
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
                let _ = timeout(CLOSE_TIMEOUT, self.until_closed(&mut payload)).await;
            }
            // Whoever reads nothing hears no reason either.
            End::Stalled | End::Close { .. } => return self.handle.connection.abort(),
        }
        self.outbox.abandon();
        self.handle.connection.finish();
    }

    /// Serves the socket until it is to end, and says why it ends.
    async fn listen(&mut self, payload: &mut Payload) -> End {
        let mut leaving = self.app.sockets_leave();
        let mut heard = 0;
        loop {
            // Whoever floods without reading is not heard until it reads.
            while self.outbox.has_room() {
                let message = match self.incoming.next() {
                    Ok(Some(message)) => message,
                    Ok(None) => break,
                    Err(end) => return end,
                };
                heard += match &message {
                    Message::Text(_) => A_TURN,
                    _ => 1,
                };
                if let Err(end) = self.handle_message(message) {
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
                    self.handle.connection.used();
                    self.incoming.feed(&bytes);
                }
                () = self.outbox.room(), if !hears => {}
                () = gone(&mut leaving) => {
                    return End::close(CloseCode::Away, "the server is shutting down");
                }
                () = sleep_until(self.next_check.into()) => {
                    if let Some(end) = self.check_client() {
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
    fn check_client(&mut self) -> Option<End> {
        let late = self.next_check.elapsed();
        self.next_check = Instant::now() + CHECK_EVERY;
        if late >= CHECK_EVERY {
            // The worker was busy, and what the client has said may not be read yet: that time is not the
            // client's.
            for time in [&mut self.began, &mut self.heard, &mut self.pinged] {
                *time += late;
            }
            return None;
        }
        let limits = self.app.socket_limits();
        if self.handle.connection.blocked_for() >= limits.stall {
            return Some(End::Stalled);
        }
        if !self.pass.is_trusted() {
            let late = self.began.elapsed() >= AUTH_TIMEOUT;
            return late.then(|| End::close(CloseCode::Policy, "no auth frame came in time"));
        }
        // Whoever is not heard cannot be heard answering.
        if self.outbox.has_room() && self.heard.elapsed() >= 2 * limits.ping_every + CHECK_EVERY {
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
        self.handle.connection.blocked_for().is_zero()
    }

    /// Until the client has closed it, has gone or has sent too much; what else it says is not heard.
    async fn until_closed(&mut self, payload: &mut Payload) {
        let mut read = 0;
        while let Ok(message) = self.incoming.next() {
            match message {
                Some(Message::Close) => return,
                // Little waits here: what more has come is asked for below.
                Some(_) => {}
                None if read > LAST_BYTES => return,
                None => {
                    yield_now().await;
                    let Some(Ok(bytes)) = payload.next().await else {
                        return;
                    };
                    read += bytes.len();
                    self.handle.connection.used();
                    self.incoming.feed(&bytes);
                }
            }
        }
    }

    fn handle_message(&mut self, message: Message) -> Result<(), End> {
        match message {
            Message::Close => Err(End::Closed),
            Message::Text(text) => self.handle_text(&text),
            Message::Part => Ok(()),
            _ if !self.pass.is_trusted() => Err(unauthenticated()),
            Message::Pong => Ok(()),
            Message::Ping(payload) => {
                self.outbox.pong(&payload);
                Ok(())
            }
            Message::Binary => {
                let message = "expected a text frame with JSON, got a binary one".to_owned();
                self.reject_frame(None, Code::BadJson, message)
            }
        }
    }

    fn handle_text(&mut self, text: &Bytes) -> Result<(), End> {
        if std::str::from_utf8(text).is_err() {
            return Err(End::close(CloseCode::Invalid, "a text frame is not UTF-8"));
        }
        let frame = match read(text) {
            Ok(ClientFrame::Auth { token }) => return self.authenticate(&token),
            _ if !self.pass.is_trusted() => return Err(unauthenticated()),
            Ok(frame) => frame,
            Err((code, message)) => return self.reject_frame(sub_of(text), code, message),
        };
        self.unrecognized = 0;
        match frame {
            ClientFrame::Unsubscribe { sub } => self.unsubscribe(&sub),
            subscribe @ ClientFrame::Subscribe { .. } => {
                if let Err((sub, code, message)) = self.subscribe(subscribe) {
                    frames::error(&self.outbox, request::named(&sub), code, message);
                }
            }
            ClientFrame::Auth { .. } | ClientFrame::Ping {} => {
                frames::send(&self.outbox, None, FrameBody::Pong(frames::nothing()));
            }
        }
        Ok(())
    }

    /// Answers a frame by an error; a client that sends nothing else is not answered for ever.
    fn reject_frame(
        &mut self,
        sub: Option<String>,
        code: Code,
        message: String,
    ) -> Result<(), End> {
        self.unrecognized += 1;
        if self.unrecognized > MOST_UNRECOGNIZED {
            let reason =
                format!("more than {MOST_UNRECOGNIZED} frames in a row were not understood");
            return Err(End::close(CloseCode::Policy, reason));
        }
        let sub = sub.as_deref().and_then(request::named);
        frames::error(&self.outbox, sub, code, message);
        Ok(())
    }

    fn authenticate(&mut self, token: &str) -> Result<(), End> {
        if !self.pass.authenticate(token) {
            return Err(End::close(CloseCode::Policy, "the token is not known"));
        }
        self.incoming.trust();
        self.handle.connection.becomes_socket(true);
        Ok(())
    }

    fn unsubscribe(&mut self, sub: &str) {
        if let Some(subscribed) = self.subscriptions.remove(sub) {
            subscribed.task.abort();
            let told = FrameBody::Unsubscribed(frames::nothing());
            frames::send(&self.outbox, Some(sub), told);
        } else {
            let name = request::named(sub);
            let message = match name {
                Some(name) => format!("there is no subscription \"{name}\""),
                None => request::EXPECTED_NAME.to_owned(),
            };
            frames::error(&self.outbox, name, Code::SubNotFound, message);
        }
    }

    fn subscribe(&mut self, frame: ClientFrame) -> Result<(), (String, Code, String)> {
        // One that ended by itself (its operation is not there) frees its name.
        self.subscriptions
            .retain(|_, subscribed| !subscribed.task.is_finished());
        let request =
            request::parse(frame).map_err(|(sub, message)| (sub, Code::BadRequest, message))?;
        let sub = request.sub.clone();
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
            subscription::serve(orchestrator, self.outbox.clone(), request, permit.flatten());
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

/// The name of the subscription that a frame is about which is not understood otherwise. A name that
/// comes twice is none.
fn sub_of(text: &[u8]) -> Option<String> {
    let frame: Value = match json::read(text) {
        Ok(frame) => frame,
        Err(Unreadable::FieldTwice(path)) if path != "sub" => serde_json::from_slice(text).ok()?,
        Err(_) => return None,
    };
    frame.get("sub")?.as_str().map(str::to_owned)
}

fn unauthenticated() -> End {
    End::close(
        CloseCode::Policy,
        "the first frame must be {\"type\": \"auth\", \"token\": …}",
    )
}

/// Waits until the server shuts down.
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
