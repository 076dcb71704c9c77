//! The sections of the configuration: what each key is, and what its type does not say.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::error::{ConfigError, range};
use super::listen::Listen;
use super::names::{HostName, Origin};
use super::tokens::Tokens;

/// The most HTTP workers: actix-server has no more.
const MOST_WORKERS: f64 = 256.0;
/// The highest limit of the connections of one peer.
const MOST_CONNECTIONS: f64 = 1e6;
/// The most threads of anything that takes threads.
const MOST_THREADS: f64 = 1_024.0;
/// The highest limit of a body, which is held in memory: 1 GiB.
const MOST_BODY: f64 = 1_073_741_824.0;
/// The highest limit of a file that is sent, which is not held in memory, in MiB: 1 TiB.
const MOST_UPLOAD: f64 = 1_048_576.0;

/// The most characters of a lane's name.
const MOST_NAME: usize = 64;
/// Seconds of the longest time that most keys take.
const HOUR: f64 = 3_600.0;

/// The HTTP side.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where to listen.
    pub listen: Listen,
    /// Threads that answer; 0 is one per two cores, but at least two.
    pub workers: usize,
    /// Hosts beside the loopback ones.
    pub allowed_hosts: Vec<HostName>,
    /// Origins beside the server's own.
    pub allowed_origins: Vec<Origin>,
    /// Proxies whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "addresses")]
    pub trusted_proxies: Vec<IpAddr>,
    /// The file of the tokens; empty when none are needed.
    pub token_file: PathBuf,
    /// The largest body.
    pub body_limit_bytes: usize,
    /// How long a request's head may take, on every request of a connection.
    pub head_seconds: f64,
    /// How long nothing of a body may come.
    pub body_idle_seconds: f64,
    /// How long a client may take nothing of its answer.
    pub write_stall_seconds: f64,
    /// Connections of one peer.
    pub connections_per_peer: usize,
    /// The time between two pings on a live socket.
    pub socket_ping_seconds: f64,
    /// How long a live socket's client may read nothing.
    pub socket_stall_seconds: f64,
}

impl Http {
    /// Threads that answer requests.
    pub fn worker_threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        if self.workers > 0 {
            self.workers
        } else {
            (cores() / 2).max(2)
        }
    }

    /// The tokens, when there is a file of them.
    pub fn tokens(&self) -> Result<Option<Tokens>, ConfigError> {
        if self.token_file.as_os_str().is_empty() {
            return Ok(None);
        }
        Tokens::read(&self.token_file).map(Some)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let (workers, body) = (self.workers as f64, self.body_limit_bytes as f64);
        let connections = self.connections_per_peer as f64;
        range("http.workers", workers, 0.0..=MOST_WORKERS)?;
        range("http.body_limit_bytes", body, 1.0..=MOST_BODY)?;
        range(
            "http.connections_per_peer",
            connections,
            1.0..=MOST_CONNECTIONS,
        )?;
        for (key, seconds) in [
            ("http.head_seconds", self.head_seconds),
            ("http.body_idle_seconds", self.body_idle_seconds),
            ("http.write_stall_seconds", self.write_stall_seconds),
            ("http.socket_ping_seconds", self.socket_ping_seconds),
            ("http.socket_stall_seconds", self.socket_stall_seconds),
        ] {
            range(key, seconds, 0.1..=HOUR)?;
        }
        self.check_listen()
    }

    /// What others can reach needs tokens.
    fn check_listen(&self) -> Result<(), ConfigError> {
        let mut addresses = self.listen.addresses().iter();
        let open = addresses.find(|address| !address.ip().is_loopback());
        if let (Some(open), true) = (open, self.token_file.as_os_str().is_empty()) {
            let listen = self.listen.as_str();
            return Err(ConfigError(format!(
                "http.listen is {listen} ({open}), which others can reach, and there are no tokens: set http.token_file to a file with one \"name token\" a line, or listen on 127.0.0.1"
            )));
        }
        Ok(())
    }
}

/// Addresses, with a message that says what was expected.
fn addresses<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<IpAddr>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    let parse = |text: &String| {
        text.parse()
            .map_err(|_| serde::de::Error::custom(format!("expected IP addresses, got \"{text}\"")))
    };
    texts.iter().map(parse).collect()
}

