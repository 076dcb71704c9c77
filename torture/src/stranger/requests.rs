//! Requests that are never complete, whose answers are never read, or that are far too large.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{CONNECTIONS, Target};
use crate::client::Client;
use crate::wire;

/// The largest body within the default limit.
const BODY_BYTES: usize = 1 << 20;
/// The longest allowed answer to a start that is refused.
const MOST_ANSWERED: usize = 64 << 10;

/// Opens connections and sends this on each.
fn opened(target: &Target<'_>, first: &str) -> Vec<TcpStream> {
    let open = |_| {
        let mut stream = wire::connect(target.address).ok()?;
        stream.write_all(first.as_bytes()).ok()?;
        Some(stream)
    };
    (0..CONNECTIONS).filter_map(open).collect()
}

/// An error if the server has ended the connection.
fn still_open(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.set_nonblocking(true)?;
    match stream.read(&mut [0; 1_024]) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}

pub(super) fn heads_that_drip(target: &mut Target<'_>) -> Result<(), String> {
    let host = wire::host(target.address);
    let open = opened(
        target,
        &format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nX-A: "),
    );
    target.hold(open, |stream| {
        stream.write_all(b"a")?;
        still_open(stream)
    });
    Ok(())
}

pub(super) fn bodies_that_never_come(target: &mut Target<'_>) -> Result<(), String> {
    let whole = wire::request(
        target.address,
        "POST",
        "/api/v1/dummy/start",
        &" ".repeat(1_000),
    );
    let open = opened(target, whole.trim_end_matches(' '));
    target.hold(open, still_open);
    Ok(())
}

pub(super) fn answers_that_nobody_reads(target: &mut Target<'_>) -> Result<(), String> {
    let one = wire::request(target.address, "GET", "/api/v1/operations?limit=1000", "");
    let open = opened(target, &one.repeat(50));
    // The attack is to read nothing, so only a failed write shows that the connection has ended.
    target.hold(open, |stream| {
        stream.set_nonblocking(true)?;
        match stream.write(b"\r") {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    });
    Ok(())
}

pub(super) fn thousands_of_faults(target: &mut Target<'_>) -> Result<(), String> {
    let mut body = "{".to_owned();
    for number in 0.. {
        let _ = write!(body, "\"{number:x}\":0,");
        if body.len() > BODY_BYTES - 32 {
            break;
        }
    }
    body.push_str("\"x\":0}");
    let reply = Client::new(target.address).post_text("/api/v1/dummy/start", &body);
    let Some((status, answer)) = reply else {
        return Ok(());
    };
    if !(400..500).contains(&status) || answer.len() > MOST_ANSWERED {
        let bytes = answer.len();
        return Err(format!(
            "{status} with {bytes} bytes for a start with nothing but unknown fields"
        ));
    }
    Ok(())
}

pub(super) fn garbage(target: &mut Target<'_>) -> Result<(), String> {
    let random = &mut target.random;
    let noise: Vec<u8> = (0..4_096).map(|_| random.u8(..)).collect();
    let long = "a".repeat(1 << 20);
    let texts: [&[u8]; 6] = [
        &noise,
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: \xff\r\n\r\n",
        b"POST /api/v1/dummy/start HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n",
        b"POST /api/v1/dummy/start HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    ];
    let text = random.choice(texts).unwrap_or(&noise);
    let send = |first: &[u8], then: &[u8]| -> std::io::Result<()> {
        let mut stream = wire::connect(target.address)?;
        stream.set_read_timeout(Some(Duration::from_millis(50)))?;
        stream.write_all(first)?;
        stream.write_all(then)?;
        stream.read(&mut [0; 1_024]).map(drop::<usize>)
    };
    // The request may be refused or the connection ended. Both are right.
    let _ = send(text, b"");
    let _ = send(b"GET /healthz HTTP/1.1\r\nX-A: ", long.as_bytes());
    Ok(())
}
