//! How a kind is supervised.

use std::time::Duration;

use crate::rules::checkpoints::CheckpointTiming;
use crate::rules::retry::Backoff;

/// How a kind is supervised. Begins with [`Policy::lane`]; everything else has a default.
///
/// ```
/// use impresario::operation::Policy;
/// use std::time::Duration;
///
/// let policy = Policy::lane("default")
///     .pausable()
///     .finishable()
///     .max_attempts(5)
///     .backoff(Duration::from_secs(2), Duration::from_secs(120))
///     .retry_panics()
///     .fail_when_lost()
///     .timeout(Duration::from_secs(3_600))
///     .grace(Duration::from_secs(2))
///     .checkpoint_every(Duration::from_secs(30))
///     .checkpoint_share(0.02)
///     .unique_by(&["symbol", "timeframe"])
///     .fork_may_change(&["epochs"])
///     .admit_within(Duration::from_secs(1));
/// # let _ = policy;
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) lane: &'static str,
    pub(crate) pausable: bool,
    pub(crate) finishable: bool,
    pub(crate) max_attempts: u32,
    pub(crate) backoff: Backoff,
    pub(crate) retry_panics: bool,
    pub(crate) fail_when_lost: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) grace: Duration,
    pub(crate) checkpoints: CheckpointTiming,
    pub(crate) unique_by: Vec<&'static str>,
    pub(crate) fork_may_change: Vec<&'static str>,
    pub(crate) admit_within: Duration,
}

impl Policy {
    /// Runs in this lane. By default: three attempts a second to a minute apart, panics are not
    /// tried again, a lost run goes on, no timeout, 10 s grace, a checkpoint every 5 s.
    pub fn lane(lane: &'static str) -> Self {
        Self {
            lane,
            pausable: false,
            finishable: false,
            max_attempts: 3,
            backoff: Backoff {
                base: Duration::from_secs(1),
                cap: Duration::from_secs(60),
            },
            retry_panics: false,
            fail_when_lost: false,
            timeout: None,
            grace: Duration::from_secs(10),
            checkpoints: CheckpointTiming {
                every: Duration::from_secs(5),
                share: None,
            },
            unique_by: Vec::new(),
            fork_may_change: Vec::new(),
            admit_within: Duration::from_secs(5),
        }
    }

    /// A run can be paused: the function goes on from its checkpoint.
    #[must_use]
    pub fn pausable(self) -> Self {
        Self {
            pausable: true,
            ..self
        }
    }

    /// A run can be finished early: what is done is a result.
    #[must_use]
    pub fn finishable(self) -> Self {
        Self {
            finishable: true,
            ..self
        }
    }

    /// The retry budget, at least 1.
    #[must_use]
    pub fn max_attempts(self, attempts: u32) -> Self {
        Self {
            max_attempts: attempts.max(1),
            ..self
        }
    }

    /// Between attempts: see [`crate::rules::retry`].
    #[must_use]
    pub fn backoff(self, base: Duration, cap: Duration) -> Self {
        Self {
            backoff: Backoff { base, cap },
            ..self
        }
    }

    /// A panic is tried again as a retryable failure is.
    #[must_use]
    pub fn retry_panics(self) -> Self {
        Self {
            retry_panics: true,
            ..self
        }
    }

    /// A run that went with its process fails, instead of going on in the next one.
    #[must_use]
    pub fn fail_when_lost(self) -> Self {
        Self {
            fail_when_lost: true,
            ..self
        }
    }

    /// One run's time; past it the supervisor stops it.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..self
        }
    }

    /// How long the function has to return after it was asked to stop, before its view says
    /// unresponsive.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// How often a checkpoint is kept while the function runs; zero keeps every one that is given.
    #[must_use]
    pub fn checkpoint_every(mut self, every: Duration) -> Self {
        self.checkpoints.every = every;
        self
    }

    /// How much of a run's time its checkpoints may take, over 0 and at most 1: 0.02 is 2 %. It is for
    /// a kind that gives one at each small step. One is due when so much time has passed since the
    /// last one that its cost is this share of it (for 0.02, fifty times its cost), and at least
    /// 0.25 s. The cost is what giving it takes the function, also when it could not be written. A
    /// pause, a shutdown, a cancel and a deadline want one at the next call, whatever it costs.
    ///
    /// [`Policy::checkpoint_every`] then only says how long a pause waits for the next call.
    #[must_use]
    pub fn checkpoint_share(mut self, share: f64) -> Self {
        self.checkpoints.share = Some(share);
        self
    }

    /// While one with the same values of these params is live, another start is a duplicate.
    #[must_use]
    pub fn unique_by(self, params: &[&'static str]) -> Self {
        Self {
            unique_by: params.to_vec(),
            ..self
        }
    }

    /// The params that may change when an operation of this kind is forked: the function must be able to go
    /// on with them from a checkpoint that was given with others. None by default.
    #[must_use]
    pub fn fork_may_change(self, params: &[&'static str]) -> Self {
        Self {
            fork_may_change: params.to_vec(),
            ..self
        }
    }

    /// How long [`ADMIT`](crate::operation::Operation::ADMIT) may take.
    #[must_use]
    pub fn admit_within(self, limit: Duration) -> Self {
        Self {
            admit_within: limit,
            ..self
        }
    }
}
