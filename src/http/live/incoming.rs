//! What a client sends, from bytes to texts. What a frame claims to be is judged by its header, before
//! anything of it is kept.

use actix_http::ws::{CloseCode, Codec, Frame, Item, OpCode, ProtocolError};
use bytes::{Bytes, BytesMut};
use tokio_util::codec::Decoder;

use super::end::End;

/// The longest frame of a client, and the longest text in several of them.
const MOST_BYTES: usize = 64 << 10;
/// The longest frame of a client that has not said who it is: a token and what is around it.
const MOST_UNKNOWN: usize = 8 << 10;
/// The most frames that one text may come in: empty ones cost no bytes of it.
const MOST_FRAMES: usize = 1_024;
/// The longest ping, pong or close (RFC 6455, 5.5).
const MOST_CONTROL: usize = 125;

/// What a client has said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    Text(Bytes),
    /// A frame of a text that goes on.
    Part,
    Binary,
    Ping(Bytes),
    Pong,
    Close,
}

/// Bytes that have come and are no whole frame yet.
pub(super) struct Incoming {
    codec: Codec,
    buffer: BytesMut,
    /// A text that comes in several frames, and how many of them have come.
    text: Option<(BytesMut, usize)>,
    /// Whether the client has said who it is: until then it may say little.
    trusted: bool,
}

impl Incoming {
    pub(super) fn new(trusted: bool) -> Self {
        Self {
            codec: Codec::new().max_size(MOST_BYTES),
            buffer: BytesMut::new(),
            text: None,
            trusted,
        }
    }

    pub(super) const fn trust(&mut self) {
        self.trusted = true;
    }

    /// Adds bytes that have come.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// What the next frame says, if it is whole. Each call takes one frame, so that whoever calls can let
    /// others go in between.
    pub(super) fn next(&mut self) -> Result<Option<Message>, End> {
        judge(&self.buffer, self.most())?;
        let frame = self.codec.decode(&mut self.buffer);
        let Some(frame) = frame.map_err(|error| broken(&error))? else {
            return Ok(None);
        };
        Ok(Some(match frame {
            Frame::Text(text) => Message::Text(text),
            Frame::Continuation(part) => self.join(part)?.map_or(Message::Part, Message::Text),
            Frame::Ping(payload) => Message::Ping(payload),
            Frame::Pong(_) => Message::Pong,
            Frame::Close(_) => Message::Close,
            Frame::Binary(_) => Message::Binary,
        }))
    }

    /// The longest frame, and the longest text in several of them.
    const fn most(&self) -> usize {
        if self.trusted {
            MOST_BYTES
        } else {
            MOST_UNKNOWN
        }
    }

