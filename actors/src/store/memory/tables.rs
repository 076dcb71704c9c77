//! What is kept, and the one way in which it changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use impresario_api::{Event, EventBody, OperationId, Status, Timestamp};
use serde_json::Value;

use super::index::Index;
use super::keys::Keys;
use super::lane::Lane;
use crate::store::StoredOperation;
use crate::store::engine::{Changes, Queued, Stored};

/// An operation and its events: the one with `seq` n is at n − 1.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) stored: Stored,
    pub(super) events: Vec<Arc<Event>>,
    bytes: u64,
}

/// Everything.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) rows: HashMap<OperationId, Row>,
    /// Every event by its cursor.
    pub(super) log: BTreeMap<u64, Arc<Event>>,
    pub(super) cursor: u64,
    /// The latest time of a fact.
    pub(super) latest: Option<Timestamp>,
    /// The newest id that was ever kept.
    pub(super) newest: Option<OperationId>,
    pub(super) index: Index,
    pub(super) lanes: HashMap<String, Lane>,
    pub(super) keys: Keys,
    /// Who holds a unique text; live ones alone.
    pub(super) unique: HashMap<String, OperationId>,
    /// What has ended, by when.
    pub(super) ended: BTreeSet<(Timestamp, OperationId)>,
    /// What was cancelled and has checkpoints, by when.
    pub(super) cancelled: BTreeSet<(Timestamp, OperationId)>,
    /// What all rows take, estimated.
    pub(super) bytes: u64,
}

impl Tables {
    /// Writes what the engine has decided.
    pub(super) fn write(&mut self, changes: Changes) {
        self.cursor = changes.cursor;
        self.latest = self.latest.max(changes.latest);
        for one in &changes.promoted {
            self.promote(one.id);
        }
        for change in changes.operations {
            match (change.before, change.after) {
                (before, Some(after)) => self.put(before.as_ref(), after),
                (Some(before), None) => self.remove(&before),
                (None, None) => {}
            }
        }
        for (given, id, at) in changes.keys {
            self.keys.purge(given.since);
            self.keys.insert(&given, id, at);
        }
        for event in changes.events {
            self.add(event);
        }
    }

    /// One that waited for its time may go.
    fn promote(&mut self, id: OperationId) {
        if let Some(row) = self.rows.get_mut(&id) {
            let before = row.stored.clone();
            row.stored.promoted = true;
            let after = row.stored.clone();
            self.reindex(Some(&before), Some(&after));
        }
    }

    fn put(&mut self, before: Option<&Stored>, after: Stored) {
        let id = after.operation.id;
        self.reindex(before, Some(&after));
        let bytes = growing_bytes(&after.operation);
        if let Some(row) = self.rows.get_mut(&id) {
            let bytes = row.bytes + bytes - growing_bytes(&row.stored.operation);
            self.bytes = self.bytes + bytes - row.bytes;
            row.bytes = bytes;
            row.stored = after;
            return;
        }
        self.newest = self.newest.max(Some(id));
        self.index.add(&after.operation);
        let row = Row {
            bytes: bytes + fixed_bytes(&after.operation),
            events: Vec::new(),
            stored: after,
        };
        self.bytes += row.bytes;
        self.rows.insert(id, row);
    }

    fn add(&mut self, event: Arc<Event>) {
        if let Some(row) = self.rows.get_mut(&event.operation_id) {
            let bytes = event_bytes(&event);
            row.bytes += bytes;
            self.bytes += bytes;
            row.events.push(Arc::clone(&event));
            self.log.insert(event.cursor, event);
        }
    }

    /// Removes an operation with its events, as if it had never been.
    fn remove(&mut self, stored: &Stored) {
        let operation = &stored.operation;
        if let Some(row) = self.rows.remove(&operation.id) {
            self.reindex(Some(stored), None);
            self.index.forget(operation);
            self.keys.forget((operation.created_at, operation.id));
            for event in &row.events {
                self.log.remove(&event.cursor);
            }
            self.bytes -= row.bytes;
        }
    }

    /// Moves an operation from where the old one stands in the indexes to where the new one does.
    fn reindex(&mut self, old: Option<&Stored>, new: Option<&Stored>) {
        let (from, to) = (old.map(Facets::of), new.map(Facets::of));
        if from == to {
            return;
        }
        if let (Some(old), Some(from)) = (old, from) {
            self.leave(old, from, to);
        }
        if let (Some(new), Some(to)) = (new, to) {
            self.enter(new, to, from);
        }
    }

