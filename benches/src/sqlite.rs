//! The floor of a durable store: the same rows in the same tables, written by SQLite alone, one transaction
//! for each batch.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, params};
use tokio::sync::{mpsc, oneshot};

/// The server's own tables.
const SCHEMA: &str = include_str!("../../actors/src/store/sqlite/migrations/0001.sql");
const MOST: usize = 2_048;
/// The start of an operation, as the server writes it.
const START: &str = r#"{"params":{"iterations":1,"step_ms":1000},"requested_by":"anonymous","terms":{"pausable":true,"finishable":true,"max_attempts":3,"backoff_ms":1000,"backoff_cap_ms":60000}}"#;
const STATE: &str = r#"{"attempt":1}"#;
const SUBMITTED: &str = r#"{"kind":"dummy","lane":"default","priority":0,"labels":{},"requested_by":"anonymous","retry_of":null,"not_before":null,"status":"pending","verbs":["cancel","pause"]}"#;
const STATUS: &str = r#"{"status":"running","run":1,"attempt":1,"stop":null,"stopped_early":false,"error":null,"verbs":["cancel","pause","finish"],"started_at":"2026-01-01T00:00:00.000Z","completed_at":null,"not_before":null}"#;
const RUN: &str = r#"{"run":1,"attempt":1,"started_at":"2026-01-01T00:00:00.000Z","dispatched_at":"2026-01-01T00:00:00.000Z"}"#;
const ENDED: &str = r#"{"run":1,"attempt":1,"started_at":"2026-01-01T00:00:00.000Z","progress":{"percentage":100.0,"message":"","steps":[{"name":"iteration","current":1,"total":1}],"items_processed":0,"items_total":null,"rate_per_second":null,"eta_seconds":null,"context":{},"advanced_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}}"#;

/// A database with the server's tables and pragmas.
struct Bare {
    connection: Connection,
    next: i64,
    cursor: i64,
}

impl Bare {
    fn open(folder: &Path) -> Self {
        let connection = Connection::open(folder.join("bare.db")).expect("a database");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;",
            )
            .expect("pragmas");
        connection.execute_batch(SCHEMA).expect("tables");
        connection.set_prepared_statement_cache_capacity(32);
        Self {
            connection,
            next: 0,
            cursor: 0,
        }
    }

    fn write(&mut self, rows: Rows, count: usize) {
        self.begin();
        let first = self.start_rows(count);
        if matches!(rows, Rows::Whole) {
            self.run_rows(first, count);
            self.commit();
            self.begin();
            self.end_rows(first, count);
        }
        self.commit();
    }

    fn begin(&self) {
        self.connection.execute_batch("BEGIN").expect("begun");
    }

    fn commit(&self) {
        self.connection.execute_batch("COMMIT").expect("committed");
    }

    /// Makes the next id as the server does: milliseconds, and a counter that starts at random in each, so that
    /// inserts into an index on the end of ids are scattered, as in the server.
    fn turn(&mut self) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = since.expect("a clock after 1970").as_millis() as i64 - 1_577_836_800_000;
        if millis > self.next >> 21 {
            // The digits of the golden ratio are spread evenly enough.
            self.next = (millis << 21)
                | (millis.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64) as u64 >> 44) as i64;
        }
    }

    fn start_rows(&mut self, count: usize) -> i64 {
        self.turn();
        let first = self.next;
        for _ in 0..count {
            self.connection
                .prepare_cached("INSERT INTO operations (id, kind, lane, priority, status, due, created_at, seq, state, start) VALUES (?1, 'dummy', 'default', 0, 0, 0, ?2, 1, ?3, ?4)")
                .and_then(|mut insert| insert.execute(params![self.next, self.next >> 21, STATE, START]))
                .expect("a row");
            self.cursor += 1;
            event(&self.connection, self.cursor, self.next, 1, 1, SUBMITTED);
            self.next += 1;
        }
        finish(
            &self.connection,
            &[(0, count as i64)],
            self.cursor,
            self.next,
        );
        first
    }

    fn run_rows(&mut self, first: i64, count: usize) {
        self.change(
            first,
            count,
            (2, 1, STATUS, RUN),
            "status = 1, due = NULL",
            &[(0, -1), (1, 1)],
        );
    }

    fn end_rows(&mut self, first: i64, count: usize) {
        let set =
            "status = 5, completed_at = 1700000000000, output = '{\"iterations_completed\":1}'";
        self.change(first, count, (3, 2, STATUS, ENDED), set, &[(1, -1), (5, 1)]);
    }

    fn change(
        &mut self,
        first: i64,
        count: usize,
        (seq, kind, data, state): (i64, i64, &str, &str),
        set: &str,
        counts: &[(i64, i64)],
    ) {
        let sql = format!("UPDATE operations SET seq = ?2, state = ?3, {set} WHERE id = ?1");
        for id in first..first + count as i64 {
            self.connection
                .prepare_cached(&sql)
                .and_then(|mut update| update.execute(params![id, seq, state]))
                .expect("a row");
            self.cursor += 1;
            event(&self.connection, self.cursor, id, seq, kind.max(2), data);
        }
        let counts: Vec<_> = counts
            .iter()
            .map(|(status, by)| (*status, by * count as i64))
            .collect();
        finish(&self.connection, &counts, self.cursor, self.next);
    }
}

fn event(connection: &Connection, cursor: i64, id: i64, seq: i64, kind: i64, data: &str) {
    connection
        .prepare_cached("INSERT INTO events (cursor, operation, seq, at, type, data) VALUES (?1, ?2, ?3, 1700000000000, ?4, ?5)")
        .and_then(|mut insert| insert.execute(params![cursor, id, seq, kind, data]))
        .expect("a row");
}

fn finish(connection: &Connection, counts: &[(i64, i64)], cursor: i64, newest: i64) {
    for (status, by) in counts {
        connection
            .prepare_cached("INSERT INTO counters VALUES ('dummy', ?1, ?2) ON CONFLICT DO UPDATE SET count = count + excluded.count")
            .and_then(|mut count| count.execute((status, by)))
            .expect("a counter");
    }
    connection
        .prepare_cached("UPDATE progress SET cursor = ?1, newest = ?2, at = ?1")
        .and_then(|mut update| update.execute((cursor, newest)))
        .expect("progress");
}

/// What a [`BareWriter`] writes for an operation.
#[derive(Clone, Copy)]
pub enum Rows {
    Start,
    /// The start and the run in one transaction, and the end in another, as for a lane with a free slot.
    Whole,
}

/// A thread that writes operations, all that wait at a time. Clones share it.
#[derive(Clone)]
pub struct BareWriter {
    queue: mpsc::UnboundedSender<oneshot::Sender<()>>,
}

impl BareWriter {
    /// Starts the thread on a new database.
    pub fn start(folder: &Path, rows: Rows) -> Self {
        let (queue, mut waiting) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
        let mut bare = Bare::open(folder);
        std::thread::spawn(move || {
            while let Some(first) = waiting.blocking_recv() {
                let mut batch = vec![first];
                while batch.len() < MOST
                    && let Ok(more) = waiting.try_recv()
                {
                    batch.push(more);
                }
                bare.write(rows, batch.len());
                for one in batch {
                    let _ = one.send(());
                }
            }
        });
        Self { queue }
    }

    /// Writes one operation. When this returns, it is on disk.
    pub async fn written(&self) {
        let (tell, told) = oneshot::channel();
        self.queue.send(tell).expect("it lives");
        told.await.expect("it answers");
    }
}
