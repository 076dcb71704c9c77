//! Opens a live socket of the server, writes to it and reads from it.

use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use impresario_api::{ClientFrame, Code, Envelope};
use serde_json::Value;
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::HandshakeError;
use tungstenite::http::{HeaderName, HeaderValue};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

use super::ANSWER;
use crate::client::Client;
use crate::error::Error;

/// The largest frame. The largest one that the server sends is a view, which does not come near this.
const LARGEST_FRAME: usize = 64 * 1024 * 1024;
/// After this time without a frame the client sends a ping, and after the same time without an answer it
/// gives the socket up.
const SILENCE: Duration = Duration::from_secs(15);

pub(super) struct Socket {
    socket: WebSocket<TcpStream>,
    heard_at: Instant,
    was_asked: bool,
}

/// Why there is no socket.
pub(super) enum Refused {
    /// The server or a proxy does not let sockets through.
    NoSocket,
    /// The server does not answer, or refuses for the moment.
    Lost(Error),
}

pub(super) enum Came {
    Frame(Value),
    /// Nothing in the given time.
    Nothing,
    /// The socket has ended, with the reason.
    Lost(Error),
}

impl Socket {
    pub(super) fn open(client: &Client) -> Result<Self, Refused> {
        let stream = connect(client).map_err(|why| Refused::Lost(client.unreachable(why)))?;
        let url = format!("ws://{}/api/v1/ws", client.authority());
        let mut request = url.into_client_request().map_err(|_| Refused::NoSocket)?;
        for (name, value) in client.headers() {
            // A header cannot have this value, so the token is wrong, and plain HTTP will report it.
            if let Ok(value) = HeaderValue::from_str(&value) {
                request
                    .headers_mut()
                    .insert(HeaderName::from_static(name), value);
            }
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST_FRAME))
            .max_frame_size(Some(LARGEST_FRAME));
        match tungstenite::client::client_with_config(request, stream, Some(config)) {
            Ok((socket, _)) => Ok(Self {
                socket,
                heard_at: Instant::now(),
                was_asked: false,
            }),
            Err(HandshakeError::Failure(tungstenite::Error::Http(answer))) => Err(refusal(
                client,
                answer.status().as_u16(),
                answer.body().as_deref(),
            )),
            Err(HandshakeError::Failure(tungstenite::Error::Io(error))) => {
                Err(Refused::Lost(client.unreachable(error.to_string())))
            }
            // The answer is not a handshake, or there is none.
            Err(_) => Err(Refused::NoSocket),
        }
    }

    pub(super) fn send(&mut self, frame: &ClientFrame) -> Result<(), Error> {
        let text =
            serde_json::to_string(frame).map_err(|error| Error::Garbled(error.to_string()))?;
        self.socket
            .send(Message::text(text))
            .map_err(|error| Error::ConnectionLost {
                why: error.to_string(),
            })
    }

    /// Reads what comes within `time`.
    pub(super) fn read(&mut self, time: Duration) -> Came {
        if let Err(error) = self.socket.get_ref().set_read_timeout(Some(time)) {
            return lost(error.to_string());
        }
        match self.socket.read() {
            Ok(message) => {
                self.heard_at = Instant::now();
                self.was_asked = false;
                match message {
                    Message::Text(text) => {
                        serde_json::from_str(&text).map_or(Came::Nothing, Came::Frame)
                    }
                    Message::Close(Some(close)) if !close.reason.is_empty() => {
                        lost(close.reason.to_string())
                    }
                    Message::Close(_) => lost("it closed the connection".to_owned()),
                    _ => Came::Nothing,
                }
            }
            // The process was stopped by a signal and goes on.
            Err(tungstenite::Error::Io(error))
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                self.quiet()
            }
            Err(error) => lost(error.to_string()),
        }
    }

    /// Nothing came, so a ping is sent.
    fn quiet(&mut self) -> Came {
        let silence = self.heard_at.elapsed();
        if silence > SILENCE * 2 {
            return lost("no answer in time".to_owned());
        }
        if silence > SILENCE && !self.was_asked {
            self.was_asked = true;
            if let Err(error) = self.send(&ClientFrame::Ping {}) {
                return Came::Lost(error);
            }
        }
        Came::Nothing
    }
}

fn lost(why: String) -> Came {
    Came::Lost(Error::ConnectionLost { why })
}

fn connect(client: &Client) -> Result<TcpStream, String> {
    let authority = client.authority().split('/').next().unwrap_or_default();
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let address = if has_port {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let addresses = address
        .to_socket_addrs()
        .map_err(|error| error.to_string())?;
    let mut why = "no such host".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, ANSWER) {
            Ok(stream) => {
                let ready = stream
                    .set_read_timeout(Some(ANSWER))
                    .and_then(|()| stream.set_write_timeout(Some(ANSWER)))
                    .and_then(|()| stream.set_nodelay(true));
                return ready.map(|()| stream).map_err(|error| error.to_string());
            }
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                why = "connection refused".to_owned();
            }
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

/// A server that shuts down may come back. Every other refusal is final.
fn refusal(client: &Client, status: u16, body: Option<&[u8]>) -> Refused {
    let envelope = body.and_then(|body| serde_json::from_slice::<Envelope<Value>>(body).ok());
    let error = envelope.and_then(|envelope| envelope.error);
    match error {
        Some(body) if body.code == Code::ShuttingDown.as_str() => {
            Refused::Lost(Error::Api { body })
        }
        // A proxy answers while the server restarts.
        _ if matches!(status, 502..=504) => {
            Refused::Lost(client.unreachable(format!("HTTP {status}")))
        }
        _ => Refused::NoSocket,
    }
}
