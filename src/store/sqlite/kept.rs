//! What the writer knows of the file's content without reading it again.

use std::collections::HashMap;
use std::sync::Arc;

use impresario::rules::lifecycle::Recorded;
use impresario::store::Operation;
use impresario_api::OperationId;
use rusqlite::Connection;

use super::damage::readable;

/// Tiny operations that wait are remembered up to here, some kilobytes each.
const MOST_TINY: usize = 2_048;

/// As of the last commit, and while a batch is carried out as of its last command.
pub(super) struct Kept {
    /// The last event's cursor.
    pub(super) cursor: u64,
    /// The newest id that was ever kept.
    pub(super) newest: u64,
    /// The latest time of a command.
    pub(super) at: i64,
    /// How many wait in each lane.
    pub(super) waiting: HashMap<String, u64>,
    /// Operations that this batch has touched, and those that are asked for again soon.
    pub(super) operations: HashMap<OperationId, Arc<Operation>>,
}

impl Kept {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection
            .prepare("SELECT lane, COUNT(*) FROM operations WHERE due IS NOT NULL GROUP BY lane")?;
        let waiting =
            statement.query_map((), |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
        let waiting = waiting
            .filter_map(readable)
            .collect::<rusqlite::Result<_>>()?;
        let sql = "SELECT cursor, newest, at FROM progress";
        connection.query_row(sql, (), |row| {
            Ok(Self {
                cursor: row.get::<_, i64>(0)? as u64,
                newest: row.get::<_, i64>(1)? as u64,
                at: row.get(2)?,
                waiting,
                operations: HashMap::new(),
            })
        })
    }

    /// After a commit those are kept that run, which slots bound, and some tiny ones that wait: they
    /// run next.
    pub(super) fn settle(&mut self) {
        let room = self.operations.len() <= MOST_TINY;
        self.operations.retain(|_, operation| {
            let waits = operation.state.status == Recorded::Pending;
            operation.state.shown().is_dispatched() || (room && waits && operation.state.terms.tiny)
        });
    }

    /// The count of those that wait in a lane.
    pub(super) fn waiting_in(&self, lane: &str) -> u64 {
        self.waiting.get(lane).copied().unwrap_or(0)
    }
}
