//! Connections without an HTTP client: live sockets, and requests whose callers do not wait for the answer.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use tungstenite::{Message, WebSocket};

/// The longest time of a write or read.
const PATIENCE: Duration = Duration::from_secs(5);

/// The server's address without the scheme.
pub(crate) fn host(address: &str) -> &str {
    address.strip_prefix("http://").unwrap_or(address)
}

pub(crate) fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(host(address))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(crate) fn socket(address: &str) -> Result<WebSocket<TcpStream>, String> {
    let stream = connect(address).map_err(|error| error.to_string())?;
    let url = format!("ws://{}/api/v1/ws", host(address));
    let opened = tungstenite::client(url, stream);
    opened
        .map(|(socket, _)| socket)
        .map_err(|error| error.to_string())
}

pub(crate) fn say(
    socket: &mut WebSocket<TcpStream>,
    frame: &serde_json::Value,
) -> Result<(), String> {
    let sent = socket.send(Message::text(frame.to_string()));
    sent.map_err(|error| error.to_string())
}

pub(crate) fn request(address: &str, method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        host(address),
        body.len()
    )
}

/// Sends a request, waits for this time, and closes the connection without reading the answer.
pub(crate) fn leave(address: &str, request: &str, stay: Duration) -> io::Result<()> {
    let mut stream = connect(address)?;
    stream.write_all(request.as_bytes())?;
    stream.set_read_timeout(Some(stay))?;
    // A timeout is not an error here.
    let _ = stream.read(&mut [0; 1]);
    Ok(())
}
