//! A whole server in this process, with requests over loopback, so that inputs meet the same connections,
//! guards, router and handlers as real clients, and libFuzzer sees which code they reach.

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::rt::System;
use impresario_server::app;
use impresario_server::config::{Args, Settings};
use serde_json::Value;
use tempfile::TempDir;

use crate::kind::Rich;

/// The one token of a server that needs tokens.
pub(crate) const TOKEN: &str = "a-token-of-thirty-two-characters";
/// The longest time of a request that does not ask to wait, even on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Service {
    address: SocketAddr,
    /// A connection that can be used again.
    idle: RefCell<Option<TcpStream>>,
    /// Nobody needs the server any more.
    over: Arc<AtomicBool>,
    _folder: TempDir,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Checks that a refusal is an envelope with a code and a message, and that it is not a fault of the server.
    pub(crate) fn is_in_order(&self) {
        // A head that is not one of a request is refused before the code that writes envelopes.
        if self.status < 400 || self.body.is_empty() {
            return;
        }
        let body = self.json();
        let text = |field: &str| {
            body["error"][field]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        };
        assert!(
            body["success"] == false && text("code") && text("message"),
            "{self:?}"
        );
        assert!(self.status < 500 || self.status == 503, "{body}");
    }
}

impl Drop for Service {
    /// The server ends when it finds that its folder is gone.
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
    }
}

impl Service {
    /// A server with its own kinds and [`Rich`], and if `tokens` with [`TOKEN`].
    pub(crate) fn new(tokens: bool) -> Self {
        /// Ensures that a free port is used before another thread looks for one.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port");
        let settings = settings(&folder, address, tokens);
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        thread::spawn(move || {
            let kinds = app::kinds(&settings).register(Rich);
            let ended = System::new().block_on(app::run(&settings, kinds));
            assert!(
                is_over.load(Ordering::Acquire),
                "the server ended: {ended:?}"
            );
        });
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "the server does not come up");
            thread::yield_now();
        }
        Self {
            address,
            idle: RefCell::default(),
            over,
            _folder: folder,
        }
    }

    pub(crate) fn connect(&self, patience: Duration) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server listens");
        let set = stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(patience)));
        set.expect("a live connection");
        stream
    }

    /// Sends bytes that need not be a request, on a new connection. Returns `None` if there is no answer in this
    /// time.
    pub(crate) fn answer(&self, request: &[u8], within: Duration) -> Option<Answer> {
        let began = Instant::now();
        let mut stream = self.connect(within);
        // The server may refuse the request and close before it has read all.
        let _ = stream.write_all(request);
        let answer = answer(&mut stream, request.starts_with(b"HEAD "));
        assert!(began.elapsed() < PATIENCE, "neither an answer nor an end");
        answer.map(|(answer, _)| answer)
    }

    /// Sends a well formed request that does not ask to wait.
    pub(crate) fn ask(&self, line: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let head = format!(
            "{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        let request = [head.as_bytes(), body].concat();
        let mut stream = self.idle.take().unwrap_or_else(|| self.connect(PATIENCE));
        if stream.write_all(&request).is_err() {
            // The connection was idle for too long.
            stream = self.connect(PATIENCE);
            stream.write_all(&request).expect("the server reads");
        }
        let (answer, goes_on) = answer(&mut stream, false).expect("an answer in time");
        self.idle.replace(goes_on.then_some(stream));
        answer
    }
}

/// Reads an answer. Also returns whether the connection can be used again.
fn answer(stream: &mut TcpStream, bare: bool) -> Option<(Answer, bool)> {
    let mut bytes = Vec::new();
    let head = loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        match end {
            Some(end) => break end + 4,
            None if more(stream, &mut bytes) => {}
            None => return None,
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.and_then(|length| length.trim().parse::<usize>().ok());
    let none = bare || status < 200 || matches!(status, 204 | 304);
    let wanted = if none { Some(0) } else { length };
    while wanted.is_none_or(|wanted| bytes.len() < head + wanted) && more(stream, &mut bytes) {}
    let body = bytes.split_off(head);
    assert!(
        none || wanted.is_none_or(|wanted| body.len() >= wanted),
        "an answer that is cut off"
    );
    Some((
        Answer { status, body },
        wanted.is_some() && !text.contains("connection: close"),
    ))
}

/// Reads more bytes. Returns false if nothing more comes in time.
pub(crate) fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> bool {
    let mut piece = [0; 16 << 10];
    loop {
        match stream.read(&mut piece) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) | Ok(0) => return false,
            Ok(read) => {
                bytes.extend_from_slice(&piece[..read]);
                return true;
            }
        }
    }
}

fn settings(folder: &TempDir, address: SocketAddr, tokens: bool) -> Settings {
    let folder = folder.path();
    let mut set = vec![
        "store.engine=memory".to_owned(),
        "lanes.default.queue_limit=50".to_owned(),
        "retention.max_operations=200".to_owned(),
        "retention.every_seconds=0.5".to_owned(),
        format!("data.import_dir={:?}", folder.join("import")),
    ];
    if tokens {
        let file = folder.join("tokens");
        crate::targets::tokens::write(&file, format!("desk {TOKEN}\n").as_bytes());
        set.push(format!("http.token_file={file:?}"));
    }
    let args = Args {
        listen: Some(address.to_string()),
        data_dir: Some(folder.join("data").to_string_lossy().into_owned()),
        set,
        ..Args::default()
    };
    Settings::load(&args).expect("settings")
}
