//! What the writer knows of the file's content without reading it again.

use std::collections::HashMap;
use std::sync::Arc;

use crate::rules::admission::Waiting;
use crate::store::Operation;
use impresario_api::OperationId;
use rusqlite::Connection;

use super::damage::readable;

/// Who waits in a lane, by the column `due`: see `queue.rs`.
#[derive(Clone, Copy, Default)]
pub(super) struct Crowd {
    fresh: u64,
    pub(super) late: u64,
    pub(super) scheduled: u64,
}

impl Crowd {
    pub(super) const fn waiting(self) -> Waiting {
        Waiting {
            due: self.fresh + self.late,
            scheduled: self.scheduled,
        }
    }
}

/// Lanes are few: each is looked up in the index of the queue, and its parts are counted there. A lane
/// that is no text belongs to a damaged row, and SQLite takes it for the first one where it may.
const CROWDS: &str = "WITH RECURSIVE lanes (lane) AS (
    SELECT MIN(lane) FROM operations WHERE due IS NOT NULL AND lane >= ''
    UNION ALL
    SELECT (SELECT MIN(lane) FROM operations WHERE due IS NOT NULL AND lane > lanes.lane)
    FROM lanes WHERE lane IS NOT NULL
) SELECT lane,
    (SELECT COUNT(*) FROM operations WHERE operations.lane = lanes.lane AND due = 0),
    (SELECT COUNT(*) FROM operations WHERE operations.lane = lanes.lane AND due < 0),
    (SELECT COUNT(*) FROM operations WHERE operations.lane = lanes.lane AND due > 0)
    FROM lanes WHERE lane IS NOT NULL";

/// As of the last commit, and while a batch is carried out as of its last command.
pub(super) struct Kept {
    /// The last event's cursor.
    pub(super) cursor: u64,
    /// The newest id that was ever kept.
    pub(super) newest: u64,
    /// The latest time of a command.
    pub(super) at: i64,
    /// Who waits in each lane.
    lanes: HashMap<String, Crowd>,
    /// Operations that this batch has touched, and those that run.
    pub(super) operations: HashMap<OperationId, Arc<Operation>>,
}

impl Kept {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare(CROWDS)?;
        let lanes = statement.query_map((), |row| {
            let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
            let crowd = Crowd {
                fresh: count(1)?,
                late: count(2)?,
                scheduled: count(3)?,
            };
            Ok((row.get(0)?, crowd))
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

    /// After a commit those are kept that run, which slots bound.
    pub(super) fn settle(&mut self) {
        self.operations
            .retain(|_, operation| operation.state.shown().is_dispatched());
    }

    /// Who waits in a lane.
    pub(super) fn crowd(&self, lane: &str) -> Crowd {
        self.lanes.get(lane).copied().unwrap_or_default()
    }

    /// So many more wait in a lane, with this in their column `due`.
    pub(super) fn count(&mut self, lane: &str, due: i64, change: i64) {
        let crowd = match self.lanes.get_mut(lane) {
            Some(crowd) => crowd,
            None => self.lanes.entry(lane.to_owned()).or_default(),
        };
        let count = match due {
            0 => &mut crowd.fresh,
            ..0 => &mut crowd.late,
            1.. => &mut crowd.scheduled,
        };
        *count = count.saturating_add_signed(change);
    }

    /// How many wait, by lane.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (&String, Waiting)> {
        let lanes = self.lanes.iter();
        lanes.map(|(lane, crowd)| (lane, crowd.waiting()))
    }
}
