//! A server of our own, ended by its id.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A server that is ready.
pub(crate) struct Server {
    child: Child,
    _out: BufReader<ChildStdout>,
    pub(crate) address: String,
    /// From the start of the process to the line that says that it listens.
    pub(crate) ready: Duration,
}

/// The command on a data folder, with `--set` for each pair.
pub(crate) fn command(binary: &Path, folder: &Path, pairs: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder)
        .args(pairs.iter().flat_map(|pair| ["--set", pair]))
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null());
    command
}

impl Server {
    /// Starts one and waits until it listens.
    pub(crate) fn start(binary: &Path, folder: &Path, pairs: &[&str]) -> Result<Self, String> {
        let mut command = command(binary, folder, pairs);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let began = Instant::now();
        let mut child = command
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", binary.display()))?;
        let out = child.stdout.take().ok_or("it has no standard output")?;
        let mut out = BufReader::new(out);
        let mut line = String::new();
        let read = out.read_line(&mut line);
        let Some(address) = line.trim().strip_prefix("listening on ") else {
            let _ = child.kill();
            let status = child.wait();
            return Err(format!("it does not listen ({read:?}, {status:?})"));
        };
        Ok(Self {
            address: address.to_owned(),
            ready: began.elapsed(),
            child,
            _out: out,
        })
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap_or(i32::MAX);
        // It may have ended by itself: then its exit status tells.
        let _ = kill(Pid::from_raw(id), signal);
    }

    /// `kill -9`, and gone.
    pub(crate) fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM; how it ended, and how long that took.
    pub(crate) fn terminate(&mut self) -> (Option<ExitStatus>, Duration) {
        self.signal(Signal::SIGTERM);
        self.wait(Duration::from_secs(30))
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self, limit: Duration) -> (Option<ExitStatus>, Duration) {
        let began = Instant::now();
        while began.elapsed() < limit {
            if let Ok(Some(status)) = self.child.try_wait() {
                return (Some(status), began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        (None, began.elapsed())
    }

    /// Its resident memory in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let path = format!("/proc/{}/statm", self.child.id());
        let mut text = String::new();
        let read = std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text));
        let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
        read.map_or(0, |_| pages.unwrap_or(0) * 4_096)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What SQLite itself says of the database in a folder, once nobody uses it.
pub(crate) fn integrity(folder: &Path) -> String {
    let database = folder.join("operations.db");
    let checked = rusqlite::Connection::open(database).and_then(|connection| {
        connection.query_row("PRAGMA integrity_check", (), |row| row.get::<_, String>(0))
    });
    checked.unwrap_or_else(|error| error.to_string())
}