/// Market data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The folder from whose CSV files bars are loaded.
    pub import_dir: PathBuf,
    /// The folder with dialects of one's own; empty for none.
    pub dialects_dir: PathBuf,
    /// The largest file that may be sent there, in MiB.
    pub upload_limit_mb: u64,
    /// Who may read the bars' files, beside the server.
    pub share: Share,
}

impl Data {
    /// The most bytes of a file that is sent.
    pub const fn upload_limit(&self) -> u64 {
        self.upload_limit_mb << 20
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let limit = self.upload_limit_mb as f64;
        range("data.upload_limit_mb", limit, 1.0..=MOST_UPLOAD)
    }
}

/// Who may read what lies in the data folder, beside its owner.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// Nobody else may.
    None,
    /// The folder's group may, and the bars alone.
    Group,
}

/// The log on standard error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// env_logger's filter.
    pub level: String,
}

impl Log {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.level.parse::<log::LevelFilter>().is_ok() {
            return Ok(());
        }
        Err(ConfigError(format!(
            "log.level: expected off, error, warn, info, debug or trace, got \"{}\"",
            self.level
        )))
    }
}

/// Where operations are kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Which engine keeps them.
    pub engine: Engine,
    /// Whether the data folder may be on a network mount.
    pub allow_network_mount: bool,
    /// How much longer every commit takes.
    pub commit_delay_ms: u64,
    /// How long an idempotency key stands for its operation.
    pub idempotency_hours: f64,
}

impl Store {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let delay = self.commit_delay_ms as f64;
        range("store.commit_delay_ms", delay, 0.0..=10_000.0)?;
        range(
            "store.idempotency_hours",
            self.idempotency_hours,
            0.0..=8_784.0,
        )
    }
}

/// Which operations are kept after their end.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// How long an operation is kept after its end.
    pub max_age_days: f64,
    /// How many ended operations are kept at most.
    pub max_operations: u64,
    /// How long the checkpoints of a cancelled operation are kept after its end.
    pub cancelled_checkpoints_hours: f64,
    /// How often old ones are looked for.
    pub every_seconds: f64,
}

impl Retention {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        range("retention.max_age_days", self.max_age_days, 0.0..=36_600.0)?;
        range(
            "retention.cancelled_checkpoints_hours",
            self.cancelled_checkpoints_hours,
            0.0..=878_400.0,
        )?;
        range(
            "retention.every_seconds",
            self.every_seconds,
            0.05..=86_400.0,
        )
    }
}

/// The engines of the store.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// One file in the data folder.
    Sqlite,
    /// The memory of the process: everything is lost when it ends.
    Memory,
}

/// One lane.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// How many functions run at a time.
    pub concurrency: usize,
    /// How many operations may wait that could run.
    pub queue_limit: u64,
    /// How many operations may wait for their time.
    pub delayed_limit: u64,
    /// Threads that each function may use.
    pub threads: usize,
}

impl Lane {
    pub(super) fn check(&self, name: &str) -> Result<(), ConfigError> {
        lane_name(name)?;
        for (key, value) in [("concurrency", self.concurrency), ("threads", self.threads)] {
            range(
                &format!("lanes.{name}.{key}"),
                value as f64,
                1.0..=MOST_THREADS,
            )?;
        }
        Ok(())
    }
}

/// A lane's name stands in keys, in paths of metrics and in the code of kinds.
fn lane_name(name: &str) -> Result<(), ConfigError> {
    let plain = |one: u8| one.is_ascii_alphanumeric() || b"-_".contains(&one);
    if (1..=MOST_NAME).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(ConfigError(format!(
        "lanes.{name:?}: expected a lane's name of 1 to {MOST_NAME} ASCII letters, digits, - and _"
    )))
}

/// The supervisor.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supervision {
    /// The niceness of the lanes' threads, 0 to 19.
    pub nice: i64,
    /// The time between two reads of progress.
    pub progress_ms: u64,
    /// How long a shutdown waits for functions that were asked to stop.
    pub shutdown_grace_seconds: f64,
    /// Threads for admission and short work.
    pub blocking_threads: usize,
}

impl Supervision {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let (nice, threads) = (self.nice as f64, self.blocking_threads as f64);
        range("supervision.nice", nice, 0.0..=19.0)?;
        range(
            "supervision.progress_ms",
            self.progress_ms as f64,
            10.0..=10_000.0,
        )?;
        let grace = self.shutdown_grace_seconds;
        range("supervision.shutdown_grace_seconds", grace, 0.0..=HOUR)?;
        range("supervision.blocking_threads", threads, 1.0..=MOST_THREADS)
    }
}
