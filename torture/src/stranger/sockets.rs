//! Live sockets for pages that must not have one, and of peers that only send.

use std::io::{Error, Read, Write};
use std::net::TcpStream;

use super::Target;
use crate::wire;

/// Different spellings of the path of live sockets, and similar paths.
const PATHS: &[&str] = &[
    "/api/v1/ws",
    "/api/v1/w%73",
    "/api/v1/%77s",
    "/%61pi/v1/ws",
    "/api/v%31/ws",
    "/api/v1/%2577s",
    "/api%2fv1/ws",
    "/api/v1/ws/",
    "//api/v1/ws",
    "/api/v1/./ws",
    "/x/../api/v1/ws",
    "/API/V1/WS",
    "/api/v1/ws?a=%00",
    "/api/v1/ws;a",
    "http://127.0.0.1/api/v1/ws",
];
const ORIGINS: &[&str] = &[
    "https://evil.example",
    "null",
    "http://127.0.0.1.evil.example",
    "http://localhost@evil.example",
    "file://",
];
/// How many bytes of one frame, or of many, are sent.
const MOST_SENT: usize = 1 << 30;
/// The most bytes that are sent before checking whether the round is over.
const PART: usize = 64 << 10;

/// Asks for a live socket. Returns the connection, and the status of the answer.
fn asked(target: &Target<'_>, path: &str, origin: Option<&str>) -> Result<(TcpStream, u16), Error> {
    let host = wire::host(target.address);
    let origin = origin.map_or(String::new(), |origin| format!("Origin: {origin}\r\n"));
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{origin}\r\n"
    );
    let mut stream = wire::connect(target.address)?;
    stream.write_all(head.as_bytes())?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    let status = std::str::from_utf8(&answer[9..]).ok();
    let status = status.and_then(|digits| digits.parse().ok());
    Ok((stream, status.unwrap_or(0)))
}

pub(super) fn of_a_foreign_page(target: &mut Target<'_>) -> Result<(), String> {
    let (path, origin) = (target.random.choice(PATHS), target.random.choice(ORIGINS));
    let (Some(path), Some(origin)) = (path, origin) else {
        return Ok(());
    };
    match asked(target, path, Some(origin)) {
        Ok((_, 101)) => Err(format!("{path} from {origin} gets a socket")),
        // The end of the connection without an answer counts as a refusal.
        _ => Ok(()),
    }
}

/// Sends the same bytes repeatedly, and reads nothing.
fn pour(target: &Target<'_>, first: &[u8], again: &[u8]) {
    let Ok((mut stream, 101)) = asked(target, "/api/v1/ws", None) else {
        return;
    };
    let part = again.repeat(PART / again.len());
    let (mut sent, mut going_on) = (0, stream.write_all(first).is_ok());
    while going_on && sent < MOST_SENT && !target.is_over() {
        sent += part.len();
        going_on = stream.write_all(&part).is_ok();
    }
}

/// Sends a frame whose header says that it has 2^40 bytes.
pub(super) fn frame_without_end(target: &mut Target<'_>) -> Result<(), String> {
    let mut head = vec![0x82, 0xff];
    head.extend_from_slice(&(1_u64 << 40).to_be_bytes());
    head.extend_from_slice(&[0; 4]);
    pour(target, &head, &[0; 1_024]);
    Ok(())
}

/// Sends frames that each need an answer longer than themselves.
pub(super) fn empty_frames(target: &mut Target<'_>) -> Result<(), String> {
    pour(target, &[], &[0x82, 0x80, 0, 0, 0, 0]);
    Ok(())
}

/// Subscribes to everything, and reads nothing.
pub(super) fn read_nothing(target: &mut Target<'_>) -> Result<(), String> {
    let mut first = Vec::new();
    let text = br#"{"type":"subscribe","sub":"a","filter":{},"since":0}"#;
    first.extend_from_slice(&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0]);
    first.extend_from_slice(text);
    // A masked text frame with three letters, which is not JSON.
    pour(target, &first, &[0x81, 0x83, 0, 0, 0, 0, b'a', b'b', b'c']);
    Ok(())
}