    /// A text in several frames: whole with the last one.
    fn join(&mut self, part: Item) -> Result<Option<Bytes>, End> {
        let most = self.most();
        let (bytes, last) = match part {
            Item::FirstText(bytes) => {
                self.text = None;
                (bytes, false)
            }
            Item::FirstBinary(_) => {
                return Err(End::close(
                    CloseCode::Unsupported,
                    "binary frames are not understood",
                ));
            }
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let (text, frames) = self.text.get_or_insert_default();
        *frames += 1;
        if *frames > MOST_FRAMES {
            let why = format!("a text comes in more than {MOST_FRAMES} frames");
            return Err(End::close(CloseCode::Size, why));
        }
        if text.len() + bytes.len() > most {
            return Err(too_long(most));
        }
        text.extend_from_slice(&bytes);
        Ok(last.then(|| self.text.take().unwrap_or_default().0.freeze()))
    }
}

/// Looks at the header of the first frame, as far as it has come: the codec would wait for all of a
/// frame before it finds it too long.
fn judge(bytes: &[u8], most: usize) -> Result<(), End> {
    if is_refused(bytes) {
        return Ok(());
    }
    let Some(claimed) = claimed(bytes) else {
        return Ok(());
    };
    let control = bytes.first().is_some_and(|first| first & 0x08 != 0);
    if control && claimed > MOST_CONTROL as u64 {
        let why = format!("a ping, pong or close has more than {MOST_CONTROL} bytes");
        return Err(End::close(CloseCode::Protocol, why));
    }
    if claimed > most as u64 {
        return Err(too_long(most));
    }
    Ok(())
}

/// Whether the codec refuses the frame by its first two bytes: with an error of its own, which must
/// not depend on how much of the header has come.
fn is_refused(bytes: &[u8]) -> bool {
    let [first, second, ..] = *bytes else {
        return false;
    };
    let (reserved, masked) = (first & 0x70, second & 0x80);
    reserved != 0 || masked == 0 || OpCode::from(first & 0x0f) == OpCode::Bad
}

/// The length of the payload, as the frame's header has it (RFC 6455, 5.2).
fn claimed(bytes: &[u8]) -> Option<u64> {
    let short = bytes.get(1)? & 0x7f;
    match short {
        126 => {
            let length = bytes.get(2..4)?.try_into().ok()?;
            Some(u16::from_be_bytes(length).into())
        }
        127 => {
            let length = bytes.get(2..10)?.try_into().ok()?;
            Some(u64::from_be_bytes(length))
        }
        short => Some(short.into()),
    }
}

fn too_long(most: usize) -> End {
    End::close(
        CloseCode::Size,
        format!("a frame has more than {most} bytes"),
    )
}

/// A frame that is none.
fn broken(error: &ProtocolError) -> End {
    match error {
        ProtocolError::Overflow => too_long(MOST_BYTES),
        other => End::close(CloseCode::Protocol, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame's header, masked, for a payload of this length.
    fn header(first: u8, length: u64) -> Vec<u8> {
        let mut bytes = vec![first];
        match length {
            0..=125 => bytes.push(0x80 | length as u8),
            126..=0xffff => {
                bytes.push(0x80 | 126);
                bytes.extend_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend_from_slice(&length.to_be_bytes());
            }
        }
        bytes
    }

    /// A whole frame; its mask is nothing but zeros.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = header(first, payload.len() as u64);
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(payload);
        bytes
    }

    /// What is said when the bytes come one by one, and with which code it ends.
    fn fed(trusted: bool, bytes: &[u8]) -> (Vec<Message>, Option<(CloseCode, usize)>) {
        let (mut incoming, mut said) = (Incoming::new(trusted), Vec::new());
        for (place, byte) in bytes.iter().enumerate() {
            incoming.feed(&[*byte]);
            loop {
                match incoming.next() {
                    Ok(Some(one)) => said.push(one),
                    Ok(None) => break,
                    Err(End::Close { code, .. }) => return (said, Some((code, place + 1))),
                    Err(_) => panic!("it says why"),
                }
            }
        }
        (said, None)
    }

    #[test]
    fn a_length_is_judged_with_the_last_byte_of_it() {
        const TEXT: u8 = 0x81;
        let control = MOST_CONTROL as u64;
        for (trusted, first, length, code) in [
            (true, TEXT, 64 << 10, None),
            (true, TEXT, (64 << 10) + 1, Some((CloseCode::Size, 10))),
            (true, TEXT, 1 << 40, Some((CloseCode::Size, 10))),
            (true, TEXT, u64::MAX, Some((CloseCode::Size, 10))),
            (true, 0x82, 1 << 40, Some((CloseCode::Size, 10))),
            (true, 0x01, 1 << 40, Some((CloseCode::Size, 10))),
            (true, 0x80, 1 << 40, Some((CloseCode::Size, 10))),
            (true, 0x89, control, None),
            (true, 0x89, 126, Some((CloseCode::Protocol, 4))),
            (true, 0x8a, 1 << 40, Some((CloseCode::Protocol, 10))),
            (true, 0x88, 1 << 17, Some((CloseCode::Protocol, 10))),
            (false, TEXT, 8 << 10, None),
            (false, TEXT, (8 << 10) + 1, Some((CloseCode::Size, 4))),
            (false, TEXT, 1 << 40, Some((CloseCode::Size, 10))),
        ] {
            let (said, end) = fed(trusted, &header(first, length));
            assert_eq!((said.len(), end), (0, code), "{first:x}, {length}");
        }
    }

    #[test]
    fn a_frame_that_is_none_ends_it_the_same_however_its_header_is_cut() {
        for first in [0xc1, 0xc5, 0x83, 0x8b] {
            let whole = header(first, u64::MAX);
            let mut incoming = Incoming::new(true);
            incoming.feed(&whole);
            let Err(End::Close { code, .. }) = incoming.next() else {
                panic!("{first:x} is no frame");
            };
            let (_, in_pieces) = fed(true, &whole);
            assert_eq!((code, Some((code, 2))), (CloseCode::Protocol, in_pieces));
        }
    }

    #[test]
    fn lengths_may_take_more_bytes_than_they_need() {
        let long = [0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, b'h', b'i'];
        let (said, end) = fed(true, &long);
        assert_eq!(
            (said, end),
            (vec![Message::Text(Bytes::from_static(b"hi"))], None)
        );
    }

    #[test]
    fn frames_that_come_byte_by_byte_are_whole_in_the_end() {
        let all = [
            frame(0x81, b"one"),
            frame(0x01, b"two "),
            frame(0x89, b"ping"),
            frame(0x00, b"and "),
            frame(0x80, b"three"),
            frame(0x8a, b""),
            frame(0x82, b""),
            frame(0x88, &[3, 0xe8]),
        ];
        let (said, end) = fed(true, &all.concat());
        let text = |text: &'static str| Message::Text(Bytes::from_static(text.as_bytes()));
        let wanted = [
            text("one"),
            Message::Part,
            Message::Ping(Bytes::from_static(b"ping")),
            Message::Part,
            text("two and three"),
            Message::Pong,
            Message::Binary,
            Message::Close,
        ];
        assert_eq!((said.as_slice(), end), (&wanted[..], None));
    }

    #[test]
    fn a_text_has_so_many_frames_each_of_them_taken_by_a_call_of_its_own() {
        for trusted in [true, false] {
            let mut incoming = Incoming::new(trusted);
            incoming.feed(&frame(0x01, b""));
            incoming.feed(&frame(0x00, b"").repeat(MOST_FRAMES));
            for number in 0..MOST_FRAMES {
                assert!(
                    matches!(incoming.next(), Ok(Some(Message::Part))),
                    "{number}"
                );
            }
            let end = incoming.next();
            assert!(matches!(
                &end,
                Err(End::Close {
                    code: CloseCode::Size,
                    ..
                })
            ));
        }
        let [part, rest] = [frame(0x01, &[b' '; 5_000]), frame(0x80, &[b' '; 5_000])];
        let (_, end) = fed(false, &[part, rest].concat());
        assert_eq!(end.map(|(code, _)| code), Some(CloseCode::Size));
    }

    #[test]
    fn a_text_in_parts_is_bounded_and_what_is_no_frame_ends_it() {
        let part = frame(0x01, &[b' '; 40_000]);
        let rest = frame(0x80, &[b' '; 40_000]);
        let (said, end) = fed(true, &[part, rest].concat());
        assert_eq!(
            (said, end.map(|(code, _)| code)),
            (vec![Message::Part], Some(CloseCode::Size))
        );
        for bytes in [
            // No mask, a reserved bit, an unknown opcode, a continuation of nothing.
            vec![0x81, 0x02, b'h', b'i'],
            frame(0xc1, b"hi"),
            frame(0x83, b"hi"),
            frame(0x80, b"hi"),
        ] {
            let (said, end) = fed(true, &bytes);
            let code = end.map(|(code, _)| code);
            assert_eq!(
                (said.len(), code),
                (0, Some(CloseCode::Protocol)),
                "{bytes:?}"
            );
        }
    }
}
