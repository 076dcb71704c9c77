//! Live sockets: frames byte by byte.

use std::io::Write;
use std::time::Duration;

use actix_http::ws::{Codec, Frame};
use bytes::BytesMut;
use serde_json::Value;
use tokio_util::codec::Decoder;

use crate::service::{PATIENCE, Service, TOKEN, more};
use crate::{Target, shown};

const OPENING: &str = "GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// After this time without an answer the target does not wait any longer.
const QUIET: Duration = Duration::from_millis(5);
/// The most bytes that an unauthenticated client may get.
const FEW: usize = 1_024;

/// The first byte says whether the server needs tokens, the second how long the pieces are in which the rest
/// is sent. Answers are well formed, and their size is bounded by the input. Without a token nothing is
/// revealed. The lengths of the pieces do not change how the socket ends.
pub(crate) fn target() -> Target {
    let (open, closed) = (Service::new(false), Service::new(true));
    open.ask("POST /api/v1/operations?wait=10", br#"{"kind": "rich"}"#);
    Box::new(move |bytes| {
        let [closes, size, sent @ ..] = bytes else {
            return;
        };
        let closes = *closes == b'T';
        let service = if closes { &closed } else { &open };
        let told = converse(service, sent, usize::from(*size));
        told.is_in_order(sent.len());
        if closes && !sent_token(sent) {
            told.says_nothing();
        }
        let whole = converse(service, sent, 0);
        // On a slow machine one of them may not have answered yet.
        if let (Some(one), Some(other)) = (told.end, whole.end) {
            assert_eq!(one, other, "in pieces of {size} it ends otherwise");
        }
    })
}

/// Whether the token was sent. The masks in the corpus are zero, so the token is not changed by them.
fn sent_token(sent: &[u8]) -> bool {
    sent.windows(TOKEN.len())
        .any(|part| part == TOKEN.as_bytes())
}

struct Told {
    bytes: usize,
    frames: Vec<Value>,
    /// The code of the close frame.
    end: Option<u16>,
}

/// Sends all bytes in pieces, and reads the answers.
fn converse(service: &Service, sent: &[u8], size: usize) -> Told {
    let mut stream = service.connect(PATIENCE);
    let mut heard = Vec::new();
    stream
        .write_all(OPENING.as_bytes())
        .expect("the server reads");
    let opened = loop {
        let end = heard.windows(4).position(|four| four == b"\r\n\r\n");
        match end {
            Some(end) => break end + 4,
            None => assert!(more(&mut stream, &mut heard), "no socket was opened"),
        }
    };
    assert!(heard.starts_with(b"HTTP/1.1 101 "), "{}", shown(&heard));
    let size = if size == 0 { sent.len().max(1) } else { size };
    for piece in sent.chunks(size) {
        // The server may have closed the socket.
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    stream
        .set_read_timeout(Some(QUIET))
        .expect("a live connection");
    while more(&mut stream, &mut heard) {}
    Told::of(&heard[opened..])
}

impl Told {
    fn of(bytes: &[u8]) -> Self {
        let (mut buffer, mut frames, mut end) = (BytesMut::from(bytes), Vec::new(), None);
        let mut codec = Codec::new().client_mode().max_size(bytes.len());
        while let Some(frame) = codec
            .decode(&mut buffer)
            .expect("the server's frames are frames")
        {
            assert!(end.is_none(), "a frame after the last one");
            match frame {
                Frame::Text(text) => {
                    frames.push(serde_json::from_slice(&text).expect("a frame is JSON"))
                }
                Frame::Close(reason) => {
                    end = Some(reason.map_or(1_005, |reason| reason.code.into()))
                }
                Frame::Ping(_) | Frame::Pong(_) => {}
                other => panic!("the server sends {other:?}"),
            }
        }
        Self {
            bytes: bytes.len(),
            frames,
            end,
        }
    }

    fn is_in_order(&self, sent: usize) {
        assert!(
            self.frames
                .iter()
                .all(|frame| frame["type"].is_string() && frame["at"].is_string())
        );
        assert!(
            self.bytes < (64 << 10) + 64 * sent,
            "{} bytes for {sent}",
            self.bytes
        );
    }

    fn says_nothing(&self) {
        assert!(self.bytes <= FEW, "{} bytes without a token", self.bytes);
        for frame in &self.frames {
            assert!(
                matches!(frame["type"].as_str(), Some("error" | "closing")),
                "{frame}"
            );
        }
    }
}