    /// Takes an operation from the indexes in which it stands elsewhere, or no more.
    fn leave(&mut self, stored: &Stored, from: Facets, to: Option<Facets>) {
        let old = &stored.operation;
        if to.is_none_or(|to| to.shown != from.shown) {
            self.index.remove(&old.kind, from.shown, old.id);
        }
        if to.is_none_or(|to| to.queued != from.queued) {
            if let Some(Queued::Scheduled(_)) = from.queued {
                self.index.promote(old);
            }
            if let Some(lane) = self.lanes.get_mut(&old.lane) {
                lane.remove(stored);
            }
        }
        if to.is_none_or(|to| to.ended != from.ended) {
            if let Some(at) = from.ended {
                self.ended.remove(&(at, old.id));
            } else if let Some(text) = &old.unique {
                self.unique.remove(text);
            }
        }
        if to.is_none_or(|to| to.cancelled != from.cancelled)
            && let Some(at) = from.cancelled
        {
            self.cancelled.remove(&(at, old.id));
        }
    }

    /// Puts an operation into the indexes in which it stood elsewhere, or not yet.
    fn enter(&mut self, stored: &Stored, to: Facets, from: Option<Facets>) {
        let new = &stored.operation;
        if from.is_none_or(|from| from.shown != to.shown) {
            self.index.insert(&new.kind, to.shown, new.id);
        }
        if to.queued.is_some() && from.is_none_or(|from| from.queued != to.queued) {
            if let Some(Queued::Scheduled(_)) = to.queued {
                self.index.schedule(new);
            }
            if let Some(lane) = self.lanes.get_mut(&new.lane) {
                lane.insert(stored);
            } else {
                self.lanes
                    .entry(new.lane.clone())
                    .or_default()
                    .insert(stored);
            }
        }
        if from.is_none_or(|from| from.ended != to.ended) {
            if let Some(at) = to.ended {
                self.ended.insert((at, new.id));
            } else if let Some(text) = &new.unique {
                self.unique.insert(text.clone(), new.id);
            }
        }
        if from.is_none_or(|from| from.cancelled != to.cancelled)
            && let Some(at) = to.cancelled
        {
            self.cancelled.insert((at, new.id));
        }
    }
}

/// Where an operation stands in the indexes.
#[derive(Clone, Copy, PartialEq)]
struct Facets {
    shown: Status,
    queued: Option<Queued>,
    /// Since when it has ended; a live one holds its unique text instead.
    ended: Option<Timestamp>,
    /// Since when it is cancelled, with checkpoints.
    cancelled: Option<Timestamp>,
}

impl Facets {
    fn of(stored: &Stored) -> Self {
        Self {
            shown: stored.operation.state.shown(),
            queued: stored.queued(),
            ended: stored.operation.completed_at,
            cancelled: stored.operation.cancelled_with_checkpoints(),
        }
    }
}

/// What the first entry of a map costs: a node has room for eleven.
const MAP_BYTES: u64 = 600;

/// An operation without what grows: its own fields and its place in the indexes.
fn fixed_bytes(operation: &StoredOperation) -> u64 {
    let labels = operation.labels.iter();
    let labels = labels.map(|(key, value)| 4 * (key.len() + value.len()) as u64 + MAP_BYTES);
    let labels: u64 = labels.sum();
    1_024 + size_of::<StoredOperation>() as u64 + labels + json_bytes(&operation.params)
}

/// What changes with its runs.
fn growing_bytes(operation: &StoredOperation) -> u64 {
    let checkpoints = operation.checkpoints.iter();
    let checkpoint: u64 = checkpoints.map(|one| one.value.len() as u64).sum();
    let output = operation.output.as_ref();
    let output = output.map_or(0, |output| json_bytes(output));
    checkpoint + output + 128 * operation.warnings.len() as u64
}

fn event_bytes(event: &Event) -> u64 {
    let text = match &event.body {
        EventBody::Log(log) => log.message.len(),
        EventBody::Metric(metric) => metric.name.len(),
        _ => 64,
    };
    (size_of::<Event>() + 48 + text) as u64
}

fn json_bytes(value: &Value) -> u64 {
    let inner = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len() as u64,
        Value::Array(values) => values.iter().map(json_bytes).sum(),
        Value::Object(map) => {
            let fields = map.iter();
            let fields = fields.map(|(key, value)| 64 + key.len() as u64 + json_bytes(value));
            MAP_BYTES + fields.sum::<u64>()
        }
    };
    inner + size_of::<Value>() as u64
}
