//! A server as a child process, ended by its process id.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Args;

/// How long an orderly end may take: the grace of the configuration, and the last answers.
pub(crate) const GRACE: Duration = Duration::from_secs(15);

pub(crate) struct Server {
    child: Child,
    _out: BufReader<ChildStdout>,
    pub(crate) address: String,
    /// The time from the start of the process to the line that says that it listens.
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

type Surroundings = [(&'static str, PathBuf)];

fn spawn(
    args: &Args,
    folder: &Path,
    pairs: &[&str],
    surroundings: &Surroundings,
) -> Result<Child, String> {
    let pairs: Vec<_> = pairs
        .iter()
        .copied()
        .chain(args.set.iter().map(String::as_str))
        .collect();
    let log = match &args.log {
        Some(path) => OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|error| format!("{}: {error}", path.display()))?
            .into(),
        None => Stdio::null(),
    };
    command(&args.server, folder, &pairs)
        .envs(surroundings.iter().map(|(key, value)| (key, value)))
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(|error| format!("{} does not start: {error}", args.server.display()))
}

impl Server {
    /// Starts a server and waits until it listens.
    pub(crate) fn start(args: &Args, folder: &Path, pairs: &[&str]) -> Result<Self, String> {
        Self::start_in(args, folder, pairs, &[])
    }

    /// The same as [`Self::start`], with additional environment variables.
    pub(crate) fn start_in(
        args: &Args,
        folder: &Path,
        pairs: &[&str],
        surroundings: &Surroundings,
    ) -> Result<Self, String> {
        let began = Instant::now();
        let mut child = spawn(args, folder, pairs, surroundings)?;
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
        // If it has ended by itself, its exit status says so.
        let _ = kill(Pid::from_raw(id), signal);
    }

    /// Starts a server and kills it after this time, usually in its recovery.
    pub(crate) fn start_and_kill(
        args: &Args,
        folder: &Path,
        pairs: &[&str],
        lives: Duration,
    ) -> Result<(), String> {
        let mut child = spawn(args, folder, pairs, &[])?;
        std::thread::sleep(lives);
        let early = child.try_wait();
        let _ = child.kill();
        let _ = child.wait();
        match early {
            Ok(None) => Ok(()),
            ended => Err(format!("as it came up, {}", by_itself(ended))),
        }
    }

    /// Sends `kill -9`. It is an error if the server had ended by itself.
    pub(crate) fn kill(mut self) -> Result<(), String> {
        let early = self.child.try_wait();
        let _ = self.child.kill();
        let _ = self.child.wait();
        match early {
            Ok(None) => Ok(()),
            ended => Err(by_itself(ended)),
        }
    }

    /// Sends SIGTERM. Returns how the server ended, and how long that took.
    pub(crate) fn terminate(&mut self) -> (Option<ExitStatus>, Duration) {
        self.signal(Signal::SIGTERM);
        self.wait(GRACE)
    }

    /// Waits until the server has ended.
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

    /// The number of open files and connections.
    pub(crate) fn descriptors(&self) -> u64 {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        open.map_or(0, |open| open.count() as u64)
    }

    /// A number from the operating system's status of the process; sizes are in KiB.
    pub(crate) fn status(&self, name: &str) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = lines.find(|(key, _)| *key == name)?;
        value.split_whitespace().next()?.parse().ok()
    }

    pub(crate) fn memory(&self) -> u64 {
        let path = format!("/proc/{}/statm", self.child.id());
        let mut text = String::new();
        let read = std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text));
        let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
        read.map_or(0, |_| pages.unwrap_or(0) * 4_096)
    }
}

/// Describes an end that nobody asked for. Code 70 means a fault of the server itself.
fn by_itself(ended: std::io::Result<Option<ExitStatus>>) -> String {
    match ended {
        Ok(Some(status)) => format!("the server ended by itself: {status}"),
        other => format!("the server ended by itself: {other:?}"),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// SQLite's check of the database in a folder. It checks a copy, because opening the file itself would do
/// the recovery that the next server has to do.
pub(crate) fn integrity(folder: &Path) -> String {
    checked(folder).unwrap_or_else(|error| error.to_string())
}

fn checked(folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let (_copy, connection) = copied(folder)?;
    Ok(connection.query_row("PRAGMA integrity_check", (), |row| row.get(0))?)
}

/// A copy of the database in a folder, which is removed when the first value is dropped.
pub(crate) fn copied(
    folder: &Path,
) -> Result<(tempfile::TempDir, rusqlite::Connection), Box<dyn std::error::Error>> {
    let copy = tempfile::tempdir()?;
    for name in ["operations.db", "operations.db-wal"] {
        let from = folder.join(name);
        if from.exists() {
            std::fs::copy(from, copy.path().join(name))?;
        }
    }
    let connection = rusqlite::Connection::open(copy.path().join("operations.db"))?;
    Ok((copy, connection))
}
