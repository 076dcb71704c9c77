//! Lists of ids, newest first, each read from its index a piece at a time.

use rusqlite::{Connection, params_from_iter, types::Value};

use impresario_api::Status;

use super::damage::readable;
use super::encoding::sql_status;

/// The first piece; each later one is twice as long, up to the last.
const FIRST_PIECE: usize = 32;
const LAST_PIECE: usize = 1_024;

/// The ids of one index entry.
#[derive(Clone)]
pub(super) struct Stream {
    sql: &'static str,
    of: Vec<Value>,
    /// Newest first; those before `at` are passed.
    piece: Vec<i64>,
    at: usize,
    size: usize,
    read_all: bool,
}

impl Stream {
    fn new(sql: &'static str, of: Vec<Value>) -> Self {
        Self {
            sql,
            of,
            piece: Vec::new(),
            at: 0,
            size: FIRST_PIECE,
            read_all: false,
        }
    }

    /// Every operation.
    pub(super) fn all() -> Self {
        Self::new(
            "SELECT id FROM operations WHERE id <= ? ORDER BY id DESC LIMIT ?",
            Vec::new(),
        )
    }

    /// Those of one kind and status.
    pub(super) fn shelf(kind: &str, status: Status) -> Self {
        Self::new(
            "SELECT id FROM operations WHERE kind = ? AND status = ? AND id <= ? ORDER BY id DESC LIMIT ?",
            vec![kind.to_owned().into(), sql_status(status).into()],
        )
    }

    /// Those of one kind that wait for their time.
    pub(super) fn scheduled(kind: &str) -> Self {
        Self::new(
            "SELECT id FROM operations INDEXED BY scheduled WHERE kind = ? AND due > 0 AND id <= ? ORDER BY id DESC LIMIT ?",
            vec![kind.to_owned().into()],
        )
    }

    /// Those with a label.
    pub(super) fn label(key: &str, value: &str) -> Self {
        Self::new(
            "SELECT operation FROM labels WHERE key = ? AND value = ? AND operation <= ? ORDER BY operation DESC LIMIT ?",
            vec![key.to_owned().into(), value.to_owned().into()],
        )
    }

    /// Those with a label of this value, whatever its key.
    pub(super) fn value(value: String) -> Self {
        Self::new(
            "SELECT operation FROM labels WHERE value = ? AND operation <= ? ORDER BY operation DESC LIMIT ?",
            vec![value.into()],
        )
    }

    /// Those with a label whose value lies between these, all read and sorted for each piece.
    pub(super) fn values(from: String, to: String) -> Self {
        let mut all = Self::new(
            "SELECT operation FROM labels WHERE value >= ? AND value < ? AND operation <= ? ORDER BY operation DESC LIMIT ?",
            vec![from.into(), to.into()],
        );
        all.size = LAST_PIECE;
        all
    }

    /// The newest one at or below `id`, which never grows from call to call.
    fn at_most(&mut self, connection: &Connection, id: i64) -> rusqlite::Result<Option<i64>> {
        loop {
            self.at += self.piece[self.at..].partition_point(|one| *one > id);
            if let Some(found) = self.piece.get(self.at) {
                return Ok(Some(*found));
            }
            if self.read_all {
                return Ok(None);
            }
            self.read(connection, id)?;
        }
    }

    fn read(&mut self, connection: &Connection, id: i64) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(self.sql)?;
        let of = self.of.iter().cloned();
        let given = of.chain([id.into(), (self.size as i64).into()]);
        let rows = statement.query_map(params_from_iter(given), |row| row.get(0))?;
        let mut read = 0;
        let rows = rows.inspect(|_| read += 1);
        // A label may be of what is no id.
        self.piece = rows.filter_map(readable).collect::<rusqlite::Result<_>>()?;
        self.at = 0;
        self.read_all = read < self.size;
        self.size = (2 * self.size).min(LAST_PIECE);
        Ok(())
    }
}

/// Several streams as one.
#[derive(Clone)]
pub(super) struct Union(pub(super) Vec<Stream>);

impl Union {
    /// The newest one at or below `id`, which never grows from call to call.
    pub(super) fn at_most(
        &mut self,
        connection: &Connection,
        id: i64,
    ) -> rusqlite::Result<Option<i64>> {
        let mut newest = None;
        for stream in &mut self.0 {
            newest = newest.max(stream.at_most(connection, id)?);
        }
        Ok(newest)
    }
}
