//! The life of an operation: one `match` from (state, input) to what follows.
//!
//! Live verbs and recovery go through the same function, so there is no second opinion.
//! Tables: `docs/ARCHITECTURE.md`, "Lifecycle".

use impresario_api::{OperationError, Status, Stop, StopVerb, Timestamp, Verb};

use super::retry::{Backoff, backoff_ms};
use crate::operation::{RunEnd, RunFailure};

/// The recorded status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recorded {
    /// Waits.
    Pending,
    /// A run is going on.
    Running,
    /// Rests.
    Paused,
    /// Ended with an output.
    Completed,
    /// Ended with an error.
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
    /// Between attempts.
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
    /// Not dispatched before.
    pub not_before: Option<Timestamp>,
    /// Whether there is something to go on from.
    pub has_checkpoint: bool,
    /// The last attempt's error, kept until completed.
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
            has_checkpoint: false,
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
        self.status == Recorded::Completed && self.stop_verb() == Some(StopVerb::Finish)
    }

    /// The verbs that may be asked of it now and would do something.
    pub fn verbs(&self) -> Vec<Verb> {
        let does = |verb: &Verb| matches!(rule(self, *verb), Ok(Ruling::Do | Ruling::New));
        Verb::ALL.iter().copied().filter(does).collect()
    }

    fn stop_verb(&self) -> Option<StopVerb> {
        self.stop.as_ref().map(|stop| stop.verb)
    }
}

/// What happens to an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A slot takes it: the next run begins.
    Dispatched,
    /// Somebody asks something of it. `retry` records nothing here: it makes a new operation.
    Asked {
        /// What.
        verb: Verb,
        /// Who.
        by: String,
        /// Why, if they said.
        reason: Option<String>,
    },
    /// The run's time is over.
    TimedOut {
        /// Which run's.
        run: u32,
        /// For a person: "one run may take 30 s".
        reason: String,
    },
    /// The process is going down and the run was asked to go.
    ShuttingDown {
        /// Which run.
        run: u32,
    },
    /// The run ended.
    Ended {
        /// Which run.
        run: u32,
        /// How.
        end: RunEnd,
        /// The stop that the supervisor signalled, in case that the store could not record it.
        signalled: Option<Stop>,
    },
}

/// Time and randomness, passed in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Now.
    pub now: Timestamp,
    /// In 0..1, for the jitter of a backoff.
    pub jitter: f64,
}

/// The durable event that a change is told by.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Nothing changed, nothing is told.
    Nothing,
    /// The new status, complete in itself.
    Status,
    /// The verb `resume` took it back to pending.
    Resumed {
        /// By whom.
        by: String,
        /// Why, if they said.
        reason: Option<String>,
    },
}

/// What follows from an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The state after it.
    pub state: State,
    /// What is told.
    pub told: Told,
    /// A retry makes a new operation with the same params.
    pub new_operation: bool,
}

/// Why an input does not apply. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It is over.
    AlreadyEnded,
    /// The verb does not apply in this status.
    WrongState(Verb),
    /// The kind cannot do it.
    NotSupported(Verb),
    /// A stronger stop is already under way.
    Stopping(Verb, StopVerb),
    /// Nothing to resume from.
    NoCheckpoint,
    /// The write carries the number of a run that is not going on.
    Fenced(u32),
    /// Only a pending operation can be dispatched.
    NotPending,
}

impl Rejection {
    /// For a person: what was asked, how things stand, what would do.
    pub fn explain(self, state: &State) -> String {
        let status = state.shown();
        let would = match state.verbs() {
            verbs if verbs.is_empty() => "nothing".to_owned(),
            verbs => verbs
                .iter()
                .map(|verb| verb.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        };
        match self {
            Self::AlreadyEnded => {
                format!("the operation has ended: it is {status}; what would do: {would}")
            }
            Self::WrongState(verb) => {
                format!(
                    "{verb} does not apply while the operation is {status}; what would do: {would}"
                )
            }
            Self::NotSupported(verb) => {
                format!("operations of this kind cannot be asked to {verb}; what would do: {would}")
            }
            Self::Stopping(verb, stop) => {
                format!(
                    "{verb} was asked while a stronger stop, {stop}, is under way; what would do: {would}"
                )
            }
            Self::NoCheckpoint => {
                format!("there is no checkpoint to resume from; what would do: {would}")
            }
            Self::Fenced(run) => format!("run {run} is not the one that is going on"),
            Self::NotPending => {
                format!("only a pending operation can be dispatched, this one is {status}")
            }
        }
    }
}

/// What a verb would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It changes the operation.
    Do,
    /// It is so already: a success, and nothing is recorded.
    Already,
    /// It makes a new operation.
    New,
}

