//! An operation's JSON columns. Fields are added, never changed: what is missing has its default.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::rules::lifecycle::{Recorded, State, Terms};
use crate::rules::retry::Backoff;
use crate::store::{ForkOrigin, Owner, StoredOperation};
use impresario_api::{OperationError, OperationId, Progress, Status, Stop, Timestamp, Warning};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// In the place of a status: those that wait for their time, in the table of counters.
pub(super) const SCHEDULED: i64 = -1;

/// An id as SQLite's integer: ids have 63 bits.
pub(super) fn sql_id(id: OperationId) -> i64 {
    id.as_u64() as i64
}

/// An id as it was read.
pub(super) fn id_of(value: i64) -> OperationId {
    OperationId::from_u64(value as u64)
}

/// A status by its place in [`Status::ALL`]; places stand on disk.
pub(super) const fn sql_status(status: Status) -> i64 {
    status as i64
}

/// A status as it was read.
pub(super) fn status(place: i64) -> Option<Status> {
    Status::ALL.get(usize::try_from(place).ok()?).copied()
}

/// What never changes.
#[derive(Debug, Serialize, Deserialize)]
struct Start<'a> {
    params: Cow<'a, Value>,
    #[serde(default, skip_serializing_if = "no_labels")]
    labels: Cow<'a, BTreeMap<String, String>>,
    requested_by: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_of: Option<OperationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forked: Option<Cow<'a, ForkOrigin>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unique: Option<Cow<'a, str>>,
    terms: TermsForm,
}

#[expect(clippy::ptr_arg, reason = "serde passes the field as it is")]
fn no_labels(labels: &Cow<'_, BTreeMap<String, String>>) -> bool {
    labels.is_empty()
}

impl Default for Start<'_> {
    /// Of one whose start cannot be read.
    fn default() -> Self {
        Self {
            params: Cow::Owned(Value::Null),
            labels: Cow::Owned(BTreeMap::new()),
            requested_by: Cow::Borrowed("unreadable"),
            retry_of: None,
            reason: None,
            forked: None,
            timeout_ms: None,
            unique: None,
            terms: TermsForm {
                max_attempts: 1,
                ..TermsForm::default()
            },
        }
    }
}

/// The kind's terms.
#[derive(Debug, Default, Serialize, Deserialize)]
struct TermsForm {
    #[serde(default, skip_serializing_if = "is_default")]
    pausable: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    finishable: bool,
    max_attempts: u32,
    backoff_ms: u64,
    backoff_cap_ms: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    retry_panics: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    fail_when_lost: bool,
}

/// What changes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct StateForm<'a> {
    #[serde(skip_serializing_if = "is_default")]
    run: u32,
    attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<Cow<'a, Stop>>,
    #[serde(skip_serializing_if = "is_default")]
    shutdown: bool,
    #[serde(skip_serializing_if = "is_default")]
    has_checkpoint: bool,
    #[serde(skip_serializing_if = "is_default")]
    early: bool,
    /// Of a row that was written before there was `backoff_until`, and that has run, it is that.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backoff_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cow<'a, OperationError>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dispatched_at: Option<Timestamp>,
    /// Node and incarnation.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<(u8, u64)>,
    #[serde(skip_serializing_if = "is_default")]
    ran_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Cow<'a, Progress>>,
    #[serde(skip_serializing_if = "no_warnings")]
    warnings: Cow<'a, [Warning]>,
}

#[expect(clippy::ptr_arg, reason = "serde passes the field as it is")]
fn no_warnings(warnings: &Cow<'_, [Warning]>) -> bool {
    warnings.is_empty()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for StateForm<'_> {
    fn default() -> Self {
        Self {
            run: 0,
            attempt: 1,
            stop: None,
            shutdown: false,
            has_checkpoint: false,
            early: false,
            not_before: None,
            backoff_until: None,
            pending_since: None,
            error: None,
            started_at: None,
            dispatched_at: None,
            owner: None,
            ran_ms: 0,
            progress: None,
            warnings: Cow::Borrowed(&[]),
        }
    }
}

/// The column `start`.
pub(super) fn start(operation: &StoredOperation) -> serde_json::Result<String> {
    let terms = operation.state.terms;
    serde_json::to_string(&Start {
        params: Cow::Borrowed(&operation.params),
        labels: Cow::Borrowed(&operation.labels),
        requested_by: Cow::Borrowed(&operation.requested_by),
        retry_of: operation.retry_of,
        reason: operation.reason.as_deref().map(Cow::Borrowed),
        forked: operation.forked.as_ref().map(Cow::Borrowed),
        timeout_ms: operation.timeout_ms,
        unique: operation.unique.as_deref().map(Cow::Borrowed),
        terms: TermsForm {
            pausable: terms.pausable,
            finishable: terms.finishable,
            max_attempts: terms.max_attempts,
            backoff_ms: millis(terms.backoff.base),
            backoff_cap_ms: millis(terms.backoff.cap),
            retry_panics: terms.retry_panics,
            fail_when_lost: terms.fail_when_lost,
        },
    })
}

/// Whether a label in the column `start` has a value that starts so. Nothing else of it is read.
pub(super) fn has_value(start: &str, text: &str) -> serde_json::Result<bool> {
    #[derive(Deserialize)]
    struct Labels<'a> {
        #[serde(borrow, default)]
        labels: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    }
    let start: Labels<'_> = serde_json::from_str(start)?;
    Ok(start.labels.values().any(|value| value.starts_with(text)))
}

