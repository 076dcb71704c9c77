//! One socket: what its client says, and when it ends.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use actix_http::ws::{CloseCode, Codec, Frame, Item, ProtocolError};
use actix_web::rt;
use actix_web::rt::task::JoinHandle;
use actix_web::rt::time::{Interval, interval};
use actix_web::web::{Data, Payload};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use impresario::{Counted, Interest};
use impresario_api::{ClientFrame, ClosingData, Code, Filter, FrameBody};
use tokio::sync::watch;
use tokio_util::codec::Decoder;

use super::frames;
use super::outbox::Outbox;
use super::subscription::{self, Wish};
use crate::app::App;
use crate::http::guards::SocketPass;

/// The longest frame of a client.
const MOST_BYTES: usize = 64 << 10;
/// Subscriptions on one socket.
const MOST_SUBSCRIPTIONS: usize = 256;
/// How soon a token must come, where one is needed.
const AUTH_WITHIN: Duration = Duration::from_secs(5);
/// How often it is looked whether the client still reads.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A closed socket's last frames get so long.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Unless the client says otherwise.
const PROGRESS_EVERY: u64 = 100;
/// Why a socket ends, as its client hears it.
struct End {
    code: CloseCode,
    reason: String,
}

impl End {
    fn new(code: CloseCode, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { code, reason }
    }
}

/// A socket at work.
pub(super) struct Socket {
    app: Data<App>,
    /// That it may be here, and whether it may ask for anything.
    pass: SocketPass,
    outbox: Outbox,
    subscriptions: HashMap<String, JoinHandle<()>>,
    /// A text that comes in several frames.
    text: Option<BytesMut>,
    began: Instant,
    heard: Instant,
    pinged: Instant,
    _counted: Counted,
}

impl Socket {
    pub(super) fn new(
        app: Data<App>,
        pass: SocketPass,
        outbox: Outbox,
        counted: Counted,
    ) -> Self {
        let now = Instant::now();
        Self {
            app,
            pass,
            outbox,
            subscriptions: HashMap::new(),
            text: None,
            began: now,
            heard: now,
            pinged: now,
            _counted: counted,
        }
    }

    /// Serves it to its end.
    pub(super) async fn serve(mut self, payload: Payload) {
        let end = self.listen(payload).await;
        for (_, task) in self.subscriptions.drain() {
            task.abort();
        }
        if let Some(End { code, reason }) = end {
            let closing = ClosingData {
                reason: reason.clone(),
            };
            frames::send(&self.outbox, None, FrameBody::Closing(closing));
            self.outbox.close(code, &reason);
        } else {
            // Its close was echoed, or there is nobody left.
            self.outbox.close(CloseCode::Normal, "");
        }
        // What a client that does not read has not taken by then is dropped with the connection.
        let outbox = self.outbox.clone();
        let tasks = self.app.orchestrator.tasks();
        rt::spawn(tasks.over(async move {
            rt::time::sleep(LAST_WORDS).await;
            outbox.abandon();
        }));
    }

    /// Until it is to end: why; `None` when the client itself has closed it or gone.
    async fn listen(&mut self, mut payload: Payload) -> Option<End> {
        let mut leaving = self.app.leaving();
        let mut look: Interval = interval(LOOK_EVERY);
        let mut codec = Codec::new().max_size(MOST_BYTES);
        let mut buffer = BytesMut::new();
        loop {
            tokio::select! {
                bytes = payload.next() => {
                    let Some(Ok(bytes)) = bytes else { return None };
                    buffer.extend_from_slice(&bytes);
                    self.heard = Instant::now();
                    match self.read(&mut codec, &mut buffer).await {
                        Ok(true) => {}
                        Ok(false) => return None,
                        Err(end) => return Some(end),
                    }
                }
                () = gone(&mut leaving) => {
                    return Some(End::new(CloseCode::Away, "the server is shutting down"));
                }
                _ = look.tick() => {
                    if let Some(end) = self.look() {
                        return Some(end);
                    }
                }
            }
            if self.outbox.is_over() {
                return None;
            }
        }
    }

    /// Whether the client is still there and reads.
    fn look(&mut self) -> Option<End> {
        let limits = self.app.socket_limits();
        if self.outbox.stalled() >= limits.stall {
            let reason = format!("nothing was read for {} s", limits.stall.as_secs_f64());
            return Some(End::new(CloseCode::Again, reason));
        }
        if !self.pass.is_trusted() && self.began.elapsed() >= AUTH_WITHIN {
            return Some(End::new(CloseCode::Policy, "no auth frame came in time"));
        }
        if self.heard.elapsed() >= 2 * limits.ping_every + LOOK_EVERY {
            return Some(End::new(CloseCode::Away, "no answer to the server's pings"));
        }
        if self.pinged.elapsed() >= limits.ping_every {
            self.pinged = Instant::now();
            self.outbox.ping();
        }
        None
    }

