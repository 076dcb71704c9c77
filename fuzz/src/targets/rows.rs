//! Rows of the store: one field of any table, overwritten with any value.

use std::fs;
use std::path::Path;
use std::time::Duration;

use actix_web::rt::System;
use impresario::operation::Kinds;
use impresario::store::sqlite::{Options as StoreOptions, SqliteStore};
use impresario::store::{Command, LostOwner, Query, Store};
use impresario::{Config, Options, Orchestrator, Until};
use impresario_api::{OperationId, StartOptions, Timestamp};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::Target;
use crate::kind::Rich;

/// A field: its table, its column, and how many rows there are.
struct Field {
    table: String,
    column: String,
    rows: usize,
}

/// The first three bytes choose a field and a row, the fourth a type, and the rest is the value. The store
/// opens or says why not, all other operations can be read, and nothing panics.
pub(crate) fn target() -> Target {
    let (whole, used) = (folder(), folder());
    let ids = fill(whole.path());
    let database = SqliteStore::file_in(whole.path());
    let fields = fields(&Connection::open(&database).expect("a database"));
    let bytes_of = fs::read(&database).expect("a file");
    Box::new(move |bytes| {
        let [column, row, kind, value @ ..] = bytes else {
            return;
        };
        let field = &fields[usize::from(*column) % fields.len()];
        let row = usize::from(*row) % field.rows;
        let copy = SqliteStore::file_in(used.path());
        fs::write(&copy, &bytes_of).expect("a writable folder");
        let touched = overwrite(&copy, field, row, *kind, value);
        read(used.path(), &ids, touched);
        for entry in fs::read_dir(used.path()).expect("a folder") {
            fs::remove_file(entry.expect("an entry").path()).expect("a file");
        }
    })
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A store with operations, labels, events, checkpoints and keys.
fn fill(folder: &Path) -> Vec<OperationId> {
    let store = SqliteStore::open(folder, StoreOptions::default()).expect("it opens");
    let config = Config::default().checkpoint_dir(Some(folder.join("checkpoints")));
    let orchestrator = Orchestrator::start(config, Kinds::new().register(Rich), store);
    let orchestrator = orchestrator.expect("it starts");
    let ids = System::new().block_on(async {
        let mut ids = Vec::new();
        for number in 0..3_i64 {
            let start = StartOptions {
                labels: [("team".to_owned(), format!("t{number}"))].into(),
                not_before: (number == 2).then(|| Timestamp::now().plus_millis(1_000_000_000)),
                ..StartOptions::default()
            };
            let options = Options::default()
                .start(start)
                .idempotency_key(format!("key-{number}"));
            let params = serde_json::json!({"lean": number});
            let started = orchestrator.start_operation("rich", params, options).await;
            ids.push(started.expect("it starts").id);
        }
        for id in &ids[..2] {
            let ended = orchestrator
                .wait_until(*id, Until::Ended, Duration::from_secs(20))
                .await;
            assert!(ended.is_ok_and(|view| view.row.status.is_ended()));
        }
        orchestrator.shutdown().await;
        ids
    });
    drop(orchestrator);
    ids
}

fn fields(connection: &Connection) -> Vec<Field> {
    let sql = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1, 2";
    let mut statement = connection.prepare(sql).expect("SQL");
    let names = statement
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("names");
    let names: Vec<(String, String)> = names.map(|name| name.expect("a name")).collect();
    let field = |(table, column): (String, String)| {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let rows = connection
            .query_row(&sql, (), |row| row.get::<_, i64>(0))
            .expect("a count");
        Field {
            table,
            column,
            rows: rows as usize,
        }
    };
    names
        .into_iter()
        .map(field)
        .filter(|field| field.rows > 0)
        .collect()
}

/// Overwrites a field. Returns its operation, if there is one. If a constraint of the table refuses the value,
/// nothing is changed.
fn overwrite(file: &Path, field: &Field, row: usize, kind: u8, value: &[u8]) -> Option<i64> {
    let Field { table, column, .. } = field;
    let connection = Connection::open(file).expect("a database");
    let owner = match table.as_str() {
        "operations" => "id",
        "events" | "labels" | "checkpoints" | "keys" => "operation",
        _ => "NULL",
    };
    let of_row = format!("FROM {table} ORDER BY 1 LIMIT 1 OFFSET {row}");
    let old = format!("SELECT {column}, {owner} {of_row}");
    let (old, owner) = connection
        .query_row(&old, (), |row| Ok((row.get::<_, Value>(0)?, row.get(1)?)))
        .expect("a row");
    let new = changed(&old, kind, value);
    let which = match table.as_str() {
        // These tables have no row numbers.
        "labels" | "keys" | "counters" => format!("{column} IS ?2"),
        _ => format!("?2 IS ?2 AND rowid IN (SELECT rowid {of_row})"),
    };
    let sql = format!("UPDATE {table} SET {column} = ?1 WHERE {which}");
    let _ = connection.execute(&sql, (new, old));
    owner
}

fn changed(old: &Value, kind: u8, bytes: &[u8]) -> Value {
    let number = || {
        bytes
            .iter()
            .take(8)
            .fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte))
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match (kind, old) {
        (b'n', _) => Value::Null,
        (b'i', _) => Value::Integer(number()),
        (b'r', _) => Value::Real(f64::from_bits(number() as u64)),
        (b'b', _) => Value::Blob(bytes.to_vec()),
        // A part of the old value is overwritten: the place, then the new bytes.
        (b'w', Value::Text(old)) if bytes.len() > 2 => {
            let mut new = old.clone().into_bytes();
            let at = usize::from(u16::from_be_bytes([bytes[0], bytes[1]])) % (new.len() + 1);
            let end = (at + bytes.len() - 2).min(new.len());
            new.splice(at..end, bytes[2..].iter().copied());
            Value::Text(text(&new))
        }
        _ => Value::Text(text(bytes)),
    }
}

/// Reads everything, as a server does when it starts.
fn read(folder: &Path, ids: &[OperationId], touched: Option<i64>) {
    let mut store = match SqliteStore::open(folder, StoreOptions::default()) {
        Ok(store) => store,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let reader = store.reader();
    let now = Timestamp::now();
    let query = |limit| Query::default().limit(limit);
    let _ = (
        reader.page(&query(100)),
        reader.counts(),
        reader.cursor(),
        reader.size(),
    );
    let _ = (
        reader.queue("default", now),
        reader.oldest_due("default", now),
    );
    let _ = reader.events_since_cursor(0, 1_000).wait();
    for id in ids {
        let operation = reader.operation(*id).wait();
        let events = reader.events(*id, 0, 1_000, &[]).wait();
        if touched != Some(id.as_u64() as i64) {
            let operation = operation.expect("another row was touched");
            assert!(operation.is_some_and(|one| one.id == *id));
            assert!(events.is_ok(), "another row was touched");
        }
    }
    let _ = store.commit(&[Command::Recover {
        lost: LostOwner::default(),
        now,
    }]);
    let _ = store.commit(&[Command::Prune {
        before: now,
        limit: 10,
        dry_run: false,
    }]);
}
