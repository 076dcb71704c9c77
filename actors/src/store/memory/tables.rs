//! What is kept, and the one way in which a row changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use impresario_api::{Event, EventBody, OperationId, Status, Timestamp};
use serde_json::Value;

use super::index::Index;
use super::keys::Keys;
use super::lane::Lane;
use crate::rules::lifecycle::Recorded;
use crate::store::{Done, Fact, Operation};

/// An operation and its events: the one with `seq` n is at n − 1.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) operation: Arc<Operation>,
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
    /// What all rows take, estimated.
    pub(super) bytes: u64,
}

impl Tables {
    /// Puts an operation in the place of what it was, with the facts that tell of the change.
    pub(super) fn save(&mut self, mut operation: Operation, facts: Vec<Fact>) -> Done {
        self.latest = self.latest.max(facts.iter().map(|(at, _)| *at).max());
        self.newest = self.newest.max(Some(operation.id));
        let events = operation.number(&mut self.cursor, facts);
        let operation = Arc::new(operation);
        for event in &events {
            self.log.insert(event.cursor, Arc::clone(event));
        }
        let was = self.replace(&operation, &events);
        if was.is_none() {
            self.index.add(&operation);
        }
        self.reindex(was.as_deref(), Some(&operation));
        Done {
            was: was.map(|was| was.state.shown()),
            operation,
            events,
            new_operation: false,
        }
    }

    /// Removes an operation with its events, as if it had never been.
    pub(super) fn remove(&mut self, id: OperationId) {
        if let Some(row) = self.rows.remove(&id) {
            self.reindex(Some(&row.operation), None);
            self.index.forget(&row.operation);
            self.keys.forget((row.operation.created_at, id));
            for event in &row.events {
                self.log.remove(&event.cursor);
            }
            self.bytes -= row.bytes;
        }
    }

    /// The row itself; answers what was there.
    fn replace(&mut self, new: &Arc<Operation>, events: &[Arc<Event>]) -> Option<Arc<Operation>> {
        let told: u64 = events.iter().map(|event| event_bytes(event)).sum();
        if let Some(row) = self.rows.get_mut(&new.id) {
            let was = std::mem::replace(&mut row.operation, Arc::clone(new));
            row.events.extend_from_slice(events);
            let bytes = row.bytes + told + growing_bytes(new) - growing_bytes(&was);
            self.bytes = self.bytes + bytes - row.bytes;
            row.bytes = bytes;
            return Some(was);
        }
        let row = Row {
            operation: Arc::clone(new),
            events: events.to_vec(),
            bytes: told + fixed_bytes(new) + growing_bytes(new),
        };
        self.bytes += row.bytes;
        self.rows.insert(new.id, row);
        None
    }

    /// Moves an operation from where the old one stands in the indexes to where the new one does.
    fn reindex(&mut self, old: Option<&Operation>, new: Option<&Operation>) {
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
    fn leave(&mut self, old: &Operation, from: Facets, to: Option<Facets>) {
        if to.is_none_or(|to| to.shown != from.shown) {
            self.index.remove(&old.kind, from.shown, old.id);
        }
        if from.queued.flatten().is_some() && to.is_none_or(|to| to.queued != from.queued) {
            self.index.promote(old);
        }
        if from.queued.is_some()
            && to.is_none_or(|to| to.queued != from.queued)
            && let Some(lane) = self.lanes.get_mut(&old.lane)
        {
            lane.remove(old);
        }
        if to.is_none_or(|to| to.ended != from.ended) {
            if let Some(at) = from.ended {
                self.ended.remove(&(at, old.id));
            } else if let Some(text) = &old.unique {
                self.unique.remove(text);
            }
        }
    }

    /// Puts an operation into the indexes in which it stood elsewhere, or not yet.
    fn enter(&mut self, new: &Operation, to: Facets, from: Option<Facets>) {
        if from.is_none_or(|from| from.shown != to.shown) {
            self.index.insert(&new.kind, to.shown, new.id);
        }
        if to.queued.flatten().is_some() && from.is_none_or(|from| from.queued != to.queued) {
            self.index.schedule(new);
        }
        if to.queued.is_some() && from.is_none_or(|from| from.queued != to.queued) {
            if let Some(lane) = self.lanes.get_mut(&new.lane) {
                lane.insert(new);
            } else {
                self.lanes.entry(new.lane.clone()).or_default().insert(new);
            }
        }
        if from.is_none_or(|from| from.ended != to.ended) {
            if let Some(at) = to.ended {
                self.ended.insert((at, new.id));
            } else if let Some(text) = &new.unique {
                self.unique.insert(text.clone(), new.id);
            }
        }
    }
}

/// Where an operation stands in the indexes.
#[derive(Clone, Copy, PartialEq)]
struct Facets {
    shown: Status,
    /// In its lane's queue, and from when on it may go.
    queued: Option<Option<Timestamp>>,
    /// Since when it has ended; a live one holds its unique text instead.
    ended: Option<Timestamp>,
}

impl Facets {
    fn of(operation: &Operation) -> Self {
        let pending = operation.state.status == Recorded::Pending;
        Self {
            shown: operation.state.shown(),
            queued: pending.then_some(operation.state.waits_until()),
            ended: operation.completed_at,
        }
    }
}

/// What the first entry of a map costs: a node has room for eleven.
const MAP_BYTES: u64 = 600;

/// An operation without what grows: its own fields and its place in the indexes.
fn fixed_bytes(operation: &Operation) -> u64 {
    let labels = operation.labels.iter();
    let labels = labels.map(|(key, value)| 4 * (key.len() + value.len()) as u64 + MAP_BYTES);
    let labels: u64 = labels.sum();
    1_024 + size_of::<Operation>() as u64 + labels + json_bytes(&operation.params)
}

/// What changes with its runs.
fn growing_bytes(operation: &Operation) -> u64 {
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
