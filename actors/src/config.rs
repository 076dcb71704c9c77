//! How an orchestrator is set up.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;
use crate::rules::admission::{Limits, most_waiting};
use crate::setters::setters;
use crate::supervision::breakpoints::Breakpoints;

/// How an orchestrator is set up.
///
/// ```
/// use impresario::{Config, LaneConfig, Retention};
/// use std::time::Duration;
///
/// let config = Config::default()
///     .lane("gpu", LaneConfig::default().concurrency(1))
///     .nice(19)
///     .checkpoint_dir(Some("data/checkpoints".into()))
///     .progress_every(Duration::from_millis(250))
///     .shutdown_grace(Duration::from_secs(30))
///     .blocking_threads(2)
///     .idempotency_kept(Duration::from_secs(3_600))
///     .retention(Retention::default().max_operations(10_000));
/// assert_eq!(config.nice, 19);
/// ```
///
/// With the feature `testing` there are two more, for a test:
///
#[cfg_attr(
    feature = "testing",
    doc = "```
use impresario::{Breakpoints, Clock, Config, Point};

let (breakpoints, halts) = Breakpoints::at(&[Point::Committed]);
let config = Config::default().clock(Clock::default()).breakpoints(Some(breakpoints));
# let _ = (config, halts);
```"
)]
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The lanes, by name: at least those that the kinds' policies name.
    pub lanes: BTreeMap<String, LaneConfig>,
    /// The niceness of the lanes' threads, 0–19 (Linux): reads and stops never wait behind work.
    pub nice: i32,
    /// Where the folders of checkpoints are kept; without it a kind that uses them fails with
    /// a message that says so.
    pub checkpoint_dir: Option<PathBuf>,
    /// How often a live operation's progress is read.
    pub progress_every: Duration,
    /// How long `shutdown` waits for functions that were asked to go.
    pub shutdown_grace: Duration,
    /// Threads for admission and short domain work.
    pub blocking_threads: usize,
    /// How long an idempotency key stands for its operation.
    pub idempotency_kept: Duration,
    /// Which operations are kept after their end.
    pub retention: Retention,
    /// The wall clock.
    pub(crate) clock: Clock,
    /// Where a test stops the supervisor.
    pub(crate) breakpoints: Option<Breakpoints>,
}

/// What is kept of operations that have ended: all limits hold. The oldest end goes first, with
/// its events and its checkpoints.
///
/// ```
/// use impresario::Retention;
/// use std::time::Duration;
///
/// let week = Duration::from_secs(7 * 24 * 3_600);
/// let retention = Retention::default()
///     .max_age(week)
///     .max_operations(100_000)
///     .every(Duration::from_secs(600));
/// assert_eq!(retention.max_age, week);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// How long an operation is kept after its end.
    pub max_age: Duration,
    /// How many ended operations are kept at most.
    pub max_operations: u64,
    /// How long the checkpoints of a cancelled operation are kept after its end. Until then it can be
    /// resumed.
    pub cancelled_checkpoints: Duration,
    /// How often old ones are looked for.
    pub every: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(30 * 24 * 60 * 60),
            max_operations: 2_000_000,
            cancelled_checkpoints: Duration::from_secs(24 * 60 * 60),
            every: Duration::from_secs(60),
        }
    }
}

/// How a lane is set up.
///
/// ```
/// use impresario::LaneConfig;
///
/// let lane = LaneConfig::default().concurrency(1).threads(4).queue_limit(20).delayed_limit(200);
/// assert_eq!(lane.threads, 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneConfig {
    /// How many functions run at a time, each in a slot of its own.
    pub concurrency: usize,
    /// How many operations may wait that could run.
    pub queue_limit: u64,
    /// How many may wait for their time, beside those.
    pub delayed_limit: u64,
    /// Threads that each function may use.
    pub threads: usize,
}

impl Default for LaneConfig {
    fn default() -> Self {
        Self {
            concurrency: 2,
            queue_limit: 1_000,
            delayed_limit: 100_000,
            threads: 1,
        }
    }
}

impl LaneConfig {
    setters! { concurrency: usize, queue_limit: u64, delayed_limit: u64, threads: usize }

    /// How many may wait, beside those that find one of so many free slots.
    pub(crate) const fn limits(&self, free_slots: u64) -> Limits {
        Limits {
            waiting: most_waiting(self.queue_limit, free_slots),
            scheduled: self.delayed_limit,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            lanes: BTreeMap::from([("default".to_owned(), LaneConfig::default())]),
            nice: 10,
            checkpoint_dir: None,
            progress_every: Duration::from_millis(100),
            shutdown_grace: Duration::from_secs(10),
            blocking_threads: 4,
            idempotency_kept: Duration::from_secs(24 * 60 * 60),
            retention: Retention::default(),
            clock: Clock::default(),
            breakpoints: None,
        }
    }
}

impl Config {
    /// The same with a lane added or replaced.
    ///
    /// ```
    /// use impresario::{Config, LaneConfig};
    ///
    /// let config = Config::default().lane("gpu", LaneConfig::default().concurrency(1));
    /// assert_eq!(config.lanes.len(), 2);
    /// ```
    #[must_use]
    pub fn lane(mut self, name: &str, lane: LaneConfig) -> Self {
        self.lanes.insert(name.to_owned(), lane);
        self
    }

    setters! {
        nice: i32,
        checkpoint_dir: Option<PathBuf>,
        progress_every: Duration,
        shutdown_grace: Duration,
        blocking_threads: usize,
        idempotency_kept: Duration,
        retention: Retention,
    }

    #[cfg(feature = "testing")]
    setters! {
        clock: Clock,
        breakpoints: Option<Breakpoints>,
    }
}

impl Retention {
    setters! {
        max_age: Duration,
        max_operations: u64,
        cancelled_checkpoints: Duration,
        every: Duration,
    }
}
