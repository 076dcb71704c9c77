//! A client: frames out, frames in.

use std::net::TcpStream;

use impresario_api::ServerFrame;
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Response;
use tungstenite::http::HeaderValue;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message, WebSocket};

use crate::support::{LONG, Server};

pub(crate) struct Live {
    pub(crate) socket: WebSocket<TcpStream>,
}

/// Opens one, with these headers.
pub(crate) fn open(server: &Server, headers: &[(&'static str, &str)]) -> Result<Live, Box<Error>> {
    let url = format!("ws://{}/api/v1/ws", server.address);
    open_at(&server.address, &url, headers)
}

/// The same over whoever listens at this address.
pub(crate) fn open_at(
    address: &str,
    url: &str,
    headers: &[(&'static str, &str)],
) -> Result<Live, Box<Error>> {
    let mut request = url.into_client_request().expect("a request");
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).expect("a header");
        request.headers_mut().insert(*name, value);
    }
    let stream = TcpStream::connect(address).expect("it listens");
    stream
        .set_read_timeout(Some(LONG))
        .expect("a socket has a timeout");
    let shaken: Result<(WebSocket<TcpStream>, Response), _> = tungstenite::client(request, stream);
    match shaken {
        Ok((socket, _)) => Ok(Live { socket }),
        Err(tungstenite::HandshakeError::Failure(error)) => Err(Box::new(error)),
        Err(interrupted) => panic!("the handshake hangs: {interrupted:?}"),
    }
}

impl Live {
    pub(crate) fn new(server: &Server) -> Self {
        open(server, &[]).expect("a socket")
    }

    pub(crate) fn say(&mut self, frame: &Value) {
        self.text(&frame.to_string());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("it is open");
    }

    /// Subscribes and waits until that stands.
    pub(crate) fn subscribe(&mut self, sub: &str, what: Value) {
        let mut frame = json!({"type": "subscribe", "sub": sub});
        for (key, value) in what.as_object().expect("fields") {
            frame[key] = value.clone();
        }
        self.say(&frame);
        let answer = self.of_type("subscribed");
        assert_eq!(answer["sub"], sub);
    }

    /// The next frame; every one is as the contract's types have it.
    pub(crate) fn next(&mut self) -> Value {
        match self.message() {
            Ok(frame) => frame,
            Err(close) => panic!("it was closed: {close:?}"),
        }
    }

    /// The next frame, or how it was closed.
    pub(crate) fn message(&mut self) -> Result<Value, Option<(CloseCode, String)>> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let frame: ServerFrame = serde_json::from_str(&text).expect("a known frame");
                    let raw: Value = serde_json::from_str(&text).expect("JSON");
                    assert!(frame.at.as_millis() > 0, "{raw}");
                    return Ok(raw);
                }
                Ok(Message::Close(close)) => {
                    return Err(close.map(|one| (one.code, one.reason.to_string())));
                }
                Ok(_) => {}
                Err(error) => {
                    assert!(
                        matches!(
                            error,
                            Error::ConnectionClosed
                                | Error::AlreadyClosed
                                | Error::Io(_)
                                | Error::Protocol(_)
                        ),
                        "{error}"
                    );
                    return Err(None);
                }
            }
        }
    }

    /// The next frame of a type; what comes before it is passed over.
    pub(crate) fn of_type(&mut self, wanted: &str) -> Value {
        loop {
            let frame = self.next();
            if frame["type"] == wanted {
                return frame;
            }
            assert_ne!(frame["type"], "error", "{frame}");
        }
    }

    /// The same for an error.
    pub(crate) fn next_any(&mut self, wanted: &str) -> Value {
        loop {
            let frame = self.next();
            if frame["type"] == wanted {
                return frame;
            }
        }
    }

    /// Everything up to how it was closed.
    pub(crate) fn closed(&mut self) -> (CloseCode, String) {
        loop {
            match self.message() {
                Ok(_) => {}
                Err(close) => return close.expect("a close frame with a reason"),
            }
        }
    }
}
