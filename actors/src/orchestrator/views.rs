//! What a client sees of an operation, from what is kept of it and how far its run has come.

use impresario_api::{OperationRow, OperationView, Status, Timestamp, text};
use serde_json::Value;

use crate::store::StoredOperation;
use crate::supervision::messages::LiveProgress;

/// The largest output that a view holds.
const SUMMARY_BYTES: usize = 64 * 1024;
/// The longest text of a list's row, in characters.
const SHORT: usize = 200;
/// The most bytes of an error's details in a list's row.
const SHORT_DETAILS: usize = 1_024;

/// What the view of an operation needs besides the record.
#[derive(Debug, Default)]
pub(super) struct Around {
    pub(super) live: Option<LiveProgress>,
    pub(super) queue_position: Option<u64>,
    /// Busy slots and all slots of its lane.
    pub(super) lane: (u64, u64),
}

pub(super) fn row(operation: &StoredOperation, around: &Around, now: Timestamp) -> OperationRow {
    let state = &operation.state;
    let told = operation.told(now);
    let live = around.live.as_ref().filter(|live| live.run == state.run);
    // The clock may have been set since the run began; whoever watches the run has one that is not.
    let running = match (operation.dispatched_at, live) {
        _ if !told.status.is_dispatched() => 0.0,
        (None, _) => 0.0,
        (Some(_), Some(live)) => live.elapsed.as_millis() as f64 / 1000.0,
        (Some(since), None) => now.seconds_since(since),
    };
    let ran = operation.ran_ms as f64 / 1000.0 + running;
    OperationRow {
        operation_id: operation.id,
        kind: operation.kind.clone(),
        status: told.status,
        lane: operation.lane.clone(),
        priority: operation.priority,
        run: told.run,
        attempt: told.attempt,
        max_attempts: state.terms.max_attempts,
        retry_of: operation.retry_of,
        forked_from: operation.forked.as_ref().map(|forked| forked.from.clone()),
        labels: operation.labels.clone(),
        requested_by: operation.requested_by.clone(),
        created_at: operation.created_at,
        started_at: told.started_at,
        completed_at: told.completed_at,
        not_before: told.not_before,
        elapsed_seconds: ran,
        server_time: now,
        waiting_for: waiting_for(operation, around, now),
        queue_position: around.queue_position,
        stop: told.stop,
        stopped_early: told.stopped_early,
        unresponsive_since: live.and_then(|live| live.unresponsive_since),
        verbs: told.verbs,
        // Until the run's first report, the view keeps the last run's progress.
        progress: match live {
            Some(live) if live.progress.updated_at.is_some() => Some(live.progress.clone()),
            _ => operation.progress.clone(),
        },
        checkpoint: operation.kept_checkpoints().last().map(|one| one.view()),
        error: told.error,
        seq: operation.seq,
    }
}

/// As it stands in a list: a hundred of them are one answer, so no text is long. The view has them
/// whole.
pub(super) fn list_row(
    operation: &StoredOperation,
    around: &Around,
    now: Timestamp,
) -> OperationRow {
    let mut row = row(operation, around, now);
    let short = |text: &mut String| text::bound(text, SHORT);
    row.labels.values_mut().for_each(short);
    short(&mut row.requested_by);
    if let Some(reason) = row.stop.as_mut().and_then(|stop| stop.reason.as_mut()) {
        short(reason);
    }
    if let Some(error) = &mut row.error {
        short(&mut error.message);
        let is_long = |details: &Value| details.to_string().len() > SHORT_DETAILS;
        error.details.take_if(|details| is_long(details));
    }
    if let Some(progress) = &mut row.progress {
        short(&mut progress.message);
        progress.context.values_mut().for_each(short);
    }
    row
}

pub(super) fn view(operation: &StoredOperation, around: &Around, now: Timestamp) -> OperationView {
    let is_small =
        |output: &Value| serde_json::to_vec(output).is_ok_and(|bytes| bytes.len() <= SUMMARY_BYTES);
    let kept = operation.kept_checkpoints();
    OperationView {
        row: row(operation, around, now),
        params: (*operation.params).clone(),
        warnings: operation.warnings.clone(),
        checkpoints: kept.iter().rev().map(|one| one.view()).collect(),
        result_summary: match operation.output.as_deref() {
            Some(output) if is_small(output) => Some(output.clone()),
            _ => None,
        },
    }
}

/// Why a pending operation waits, in words.
fn waiting_for(operation: &StoredOperation, around: &Around, now: Timestamp) -> Option<String> {
    if operation.state.shown() != Status::Pending {
        return None;
    }
    if let Some(due) = operation.state.waits_until()
        && due > now
    {
        let attempt = match operation.state.attempt {
            1 => String::new(),
            n => format!(", attempt {n} of {}", operation.state.terms.max_attempts),
        };
        return Some(format!("until {due}{attempt}"));
    }
    let (busy, slots) = around.lane;
    Some(format!("lane {} {busy}/{slots} busy", operation.lane))
}
