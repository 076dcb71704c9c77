//! How the server is set up: `config/default.toml`, a file over it, the command line over both.

mod error;
mod files;
mod listen;
mod names;
mod overlay;
mod sections;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use impresario::LaneConfig;
use serde::Deserialize;
use toml::{Table, Value};

pub use error::ConfigError;
pub use listen::Listen;
pub use names::{HostName, Origin};
pub use sections::{Data, Engine, Http, Lane, Log, Retention, Share, Store, Supervision};
pub use tokens::{Token, Tokens};

/// Every key with its default.
const DEFAULT: &str = include_str!("../config/default.toml");

/// Supervises long-running operations and serves them over HTTP.
#[derive(Debug, Default, Parser)]
#[command(name = "impresariod", version)]
pub struct Args {
    /// A TOML file whose keys replace the defaults
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The address to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// The folder for everything that is stored on disk
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Sets any key of the configuration, such as lanes.default.queue_limit=3; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

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
    /// Which operations are kept after their end.
    pub retention: Retention,
    /// The lanes by name.
    pub lanes: BTreeMap<String, Lane>,
    /// The supervisor.
    pub supervision: Supervision,
}

impl Settings {
    /// Defaults, the file and the command line, checked.
    pub fn load(args: &Args) -> Result<Self, ConfigError> {
        Self::load_over(&BTreeMap::new(), args)
    }

    /// The same over lanes that the program has beside the default ones: the file and the command line may
    /// change each of their keys.
    pub fn load_over(
        lanes: &BTreeMap<String, LaneConfig>,
        args: &Args,
    ) -> Result<Self, ConfigError> {
        let defaults = defaults()?;
        let mut table = defaults.clone();
        add_lanes(&mut table, lanes);
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
        let lane = |lane: &Lane| {
            LaneConfig::default()
                .concurrency(lane.concurrency)
                .queue_limit(lane.queue_limit)
                .delayed_limit(lane.delayed_limit)
                .threads(lane.threads)
        };
        let kept = &self.retention;
        let retention = impresario::Retention::default()
            .max_age(Duration::from_secs_f64(kept.max_age_days * 86_400.0))
            .max_operations(kept.max_operations)
            .cancelled_checkpoints(hours(kept.cancelled_checkpoints_hours))
            .every(Duration::from_secs_f64(kept.every_seconds));
        let supervision = &self.supervision;
        let grace = Duration::from_secs_f64(supervision.shutdown_grace_seconds);
        let keys = hours(self.store.idempotency_hours);
        let mut config = impresario::Config::default()
            // It was checked to be 0 to 19.
            .nice(supervision.nice as i32)
            .checkpoint_dir(Some(self.checkpoints_dir()))
            .progress_every(Duration::from_millis(supervision.progress_ms))
            .shutdown_grace(grace)
            .blocking_threads(supervision.blocking_threads)
            .idempotency_kept(keys)
            .retention(retention);
        let lanes = self.lanes.iter();
        config.lanes = lanes.map(|(name, one)| (name.clone(), lane(one))).collect();
        config
    }

    /// Where bars are kept.
    pub fn bars_dir(&self) -> PathBuf {
        self.data_dir.join("bars")
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
        if !self.data.dialects_dir.as_os_str().is_empty() {
            self.data.dialects_dir = files::whole("data.dialects_dir", &self.data.dialects_dir)?;
        }
        if !self.http.token_file.as_os_str().is_empty() {
            self.http.token_file = files::whole("http.token_file", &self.http.token_file)?;
        }
        Ok(())
    }

    /// Checks what the types do not say.
    fn check(&self) -> Result<(), ConfigError> {
        self.http.check()?;
        self.data.check()?;
        self.log.check()?;
        self.store.check()?;
        self.retention.check()?;
        self.supervision.check()?;
        let mut lanes = self.lanes.iter();
        lanes.try_for_each(|(name, lane)| lane.check(name))
    }
}

fn hours(hours: f64) -> Duration {
    Duration::from_secs_f64(hours * 3_600.0)
}

fn defaults() -> Result<Table, ConfigError> {
    toml::from_str(DEFAULT).map_err(|error| ConfigError(format!("config/default.toml: {error}")))
}

/// Adds the program's own lanes to the defaults, or replaces them there.
fn add_lanes(table: &mut Table, lanes: &BTreeMap<String, LaneConfig>) {
    let Some(Value::Table(table)) = table.get_mut("lanes") else {
        return;
    };
    for (name, lane) in lanes {
        // What is too large for TOML is out of its range too.
        let integer = |value: u64| Value::Integer(i64::try_from(value).unwrap_or(i64::MAX));
        let keys = [
            ("concurrency", integer(lane.concurrency as u64)),
            ("queue_limit", integer(lane.queue_limit)),
            ("delayed_limit", integer(lane.delayed_limit)),
            ("threads", integer(lane.threads as u64)),
        ];
        let keys = keys.map(|(key, value)| (key.to_owned(), value));
        table.insert(name.clone(), Value::Table(Table::from_iter(keys)));
    }
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

#[cfg(test)]
mod tests;
