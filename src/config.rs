//! How the server is set up: `config/default.toml`, a file over it, the command line over both.

mod files;
mod listen;
mod names;
mod overlay;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use impresario::LaneConfig;
use serde::Deserialize;
use toml::Table;

use crate::domain::market::Library;
use crate::http::Limits;
pub use listen::Listen;
pub use names::{HostName, Origin};
pub use tokens::{Token, Tokens};

/// Every key with its default.
const DEFAULT: &str = include_str!("../config/default.toml");

/// Of HTTP workers: actix-server has no more.
const MOST_WORKERS: f64 = 256.0;
/// Of the connections of one peer.
const MOST_CONNECTIONS: f64 = 1e6;
/// Of anything that takes threads.
const MOST_THREADS: f64 = 1_024.0;
/// Of one body, which is held in memory: 1 GiB.
const MOST_BODY: f64 = 1_073_741_824.0;

/// Of a lane's name, in characters.
const MOST_NAME: usize = 64;

/// Supervises long-running operations and serves them over HTTP.
#[derive(Debug, Default, Parser)]
#[command(name = "impresariod", version)]
pub struct Args {
    /// A TOML file, laid over the defaults
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// The folder of everything that is kept on disk
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Any key of the configuration: lanes.default.queue_limit=3
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Why the configuration cannot be used: one sentence for a person.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// The whole configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The folder of everything that is kept on disk.
    pub data_dir: PathBuf,
    /// The HTTP side.
    pub http: Http,
    /// Market data.
    pub data: Data,
    /// The log on standard error.
    pub log: Log,
    /// Where operations are kept.
    pub store: Store,
    /// What is kept of what has ended.
    pub retention: Retention,
    /// The lanes by name.
    pub lanes: BTreeMap<String, Lane>,
    /// The supervisor.
    pub supervision: Supervision,
}

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
    /// Empty: no tokens.
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
    /// Between two pings on a live socket.
    pub socket_ping_seconds: f64,
    /// How long a live socket's client may read nothing.
    pub socket_stall_seconds: f64,
}

/// Market data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The folder from whose CSV files bars are loaded.
    pub import_dir: PathBuf,
    /// Who may read the bars' files, beside the server.
    pub share: Share,
}

/// Who may read what lies in the data folder, beside its owner.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// Nobody.
    None,
    /// The folder's group, and the bars alone.
    Group,
}

/// The log on standard error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// env_logger's filter.
    pub level: String,
}

/// Where operations are kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Its engine.
    pub engine: Engine,
    /// Also on a network mount.
    pub allow_network_mount: bool,
    /// Every commit takes so much longer.
    pub commit_delay_ms: u64,
    /// For so long a key stands for its operation.
    pub idempotency_hours: f64,
}

/// What is kept of what has ended.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// So long after its end.
    pub max_age_days: f64,
    /// At most so many.
    pub max_operations: u64,
    /// How often it is looked.
    pub every_seconds: f64,
}

/// The engines of the store.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// One file in the data folder.
    Sqlite,
    /// Forgets when the process ends.
    Memory,
}

/// One lane.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// Functions at a time.
    pub concurrency: usize,
    /// Operations that may wait.
    pub queue_limit: u64,
    /// Operations that may wait for their time.
    pub delayed_limit: u64,
    /// Threads of each function.
    pub threads: usize,
}

/// The supervisor.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supervision {
    /// 0 to 19.
    pub nice: i64,
    /// Between two reads of progress.
    pub progress_ms: u64,
    /// For functions that were asked to go.
    pub shutdown_grace_seconds: f64,
    /// Admission and short work.
    pub blocking_threads: usize,
}