    /// Every whole frame in the buffer; false when the client has closed.
    async fn read(&mut self, codec: &mut Codec, buffer: &mut BytesMut) -> Result<bool, End> {
        while let Some(frame) = codec.decode(buffer).map_err(|error| broken(&error))? {
            let text = match frame {
                Frame::Text(text) => text,
                Frame::Continuation(part) => match self.join(part)? {
                    Some(text) => text,
                    None => continue,
                },
                Frame::Ping(payload) => {
                    self.outbox.pong(&payload);
                    continue;
                }
                Frame::Pong(_) => continue,
                Frame::Close(_) => return Ok(false),
                Frame::Binary(_) => {
                    let message = "expected a text frame with JSON, got a binary one".to_owned();
                    frames::error(&self.outbox, None, Code::BadJson, message);
                    continue;
                }
            };
            let Ok(text) = std::str::from_utf8(&text) else {
                return Err(End::new(CloseCode::Invalid, "a text frame is not UTF-8"));
            };
            self.obey(text)?;
            // Who floods without reading waits here.
            if !self.outbox.room().await {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A text in several frames: whole with the last one.
    fn join(&mut self, part: Item) -> Result<Option<Bytes>, End> {
        let (bytes, last) = match part {
            Item::FirstText(bytes) => {
                self.text = Some(BytesMut::new());
                (bytes, false)
            }
            Item::FirstBinary(_) => {
                return Err(End::new(
                    CloseCode::Unsupported,
                    "binary frames are not understood",
                ));
            }
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let text = self.text.get_or_insert_default();
        if text.len() + bytes.len() > MOST_BYTES {
            return Err(too_long());
        }
        text.extend_from_slice(&bytes);
        Ok(last.then(|| self.text.take().unwrap_or_default().freeze()))
    }

    fn obey(&mut self, text: &str) -> Result<(), End> {
        let frame = match serde_json::from_str(text) {
            Ok(frame) => frame,
            Err(error) => {
                let code = if error.is_data() {
                    Code::BadRequest
                } else {
                    Code::BadJson
                };
                frames::error(&self.outbox, None, code, error.to_string());
                return Ok(());
            }
        };
        match frame {
            ClientFrame::Auth { token } => self.trust(&token),
            _ if !self.pass.is_trusted() => Err(End::new(
                CloseCode::Policy,
                "the first frame must be {\"type\": \"auth\", \"token\": …}",
            )),
            ClientFrame::Ping {} => {
                frames::send(&self.outbox, None, FrameBody::Pong(frames::nothing()));
                Ok(())
            }
            ClientFrame::Unsubscribe { sub } => {
                self.unsubscribe(&sub);
                Ok(())
            }
            subscribe @ ClientFrame::Subscribe { .. } => {
                if let Err((sub, code, message)) = self.subscribe(subscribe) {
                    frames::error(&self.outbox, Some(&sub), code, message);
                }
                Ok(())
            }
        }
    }

    fn trust(&mut self, token: &str) -> Result<(), End> {
        if self.pass.learn(token) {
            return Ok(());
        }
        Err(End::new(CloseCode::Policy, "the token is not known"))
    }

    fn unsubscribe(&mut self, sub: &str) {
        if let Some(task) = self.subscriptions.remove(sub) {
            task.abort();
            let told = FrameBody::Unsubscribed(frames::nothing());
            frames::send(&self.outbox, Some(sub), told);
        } else {
            let message = format!("there is no subscription \"{sub}\"");
            frames::error(&self.outbox, Some(sub), Code::SubNotFound, message);
        }
    }

    fn subscribe(&mut self, frame: ClientFrame) -> Result<(), (String, Code, String)> {
        // One that ended by itself (its operation is not there) frees its name.
        self.subscriptions.retain(|_, task| !task.is_finished());
        let wish = wish(frame).map_err(|(sub, message)| (sub, Code::BadRequest, message))?;
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
        let orchestrator = self.app.orchestrator.clone();
        let tasks = self.app.orchestrator.tasks();
        let serving = subscription::serve(orchestrator, self.outbox.clone(), wish);
        let task = rt::spawn(tasks.over(serving));
        self.subscriptions.insert(sub, task);
        Ok(())
    }
}

/// What a subscribe frame asks for, or its name and what is wrong with it.
fn wish(frame: ClientFrame) -> Result<Wish, (String, String)> {
    let ClientFrame::Subscribe {
        sub,
        operation_id,
        filter,
        since,
        events,
        progress_ms,
    } = frame
    else {
        return Err((String::new(), "expected a subscribe frame".to_owned()));
    };
    let wrong = |message: String| (sub.clone(), message);
    if !(1..=64).contains(&sub.chars().count()) {
        return Err(wrong("sub: expected 1 to 64 characters".to_owned()));
    }
    let interest = match (operation_id, filter) {
        (Some(id), None) => Interest::Operation(id),
        (None, Some(filter)) => matching(filter).map_err(wrong)?,
        _ => return Err(wrong("expected either operation_id or filter".to_owned())),
    };
    let every = progress_ms.unwrap_or(PROGRESS_EVERY);
    if !(100..=10_000).contains(&every) {
        return Err(wrong(format!(
            "progress_ms: expected 100 to 10000, got {every}"
        )));
    }
    Ok(Wish {
        sub,
        interest,
        since,
        types: events,
        progress_every: Duration::from_millis(every),
    })
}

fn matching(filter: Filter) -> Result<Interest, String> {
    let label = filter.label.map(|label| match label.split_once(':') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("filter.label: expected key:value, got \"{label}\"")),
    });
    Ok(Interest::Matching {
        kinds: filter.kind.unwrap_or_default(),
        label: label.transpose()?,
    })
}

fn too_long() -> End {
    End::new(
        CloseCode::Size,
        format!("a frame has more than {MOST_BYTES} bytes"),
    )
}

/// A frame that is none.
fn broken(error: &ProtocolError) -> End {
    match error {
        ProtocolError::Overflow => too_long(),
        other => End::new(CloseCode::Protocol, other.to_string()),
    }
}

/// When the server goes.
async fn gone(leaving: &mut watch::Receiver<bool>) {
    // The sender lives as long as the app that this socket holds.
    let _ = leaving.wait_for(|leaving| *leaving).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wished(text: &str) -> Result<Wish, String> {
        let frame = serde_json::from_str(text).map_err(|error| error.to_string())?;
        wish(frame).map_err(|(_, message)| message)
    }

    #[test]
    fn a_subscription_names_one_operation_or_a_filter() {
        let one = r#"{"type": "subscribe", "sub": "a", "operation_id": "op_0k3j9x7q2m4tz"}"#;
        assert!(matches!(
            wished(one).map(|wish| wish.interest),
            Ok(Interest::Operation(_))
        ));
        let all =
            r#"{"type": "subscribe", "sub": "a", "filter": {}, "since": 7, "progress_ms": 500}"#;
        let wish = wished(all).expect("a wish");
        assert_eq!(
            (wish.since, wish.progress_every),
            (Some(7), Duration::from_millis(500))
        );
        let some = r#"{"type": "subscribe", "sub": "a", "filter": {"kind": ["dummy"], "label": "team:a:b"}}"#;
        let Ok(Interest::Matching { kinds, label }) = wished(some).map(|wish| wish.interest) else {
            panic!("a filter");
        };
        assert_eq!(
            (kinds, label),
            (
                vec!["dummy".to_owned()],
                Some(("team".to_owned(), "a:b".to_owned()))
            )
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (rest, named) in [
            ("", "either operation_id or filter"),
            (
                r#", "filter": {}, "operation_id": "op_0k3j9x7q2m4tz""#,
                "either",
            ),
            (r#", "operation_id": "op_1""#, "expected op_"),
            (r#", "filter": {"label": "team"}"#, "key:value"),
            (r#", "filter": {"colour": "red"}"#, "colour"),
            (r#", "filter": {}, "progress_ms": 10"#, "100 to 10000"),
            (r#", "filter": {}, "events": ["metrics"]"#, "metrics"),
            (r#", "filter": {}, "since": -1"#, "-1"),
        ] {
            let text = format!("{{\"type\": \"subscribe\", \"sub\": \"a\"{rest}}}");
            let message = wished(&text).err().unwrap_or_default();
            assert!(message.contains(named), "{text}: {message}");
        }
        let empty = wished(r#"{"type": "subscribe", "sub": "", "filter": {}}"#);
        assert!(empty.is_err_and(|message| message.contains("1 to 64")));
    }
}
