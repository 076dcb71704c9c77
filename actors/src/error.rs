//! Why the orchestrator did not do what it was asked.

use impresario_api::{Faults, OperationId, Status, Verb};

use crate::folder_lock::LockError;
use crate::operation::Refusal;
use crate::rules::lifecycle::Rejection;
use crate::store::StoreError;

/// Why the orchestrator did not do what it was asked. Nothing has changed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such kind.
    #[error("there is no kind \"{kind}\"; known are: {}", .known.join(", "))]
    KindNotFound {
        /// The kind of the start.
        kind: String,
        /// The kinds that there are.
        known: Vec<String>,
    },
    /// The params are not what the kind takes: every fault.
    #[error("{}", .0.sentence("the params"))]
    InvalidParams(Faults),
    /// The options are out of range: every fault.
    #[error("{}", .0.sentence("the options"))]
    InvalidOptions(Faults),
    /// The kind refused the start, with a code of its own.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// The kind did not say in time whether the start can go ahead.
    #[error("kind \"{kind}\" did not decide within {seconds} s whether this can start")]
    AdmissionTimedOut {
        /// The kind of the start.
        kind: String,
        /// The time it had.
        seconds: f64,
    },
    /// A bug: code on the blocking pool panicked.
    #[error("a panic: {0}")]
    Panicked(String),
    /// The idempotency key stands for another request.
    #[error("this idempotency key was used for {0} with another kind, other params or options")]
    IdempotencyMismatch(OperationId),
    /// A live operation does the same.
    #[error("{0} is live and does the same; wait for it, or cancel it")]
    Duplicate(OperationId),
    /// The lane's queue is full.
    #[error(
        "lane \"{lane}\" has {waiting} {} and takes no more than {limit}; try again in {retry_after_seconds} s",
        if *.scheduled { "operations scheduled for later" } else { "waiting operations" }
    )]
    QueueFull {
        /// The name of the lane.
        lane: String,
        /// How many operations wait.
        waiting: u64,
        /// Whether they wait for their time.
        scheduled: bool,
        /// How many may wait.
        limit: u64,
        /// After how long it is worth trying again.
        retry_after_seconds: u64,
    },
    /// There is no such operation.
    #[error("there is no operation {0}")]
    NotFound(OperationId),
    /// The verb does not apply.
    #[error("{message}")]
    Rejected {
        /// Why the verb does not apply.
        rejection: Rejection,
        /// The reason for a person.
        message: String,
        /// The shown status of the operation.
        status: Status,
        /// The verbs that apply now.
        verbs: Vec<Verb>,
    },
    /// There is no checkpoint to fork, or none at that step.
    #[error("{message}")]
    NoCheckpoint {
        /// The reason for a person.
        message: String,
        /// The steps of the checkpoints that are kept, newest first.
        kept: Vec<impresario_api::StepCounts>,
    },
    /// The checkpoint that was to be forked is damaged.
    #[error("the checkpoint cannot be forked: {0}")]
    CheckpointDamaged(String),
    /// Where the checkpoint that was to be forked should be there is another's.
    #[error(
        "the checkpoint is not this operation's: {0}; put its own folder back, or name the step of another one"
    )]
    CheckpointForeign(String),
    /// The folder of the checkpoint could not be copied.
    #[error("the checkpoint could not be copied: {0}")]
    CheckpointNotWritten(String),
    /// There is no output.
    #[error("there is no result: the operation is {0}")]
    NoResult(Status),
    /// More is asked at once than is worked on.
    #[error("the server has as much to read and to check as it takes on; try again in a moment")]
    Busy,
    /// No starts are admitted any more.
    #[error("the server is shutting down and admits no more starts")]
    ShuttingDown,
    /// The orchestrator has ended.
    #[error("the orchestrator has ended")]
    Gone,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One that names params is told as the schema's are.
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal.faults.is_empty() {
            true => Self::Refused(refusal),
            false => Self::InvalidParams(refusal.faults),
        }
    }
}

/// Why an orchestrator could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartupError {
    /// Kinds or lanes cannot be used as they are: every fault.
    #[error("{}", sentence(.0))]
    Setup(Vec<SetupFault>),
    /// The folder of the checkpoints is in use already, or cannot be made.
    #[error("checkpoints cannot be kept: {0}")]
    CheckpointFolder(#[source] LockError),
    /// The store could not be read.
    #[error("the store could not be read: {0}")]
    Store(StoreError),
    /// A thread could not be started.
    #[error("a thread of the orchestrator could not be started: {0}")]
    Thread(std::io::Error),
}

/// A fault of the kinds or lanes that an orchestrator was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupFault {
    /// The name of a kind is none.
    #[error(
        "{implemented_by} has the KIND {kind:?}; expected 1 to 64 characters: words of lower-case ASCII letters and digits, joined by _, that begin with a letter"
    )]
    KindName {
        /// The name that was given.
        kind: String,
        /// The type that has it.
        implemented_by: &'static str,
    },
    /// Two kinds have one name.
    #[error(
        "two kinds have the KIND \"{kind}\", {first} and {second}; give each a name of its own, and register it once"
    )]
    KindTwice {
        /// The name that was given.
        kind: String,
        /// The type that was registered first.
        first: &'static str,
        /// The type that was registered after it.
        second: &'static str,
    },
    /// A kind panicked when it was asked for its policy, its description or its schemas.
    #[error("kind \"{kind}\" panicked as it was registered: {message}")]
    KindPanicked {
        /// The name of the kind.
        kind: String,
        /// What the panic said.
        message: String,
    },
    /// No params can be checked with the schema of a kind.
    #[error("the schema of the params of kind \"{kind}\" cannot be used: {why}")]
    SchemaUnusable {
        /// The name of the kind.
        kind: String,
        /// What is wrong with it.
        why: String,
    },
    /// The policy of a kind names a param that it does not have.
    #[error(
        "the policy of kind \"{kind}\" says {rule} \"{param}\", which is none of its params ({})",
        if .known.is_empty() { "it has none".to_owned() } else { .known.join(", ") }
    )]
    ParamUnknown {
        /// The name of the kind.
        kind: String,
        /// The method of `Policy` that names it.
        rule: &'static str,
        /// The name that its policy gives.
        param: String,
        /// The params that there are.
        known: Vec<String>,
    },
    /// A policy's share of time for checkpoints is none.
    #[error(
        "the policy of kind \"{kind}\" says checkpoint_share {share}; expected a number over 0 and at most 1"
    )]
    CheckpointShare {
        /// The name of the kind.
        kind: String,
        /// The number that its policy gives.
        share: String,
    },
    /// A kind names a lane that is not configured.
    #[error(
        "kind \"{kind}\" wants lane \"{lane}\", which is not configured; set lanes.{lane}.concurrency"
    )]
    LaneUnknown {
        /// The kind that names the lane.
        kind: String,
        /// The name of the lane.
        lane: String,
    },
    /// A lane has no slot.
    #[error("lane \"{lane}\" has no slot: lanes.{lane}.concurrency must be at least 1")]
    LaneWithoutSlots {
        /// The name of the lane.
        lane: String,
    },
}

/// Every fault, one after the other.
fn sentence(faults: &[SetupFault]) -> String {
    let faults: Vec<_> = faults.iter().map(SetupFault::to_string).collect();
    faults.join("; ")
}