impl Settings {
    /// Defaults, the file and the command line, checked.
    pub fn load(args: &Args) -> Result<Self, ConfigError> {
        let defaults = defaults()?;
        let mut table = defaults.clone();
        if let Some(path) = &args.config {
            let path = files::whole("--config", path)?;
            overlay::merge(&mut table, read_table(&path)?, &defaults)?;
        }
        let listen = args.listen.as_ref().map(|value| ("http.listen", value));
        let data_dir = args.data_dir.as_ref().map(|value| ("data_dir", value));
        for (key, value) in listen.into_iter().chain(data_dir) {
            overlay::set(&mut table, key, value, &defaults)?;
        }
        let mut given = BTreeSet::new();
        for pair in &args.set {
            let (key, value) = pair.split_once('=').ok_or_else(|| {
                ConfigError(format!("--set takes KEY=VALUE, for example --set lanes.default.queue_limit=3; got \"{pair}\""))
            })?;
            if !given.insert(key.trim()) {
                let key = key.trim();
                return Err(ConfigError(format!(
                    "--set {key} is given twice; give it once"
                )));
            }
            overlay::set(&mut table, key.trim(), value, &defaults)?;
        }
        let mut settings: Self = table.try_into().map_err(|error| of_type(&error))?;
        settings.check()?;
        settings.settle_paths()?;
        Ok(settings)
    }

    /// The supervisor's part.
    pub fn supervisor(&self) -> impresario::Config {
        let lane = |lane: &Lane| LaneConfig {
            concurrency: lane.concurrency,
            queue_limit: lane.queue_limit,
            delayed_limit: lane.delayed_limit,
            threads: lane.threads,
        };
        impresario::Config {
            lanes: self
                .lanes
                .iter()
                .map(|(name, one)| (name.clone(), lane(one)))
                .collect(),
            // It was checked to be 0 to 19.
            nice: self.supervision.nice as i32,
            checkpoint_dir: Some(self.checkpoints_dir()),
            progress_every: Duration::from_millis(self.supervision.progress_ms),
            shutdown_grace: Duration::from_secs_f64(self.supervision.shutdown_grace_seconds),
            blocking_threads: self.supervision.blocking_threads,
            idempotency_kept: Duration::from_secs_f64(self.store.idempotency_hours * 3_600.0),
            retention: impresario::Retention {
                max_age: Duration::from_secs_f64(self.retention.max_age_days * 86_400.0),
                max_operations: self.retention.max_operations,
                every: Duration::from_secs_f64(self.retention.every_seconds),
            },
            ..impresario::Config::default()
        }
    }

    /// What has been loaded, in a folder that need not exist yet.
    pub fn library(&self) -> Library {
        let shared = self.data.share == Share::Group;
        Library::new(self.data_dir.join("bars")).readable_by_group(shared)
    }

    /// Where big checkpoints are kept.
    pub fn checkpoints_dir(&self) -> PathBuf {
        self.data_dir.join("checkpoints")
    }

    /// Where trained models are kept.
    pub fn models_dir(&self) -> PathBuf {
        self.data_dir.join("models")
    }

    /// Everything that is said of a path later says it whole.
    fn settle_paths(&mut self) -> Result<(), ConfigError> {
        self.data_dir = files::whole("data_dir", &self.data_dir)?;
        self.data.import_dir = files::whole("data.import_dir", &self.data.import_dir)?;
        if !self.http.token_file.as_os_str().is_empty() {
            self.http.token_file = files::whole("http.token_file", &self.http.token_file)?;
        }
        Ok(())
    }

    /// What the types do not say.
    fn check(&self) -> Result<(), ConfigError> {
        for (key, value, low, high) in self.ranges() {
            range(key, value, low, high)?;
        }
        for (name, lane) in &self.lanes {
            lane_name(name)?;
            for (key, value) in [("concurrency", lane.concurrency), ("threads", lane.threads)] {
                range(
                    &format!("lanes.{name}.{key}"),
                    value as f64,
                    1.0,
                    MOST_THREADS,
                )?;
            }
        }
        if self.log.level.parse::<log::LevelFilter>().is_err() {
            return Err(ConfigError(format!(
                "log.level: expected off, error, warn, info, debug or trace, got \"{}\"",
                self.log.level
            )));
        }
        self.check_listen()
    }