/// Whether `verb` applies: the table "Outside a run", and the ranks of stops within one.
pub fn rule(state: &State, verb: Verb) -> Result<Ruling, Rejection> {
    use Recorded::{Cancelled, Completed, Failed, Paused, Pending, Running};
    match (verb, state.status) {
        (Verb::Cancel, Pending | Paused) | (Verb::Pause, Pending) | (Verb::Resume, Paused) => {
            Ok(Ruling::Do)
        }
        (Verb::Cancel, Cancelled) | (Verb::Pause, Paused) | (Verb::Resume, Pending) => {
            Ok(Ruling::Already)
        }
        (Verb::Cancel, Completed | Failed)
        | (Verb::Pause | Verb::Finish, Completed | Failed | Cancelled)
        | (Verb::Resume, Completed) => Err(Rejection::AlreadyEnded),
        (Verb::Resume, Failed | Cancelled) if state.has_checkpoint => Ok(Ruling::Do),
        (Verb::Resume, Failed | Cancelled) => Err(Rejection::NoCheckpoint),
        (Verb::Retry, Completed | Failed | Cancelled) => Ok(Ruling::New),
        (Verb::Finish, Pending | Paused)
        | (Verb::Resume, Running)
        | (Verb::Retry, Pending | Paused | Running) => Err(Rejection::WrongState(verb)),
        (Verb::Cancel, Running) => rank(state, verb, StopVerb::Cancel),
        (Verb::Pause, Running) if state.terms.pausable => rank(state, verb, StopVerb::Pause),
        (Verb::Finish, Running) if state.terms.finishable => rank(state, verb, StopVerb::Finish),
        (Verb::Pause | Verb::Finish, Running) => Err(Rejection::NotSupported(verb)),
    }
}

/// Finish < pause < deadline < cancel: a stronger one replaces a weaker, the same again is no news.
fn rank(state: &State, verb: Verb, stop: StopVerb) -> Result<Ruling, Rejection> {
    match state.stop_verb() {
        Some(under_way) if under_way == stop => Ok(Ruling::Already),
        Some(under_way) if under_way > stop => Err(Rejection::Stopping(verb, under_way)),
        _ => Ok(Ruling::Do),
    }
}

/// What follows from `input`; an illegal pair is an `Err`.
pub fn next(state: &State, input: &Input, moment: Moment) -> Result<Change, Rejection> {
    match input {
        Input::Dispatched if state.status == Recorded::Pending => Ok(dispatched(state)),
        Input::Dispatched => Err(Rejection::NotPending),
        Input::Asked { verb, by, reason } => match rule(state, *verb)? {
            Ruling::Do => Ok(asked(state, *verb, by, reason.as_deref(), moment)),
            Ruling::Already => Ok(Change::none(state)),
            Ruling::New => Ok(Change {
                new_operation: true,
                ..Change::none(state)
            }),
        },
        Input::TimedOut { run, .. } | Input::ShuttingDown { run } | Input::Ended { run, .. }
            if state.status != Recorded::Running || state.run != *run =>
        {
            Err(Rejection::Fenced(*run))
        }
        Input::TimedOut { .. } if state.stop_verb() >= Some(StopVerb::Deadline) => {
            Ok(Change::none(state))
        }
        Input::TimedOut { reason, .. } => {
            let stop = stop(StopVerb::Deadline, "impresario", Some(reason), moment);
            Ok(Change::told(State {
                stop: Some(stop),
                ..state.clone()
            }))
        }
        Input::ShuttingDown { .. } => Ok(Change {
            told: Told::Nothing,
            ..Change::told(State {
                shutdown: true,
                ..state.clone()
            })
        }),
        Input::Ended { end, signalled, .. } => {
            let mut state = state.clone();
            if signalled.as_ref().map(|stop| stop.verb) > state.stop_verb() {
                state.stop.clone_from(signalled);
            }
            Ok(Change::told(ended(&state, end, moment)))
        }
    }
}

impl Change {
    fn none(state: &State) -> Self {
        Self {
            state: state.clone(),
            told: Told::Nothing,
            new_operation: false,
        }
    }

    fn told(state: State) -> Self {
        Self {
            state,
            told: Told::Status,
            new_operation: false,
        }
    }
}

fn stop(verb: StopVerb, by: &str, reason: Option<&str>, moment: Moment) -> Stop {
    Stop {
        verb,
        requested_at: moment.now,
        requested_by: by.to_owned(),
        reason: reason.map(str::to_owned),
    }
}

/// A run begins: its number is new, and of the stops only a kept finish goes on.
fn dispatched(state: &State) -> Change {
    let finish = state
        .stop
        .clone()
        .filter(|stop| stop.verb == StopVerb::Finish);
    Change::told(State {
        status: Recorded::Running,
        run: state.run + 1,
        stop: finish,
        shutdown: false,
        not_before: None,
        ..state.clone()
    })
}

