//! What the writer knows of the file's content without reading it again.

use std::collections::HashMap;
use std::sync::Arc;

use crate::rules::admission::Waiting;
use crate::store::{LastNumbers, StoredOperation};
use impresario_api::{OperationId, Timestamp};
use rusqlite::Connection;

use super::damage::readable;

/// Who waits in a lane, by the column `due`: see `queue.rs`.
#[derive(Clone, Copy, Default)]
pub(super) struct LaneCounts {
    since_creation: u64,
    pub(super) later: u64,
    pub(super) scheduled: u64,
}

impl LaneCounts {
    pub(super) const fn waiting(self) -> Waiting {
        Waiting {
            due: self.since_creation + self.later,
            scheduled: self.scheduled,
        }
    }
}

/// Lanes are few: each is looked up in the index of the queue, and its parts are counted there. A lane
/// that is no text belongs to a damaged row, and SQLite takes it for the first one where it may.
const LANE_COUNTS: &str = "WITH RECURSIVE lanes (lane) AS (
    SELECT MIN(lane) FROM operations WHERE due IS NOT NULL AND lane >= ''
    UNION ALL
    SELECT (SELECT MIN(lane) FROM operations WHERE due IS NOT NULL AND lane > lanes.lane)
    FROM lanes WHERE lane IS NOT NULL
) SELECT lane,
    (SELECT COUNT(*) FROM operations WHERE operations.lane = lanes.lane AND due = 0),
    (SELECT COUNT(*) FROM operations WHERE operations.lane = lanes.lane AND due < 0),
    (SELECT COUNT(*) FROM operations WHERE operations.lane = lanes.lane AND due > 0)
    FROM lanes WHERE lane IS NOT NULL";

/// As of the last commit, and in a transaction as of what it has written.
pub(super) struct WriterCache {
    /// The last event's cursor.
    pub(super) cursor: u64,
    /// The newest id that was ever kept.
    pub(super) newest: u64,
    /// The latest time of a command.
    pub(super) at: i64,
    /// Who waits in each lane.
    lanes: HashMap<String, LaneCounts>,
    /// Operations that run, which slots bound.
    pub(super) operations: HashMap<OperationId, Arc<StoredOperation>>,
}

impl WriterCache {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare(LANE_COUNTS)?;
        let lanes = statement.query_map((), |row| {
            let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
            let counts = LaneCounts {
                since_creation: count(1)?,
                later: count(2)?,
                scheduled: count(3)?,
            };
            Ok((row.get(0)?, counts))
        })?;
        let lanes = lanes.filter_map(readable);
        let lanes = lanes.collect::<rusqlite::Result<_>>()?;
        let sql = "SELECT cursor, newest, at FROM progress";
        connection.query_row(sql, (), |row| {
            Ok(Self {
                cursor: row.get::<_, i64>(0)? as u64,
                newest: row.get::<_, i64>(1)? as u64,
                at: row.get(2)?,
                lanes,
                operations: HashMap::new(),
            })
        })
    }

    pub(super) fn last_numbers(&self) -> LastNumbers {
        LastNumbers {
            cursor: self.cursor,
            newest: (self.newest != 0).then_some(OperationId::from_u64(self.newest)),
            latest: (self.at != 0).then_some(Timestamp::from_millis(self.at)),
        }
    }

    /// An operation was written.
    pub(super) fn learn(&mut self, operation: &Arc<StoredOperation>) {
        self.newest = self.newest.max(operation.id.as_u64());
        if operation.state.shown().is_dispatched() {
            self.operations.insert(operation.id, Arc::clone(operation));
        } else {
            self.operations.remove(&operation.id);
        }
    }

    /// Who waits in a lane.
    pub(super) fn counts(&self, lane: &str) -> LaneCounts {
        self.lanes.get(lane).copied().unwrap_or_default()
    }

    /// So many more wait in a lane, with this in their column `due`.
    pub(super) fn count(&mut self, lane: &str, due: i64, change: i64) {
        let counts = match self.lanes.get_mut(lane) {
            Some(counts) => counts,
            None => self.lanes.entry(lane.to_owned()).or_default(),
        };
        let count = match due {
            0 => &mut counts.since_creation,
            ..0 => &mut counts.later,
            1.. => &mut counts.scheduled,
        };
        *count = count.saturating_add_signed(change);
    }

    /// How many wait, by lane.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (&String, Waiting)> {
        let lanes = self.lanes.iter();
        lanes.map(|(lane, counts)| (lane, counts.waiting()))
    }
}