    /// Keys with a range: their values, the lowest and the highest.
    fn ranges(&self) -> [(&'static str, f64, f64, f64); 16] {
        let Self {
            http,
            store,
            retention,
            supervision,
            ..
        } = self;
        let (body, threads) = (
            http.body_limit_bytes as f64,
            supervision.blocking_threads as f64,
        );
        let (peer, workers) = (http.connections_per_peer as f64, http.workers as f64);
        let (nice, progress) = (supervision.nice as f64, supervision.progress_ms as f64);
        let (grace, hour) = (supervision.shutdown_grace_seconds, 3_600.0);
        [
            ("http.body_limit_bytes", body, 1.0, MOST_BODY),
            ("http.connections_per_peer", peer, 1.0, MOST_CONNECTIONS),
            ("http.head_seconds", http.head_seconds, 0.1, hour),
            ("http.body_idle_seconds", http.body_idle_seconds, 0.1, hour),
            (
                "http.write_stall_seconds",
                http.write_stall_seconds,
                0.1,
                hour,
            ),
            (
                "http.socket_ping_seconds",
                http.socket_ping_seconds,
                0.1,
                hour,
            ),
            (
                "http.socket_stall_seconds",
                http.socket_stall_seconds,
                0.1,
                hour,
            ),
            ("http.workers", workers, 0.0, MOST_WORKERS),
            ("supervision.blocking_threads", threads, 1.0, MOST_THREADS),
            ("supervision.nice", nice, 0.0, 19.0),
            ("supervision.progress_ms", progress, 10.0, 10_000.0),
            ("supervision.shutdown_grace_seconds", grace, 0.0, hour),
            (
                "store.idempotency_hours",
                store.idempotency_hours,
                0.0,
                8_784.0,
            ),
            (
                "store.commit_delay_ms",
                store.commit_delay_ms as f64,
                0.0,
                10_000.0,
            ),
            (
                "retention.max_age_days",
                retention.max_age_days,
                0.0,
                36_600.0,
            ),
            (
                "retention.every_seconds",
                retention.every_seconds,
                0.05,
                86_400.0,
            ),
        ]
    }

    /// What others can reach needs tokens.
    fn check_listen(&self) -> Result<(), ConfigError> {
        let mut addresses = self.http.listen.addresses().iter();
        let open = addresses.find(|address| !address.ip().is_loopback());
        if let (Some(open), true) = (open, self.http.token_file.as_os_str().is_empty()) {
            let listen = self.http.listen.as_str();
            return Err(ConfigError(format!(
                "http.listen is {listen} ({open}), which others can reach, and there are no tokens: set http.token_file to a file with one \"name token\" a line, or listen on 127.0.0.1"
            )));
        }
        Ok(())
    }
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

    /// How live sockets are kept.
    pub fn socket_limits(&self) -> Limits {
        Limits {
            ping_every: Duration::from_secs_f64(self.socket_ping_seconds),
            stall: Duration::from_secs_f64(self.socket_stall_seconds),
        }
    }

    /// The tokens, when there is a file of them.
    pub fn tokens(&self) -> Result<Option<Tokens>, ConfigError> {
        if self.token_file.as_os_str().is_empty() {
            return Ok(None);
        }
        Tokens::read(&self.token_file).map(Some)
    }
}

fn defaults() -> Result<Table, ConfigError> {
    toml::from_str(DEFAULT).map_err(|error| ConfigError(format!("config/default.toml: {error}")))
}

fn read_table(path: &Path) -> Result<Table, ConfigError> {
    let text = files::text(&files::open(path)?, path)?;
    toml::from_str(&text)
        .map_err(|error| ConfigError(format!("{} is not TOML: {error}", path.display())))
}

/// A value that its key's type cannot hold. The key comes first, as in every other fault.
fn of_type(error: &toml::de::Error) -> ConfigError {
    let text = error.to_string();
    let text = text.trim_end();
    ConfigError(match text.rsplit_once("\nin `") {
        Some((what, key)) => format!("{}: {what}", key.trim_end_matches('`')),
        None => text.to_owned(),
    })
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

fn range(key: &str, value: f64, low: f64, high: f64) -> Result<(), ConfigError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(ConfigError(format!(
        "{key} must be {low} to {high}, got {value}"
    )))
}

#[cfg(test)]
mod tests;
