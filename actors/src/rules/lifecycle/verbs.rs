//! What may be asked of an operation, and why not.

use impresario_api::{StopVerb, Timestamp, Verb};

use super::state::{Recorded, State};

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
    pub fn explain(self, state: &State, now: Timestamp) -> String {
        let status = state.shown();
        let would = match state.verbs(now) {
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

/// Whether `verb` applies at `now`: the table "Outside a run", and the ranks of stops within one.
pub fn rule(state: &State, verb: Verb, now: Timestamp) -> Result<Ruling, Rejection> {
    use Recorded::{Cancelled, Completed, Failed, Paused, Pending, Running};
    match (verb, state.status) {
        (Verb::Cancel, Pending | Paused) | (Verb::Pause, Pending) | (Verb::Resume, Paused) => {
            Ok(Ruling::Do)
        }
        (Verb::Cancel, Cancelled) | (Verb::Pause, Paused) | (Verb::Resume, Pending) => {
            Ok(Ruling::Already)
        }
        (Verb::StartNow, Pending) if state.is_scheduled(now) => Ok(Ruling::Do),
        (Verb::StartNow, Pending) => Ok(Ruling::Already),
        (Verb::Cancel, Completed | Failed)
        | (Verb::Pause | Verb::Finish | Verb::StartNow, Completed | Failed | Cancelled)
        | (Verb::Resume, Completed) => Err(Rejection::AlreadyEnded),
        (Verb::Resume, Failed | Cancelled) if state.has_checkpoint => Ok(Ruling::Do),
        (Verb::Resume, Failed | Cancelled) => Err(Rejection::NoCheckpoint),
        (Verb::Retry, Completed | Failed | Cancelled) => Ok(Ruling::New),
        (Verb::Finish, Pending | Paused)
        | (Verb::Resume, Running)
        | (Verb::StartNow, Paused | Running)
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
