//! The life of an operation: one `match` from (state, input) to what follows.
//!
//! Live verbs and recovery go through the same function, so there is no second opinion.
//! Tables: `docs/ARCHITECTURE.md`, "Lifecycle".

mod ended;
mod state;
mod verbs;

use impresario_api::{Stop, StopVerb, Verb};

use self::ended::ended;
pub use self::state::{Moment, Recorded, State, Terms};
pub use self::verbs::{Rejection, Ruling, rule};
use crate::rules::run_end::RunEnd;

/// What happens to an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A slot takes it: the next run begins.
    Dispatched,
    /// Somebody asks something of it. `retry` records nothing here: it makes a new operation.
    Asked {
        /// What is asked.
        verb: Verb,
        /// Who asks.
        by: String,
        /// Why, if they said.
        reason: Option<String>,
    },
    /// The run's time is over.
    TimedOut {
        /// The number of the run.
        run: u32,
        /// For a person: "one run may take 30 s".
        reason: String,
    },
    /// The process is going down and the run was asked to go.
    ShuttingDown {
        /// The number of the run.
        run: u32,
    },
    /// The run ended.
    Ended {
        /// The number of the run.
        run: u32,
        /// How it ended.
        end: RunEnd,
        /// The stop that the supervisor signalled, in case that the store could not record it.
        signalled: Option<Stop>,
    },
}

/// The durable event that a change is told by.
#[derive(Clone, Debug, PartialEq)]
pub enum Announcement {
    /// Nothing changed, nothing is told.
    Nothing,
    /// The new status, complete in itself.
    Status,
    /// The verb `resume` took it back to pending.
    Resumed {
        /// Who asks.
        by: String,
        /// Why, if they said.
        reason: Option<String>,
    },
    /// The verb `start-now` took away the time that it waited for.
    Rescheduled {
        /// Who asks.
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
    /// The event that tells it.
    pub announcement: Announcement,
    /// A retry makes a new operation with the same params.
    pub new_operation: bool,
}

/// What follows from `input`; an illegal pair is an `Err`.
pub fn next(state: &State, input: &Input, moment: Moment) -> Result<Change, Rejection> {
    match input {
        Input::Dispatched if state.status == Recorded::Pending => Ok(dispatched(state)),
        Input::Dispatched => Err(Rejection::NotPending),
        Input::Asked { verb, by, reason } => match rule(state, *verb, moment.now)? {
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
        Input::TimedOut { reason, .. } => Ok(Change::told(State {
            stop: Some(stop(StopVerb::Deadline, "impresario", Some(reason), moment)),
            ..state.clone()
        })),
        Input::ShuttingDown { .. } => Ok(Change {
            announcement: Announcement::Nothing,
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
            announcement: Announcement::Nothing,
            new_operation: false,
        }
    }

    fn told(state: State) -> Self {
        Self {
            state,
            announcement: Announcement::Status,
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
        early: false,
        not_before: None,
        backoff_until: None,
        ..state.clone()
    })
}

/// A verb that does something.
fn asked(state: &State, verb: Verb, by: &str, reason: Option<&str>, moment: Moment) -> Change {
    let running = state.status == Recorded::Running;
    let stopped = |stop_verb, rests| State {
        status: if running { Recorded::Running } else { rests },
        stop: Some(stop(stop_verb, by, reason, moment)),
        backoff_until: None,
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
            announcement: Announcement::Resumed {
                by: by.to_owned(),
                reason: reason.map(str::to_owned),
            },
            ..Change::told(resumed(state))
        },
        Verb::StartNow => Change {
            announcement: Announcement::Rescheduled {
                by: by.to_owned(),
                reason: reason.map(str::to_owned),
            },
            ..Change::told(State {
                not_before: None,
                backoff_until: None,
                ..state.clone()
            })
        },
    }
}

/// Pending again, without the stop; a time that a person asked for goes on to hold.
fn resumed(state: &State) -> State {
    let anew = state.status.is_ended();
    State {
        status: Recorded::Pending,
        stop: None,
        backoff_until: None,
        attempt: if anew { 1 } else { state.attempt },
        ..state.clone()
    }
}