/// The column `state`.
pub(super) fn state(operation: &StoredOperation) -> serde_json::Result<String> {
    let state = &operation.state;
    serde_json::to_string(&StateForm {
        run: state.run,
        attempt: state.attempt,
        stop: state.stop.as_ref().map(Cow::Borrowed),
        shutdown: state.shutdown,
        has_checkpoint: state.has_checkpoint,
        early: state.early,
        not_before: state.not_before,
        backoff_until: state.backoff_until,
        pending_since: operation.pending_since,
        error: state.error.as_ref().map(Cow::Borrowed),
        started_at: operation.started_at,
        dispatched_at: operation.dispatched_at,
        owner: operation.owner.map(|owner| (owner.node, owner.incarnation)),
        ran_ms: operation.ran_ms,
        progress: operation.progress.as_ref().map(Cow::Borrowed),
        warnings: Cow::Borrowed(&operation.warnings),
    })
}

/// An operation's columns, as they were read.
pub(super) struct Columns<'a> {
    pub(super) id: OperationId,
    pub(super) kind: String,
    pub(super) lane: String,
    pub(super) priority: i32,
    pub(super) status: Status,
    pub(super) created_at: Timestamp,
    pub(super) completed_at: Option<Timestamp>,
    pub(super) seq: u64,
    pub(super) state: &'a str,
    pub(super) start: &'a str,
    pub(super) output: Option<&'a str>,
}

/// An object. serde takes an array for one too, and an empty array for one without any field.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    if text.starts_with('{') {
        return serde_json::from_str(text);
    }
    Err(serde::de::Error::custom("expected an object"))
}

/// The operation, but for its checkpoints; or why a column cannot be read.
pub(super) fn operation(columns: Columns<'_>) -> Result<StoredOperation, String> {
    let of = |column| move |error| format!("{column}: {error}");
    let start = object(columns.start).map_err(of("start"))?;
    let state = object(columns.state).map_err(of("state"))?;
    let output = columns.output.map(serde_json::from_str::<Value>);
    let output = output.transpose().map_err(of("output"))?;
    Ok(joined(columns, start, state, output))
}

/// What can still be read of a damaged row. Without params nothing can go on from its checkpoints.
pub(super) fn salvaged(columns: Columns<'_>) -> StoredOperation {
    let start = object::<Start<'_>>(columns.start);
    let mut state = salvaged_state(columns.state);
    state.has_checkpoint &= start.is_ok();
    joined(columns, start.unwrap_or_default(), state, None)
}

/// The fields that are what they should be.
fn salvaged_state(text: &str) -> StateForm<'static> {
    let fields: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let whole = |name: &String, value: &Value| {
        let alone = json!({name.as_str(): value});
        serde_json::from_value::<StateForm<'_>>(alone).is_ok()
    };
    let whole: Map<_, _> = fields
        .into_iter()
        .filter(|(name, value)| whole(name, value))
        .collect();
    serde_json::from_value(Value::Object(whole)).unwrap_or_default()
}

fn joined(
    columns: Columns<'_>,
    start: Start<'_>,
    state: StateForm<'_>,
    output: Option<Value>,
) -> StoredOperation {
    StoredOperation {
        id: columns.id,
        kind: columns.kind,
        lane: columns.lane,
        priority: columns.priority,
        labels: start.labels.into_owned(),
        requested_by: start.requested_by.into_owned(),
        retry_of: start.retry_of,
        reason: start.reason.map(Cow::into_owned),
        forked: start.forked.map(Cow::into_owned),
        params: Arc::new(start.params.into_owned()),
        timeout_ms: start.timeout_ms,
        unique: start.unique.map(Cow::into_owned),
        state: State {
            status: recorded(columns.status),
            stop: state.stop.map(Cow::into_owned),
            run: state.run,
            attempt: state.attempt,
            shutdown: state.shutdown,
            not_before: state.not_before.filter(|_| state.run == 0),
            backoff_until: state
                .backoff_until
                .or(state.not_before.filter(|_| state.run > 0)),
            has_checkpoint: state.has_checkpoint,
            early: state.early,
            error: state.error.map(Cow::into_owned),
            terms: start.terms.into(),
        },
        created_at: columns.created_at,
        pending_since: state.pending_since,
        started_at: state.started_at,
        dispatched_at: state.dispatched_at,
        owner: state
            .owner
            .map(|(node, incarnation)| Owner { node, incarnation }),
        completed_at: columns.completed_at,
        ran_ms: state.ran_ms,
        progress: state.progress.map(Cow::into_owned),
        checkpoints: Vec::new(),
        warnings: state.warnings.into_owned(),
        output: output.map(Arc::new),
        seq: columns.seq,
    }
}

/// The status as the rules keep it: the stop says the rest.
const fn recorded(shown: Status) -> Recorded {
    match shown {
        Status::Pending => Recorded::Pending,
        Status::Running | Status::Cancelling | Status::Pausing => Recorded::Running,
        Status::Paused => Recorded::Paused,
        Status::Completed => Recorded::Completed,
        Status::Failed => Recorded::Failed,
        Status::Cancelled => Recorded::Cancelled,
    }
}

impl From<TermsForm> for Terms {
    fn from(form: TermsForm) -> Self {
        Self {
            pausable: form.pausable,
            finishable: form.finishable,
            max_attempts: form.max_attempts,
            backoff: Backoff {
                base: Duration::from_millis(form.backoff_ms),
                cap: Duration::from_millis(form.backoff_cap_ms),
            },
            retry_panics: form.retry_panics,
            fail_when_lost: form.fail_when_lost,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
