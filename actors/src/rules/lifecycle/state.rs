//! What the rules know of an operation.

use impresario_api::{OperationError, Status, Stop, StopVerb, Timestamp, Verb};

use super::verbs::{Ruling, rule};
use crate::rules::dispatch::is_due;
use crate::rules::retry::Backoff;

/// Time and randomness, passed in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// In 0..1, for the jitter of a backoff.
    pub jitter: f64,
}

/// The recorded status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recorded {
    /// It waits.
    Pending,
    /// A run is going on.
    Running,
    /// It rests.
    Paused,
    /// It ended with an output.
    Completed,
    /// It ended with an error.
    Failed,
    /// Ended because somebody asked.
    Cancelled,
}

impl Recorded {
    /// Whether the operation is over (until a `resume`).
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What the rules must know of an operation's kind; recorded with the operation, so that it
/// keeps the terms under which it was accepted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// Whether a run can be paused.
    pub pausable: bool,
    /// Whether a run can be finished early.
    pub finishable: bool,
    /// The retry budget, at least 1.
    pub max_attempts: u32,
    /// How long a failed run waits for its next attempt.
    pub backoff: Backoff,
    /// Whether a panic is tried again.
    pub retry_panics: bool,
    /// Whether a run that was lost with its process fails instead of going on.
    pub fail_when_lost: bool,
}

/// What the rules must know of an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The recorded status.
    pub status: Recorded,
    /// The recorded wish that it end or rest; kept after the end.
    pub stop: Option<Stop>,
    /// The last execution's number; 0 before the first. It fences every write.
    pub run: u32,
    /// The retry budget used, from 1.
    pub attempt: u32,
    /// Whether the run was asked to go because the process goes: not a stop, replaces none.
    pub shutdown: bool,
    /// Not dispatched before this time, which a person asked for. It is kept until a run begins.
    pub not_before: Option<Timestamp>,
    /// Not tried again before: the backoff of a retry. Whatever a person asks takes it away.
    pub backoff_until: Option<Timestamp>,
    /// Whether there is something to go on from.
    pub has_checkpoint: bool,
    /// Whether its last run was cut by a finish that a stronger stop has replaced since.
    pub early: bool,
    /// The last run's error, kept until a later one ends without an error.
    pub error: Option<OperationError>,
    /// The kind's terms.
    pub terms: Terms,
}

impl State {
    /// A start that was just recorded.
    pub const fn submitted(terms: Terms, not_before: Option<Timestamp>) -> Self {
        Self {
            status: Recorded::Pending,
            stop: None,
            run: 0,
            attempt: 1,
            shutdown: false,
            not_before,
            backoff_until: None,
            has_checkpoint: false,
            early: false,
            error: None,
            terms,
        }
    }

    /// The status that people see.
    pub fn shown(&self) -> Status {
        match (self.status, self.stop_verb()) {
            (Recorded::Pending, _) => Status::Pending,
            (Recorded::Running, Some(StopVerb::Cancel)) => Status::Cancelling,
            (Recorded::Running, Some(StopVerb::Pause)) => Status::Pausing,
            (Recorded::Running, _) => Status::Running,
            (Recorded::Paused, _) => Status::Paused,
            (Recorded::Completed, _) => Status::Completed,
            (Recorded::Failed, _) => Status::Failed,
            (Recorded::Cancelled, _) => Status::Cancelled,
        }
    }

    /// Whether it completed because somebody said `finish`.
    pub fn stopped_early(&self) -> bool {
        let finish = self.early || self.stop_verb() == Some(StopVerb::Finish);
        self.status == Recorded::Completed && finish
    }

    /// The time before which it is not dispatched, if there is one.
    pub fn waits_until(&self) -> Option<Timestamp> {
        self.not_before.max(self.backoff_until)
    }

    /// Whether its time has not come.
    pub fn is_scheduled(&self, now: Timestamp) -> bool {
        self.status == Recorded::Pending && !is_due(self.waits_until(), now)
    }

    /// The verbs that may be asked of it now and would do something.
    pub fn verbs(&self, now: Timestamp) -> Vec<Verb> {
        let does = |verb: &Verb| matches!(rule(self, *verb, now), Ok(Ruling::Do | Ruling::New));
        Verb::ALL.iter().copied().filter(does).collect()
    }

    pub(crate) fn stop_verb(&self) -> Option<StopVerb> {
        self.stop.as_ref().map(|stop| stop.verb)
    }
}