/// A verb that does something.
fn asked(state: &State, verb: Verb, by: &str, reason: Option<&str>, moment: Moment) -> Change {
    let running = state.status == Recorded::Running;
    let stopped = |stop_verb, rests| State {
        status: if running { Recorded::Running } else { rests },
        stop: Some(stop(stop_verb, by, reason, moment)),
        not_before: if running { state.not_before } else { None },
        ..state.clone()
    };
    match verb {
        Verb::Cancel => Change::told(stopped(StopVerb::Cancel, Recorded::Cancelled)),
        Verb::Pause => Change::told(stopped(StopVerb::Pause, Recorded::Paused)),
        Verb::Finish => Change::told(stopped(StopVerb::Finish, state.status)),
        Verb::Retry => Change {
            new_operation: true,
            ..Change::none(state)
        },
        Verb::Resume => Change {
            told: Told::Resumed {
                by: by.to_owned(),
                reason: reason.map(str::to_owned),
            },
            state: State {
                status: Recorded::Pending,
                stop: None,
                not_before: None,
                attempt: if state.status.is_ended() {
                    1
                } else {
                    state.attempt
                },
                ..state.clone()
            },
            new_operation: false,
        },
    }
}

/// What a run's end means: the first table of the lifecycle, column by column.
fn ended(state: &State, end: &RunEnd, moment: Moment) -> State {
    use StopVerb::{Cancel, Deadline, Finish, Pause};
    let to = |status| State {
        status,
        ..state.clone()
    };
    let failed = |error| State {
        error: Some(error),
        ..to(Recorded::Failed)
    };
    match (end, state.stop_verb()) {
        (RunEnd::Returned, _) | (RunEnd::Ignored, Some(Finish)) => State {
            error: None,
            ..to(Recorded::Completed)
        },
        (RunEnd::Stopped | RunEnd::Ignored, None | Some(Finish)) => to(Recorded::Pending),
        (RunEnd::Stopped | RunEnd::Ignored | RunEnd::Lost, Some(Pause)) => to(Recorded::Paused),
        (RunEnd::Stopped | RunEnd::Ignored | RunEnd::Lost, Some(Cancel)) => to(Recorded::Cancelled),
        (RunEnd::Stopped | RunEnd::Ignored | RunEnd::Lost, Some(Deadline)) => {
            failed(deadline(state))
        }
        (RunEnd::Failed(failure) | RunEnd::Panicked(failure), Some(Cancel)) => State {
            error: Some(error(state, failure)),
            ..to(Recorded::Cancelled)
        },
        (RunEnd::Failed(failure) | RunEnd::Panicked(failure), Some(Pause | Deadline)) => {
            failed(error(state, failure))
        }
        (RunEnd::Failed(failure), None | Some(Finish)) => {
            tried_again(state, error(state, failure), failure.retryable, moment)
        }
        (RunEnd::Panicked(failure), None | Some(Finish)) => tried_again(
            state,
            error(state, failure),
            state.terms.retry_panics,
            moment,
        ),
        (RunEnd::Lost, None | Some(Finish)) => lost(state),
    }
}

/// The retry policy: the next attempt after a backoff, or the end.
fn tried_again(state: &State, error: OperationError, retryable: bool, moment: Moment) -> State {
    let error = OperationError { retryable, ..error };
    if !retryable || state.attempt >= state.terms.max_attempts {
        return State {
            status: Recorded::Failed,
            error: Some(error),
            ..state.clone()
        };
    }
    let wait = backoff_ms(state.terms.backoff, state.attempt, moment.jitter);
    State {
        status: Recorded::Pending,
        attempt: state.attempt + 1,
        not_before: Some(moment.now.plus_millis(wait)),
        error: Some(error),
        ..state.clone()
    }
}

/// A run that went with its process: free after a shutdown mark, else it costs an attempt.
fn lost(state: &State) -> State {
    if state.shutdown {
        return State {
            status: Recorded::Pending,
            ..state.clone()
        };
    }
    let spent = state.attempt >= state.terms.max_attempts;
    let message = match (state.terms.fail_when_lost, spent) {
        (true, _) => {
            "the process ended under the run, and this kind is not run again by itself".to_owned()
        }
        (false, true) => format!(
            "the process ended under the run, and attempt {} was the last",
            state.attempt
        ),
        (false, false) => {
            return State {
                status: Recorded::Pending,
                attempt: state.attempt + 1,
                ..state.clone()
            };
        }
    };
    let error = OperationError {
        code: "LOST".to_owned(),
        message,
        details: None,
        retryable: true,
        run: state.run,
        step: None,
    };
    State {
        status: Recorded::Failed,
        error: Some(error),
        ..state.clone()
    }
}

fn error(state: &State, failure: &RunFailure) -> OperationError {
    OperationError {
        code: failure.code.clone(),
        message: failure.message.clone(),
        details: failure.details.clone(),
        retryable: failure.retryable,
        run: state.run,
        step: failure.step.clone(),
    }
}

fn deadline(state: &State) -> OperationError {
    let reason = state.stop.as_ref().and_then(|stop| stop.reason.clone());
    OperationError {
        code: "DEADLINE_EXCEEDED".to_owned(),
        message: reason.unwrap_or_else(|| "the run took longer than it may".to_owned()),
        details: None,
        retryable: true,
        run: state.run,
        step: None,
    }
}
