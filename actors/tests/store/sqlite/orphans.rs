//! Rows that belong to no operation, rows that are counted before they are known to be damaged, and
//! indexes that are gone.

use impresario::store::sqlite::SqliteStore;
use impresario::store::{Command, Query, Store};
use impresario_api::{StatusFilter, Timestamp};
use rusqlite::Connection;

use super::open;
use crate::acts;

const NOW: Timestamp = Timestamp::from_millis(5_000);

fn populated() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut store = open(folder.path());
    let start =
        |number| Command::Submit(Box::new(acts::submission(number, (0, 0, None, true), NOW)));
    let batch: Vec<_> = (1..=9).map(start).collect();
    store.commit(&batch).expect("committed");
    drop(store);
    let database = Connection::open(SqliteStore::file_in(folder.path())).expect("it opens");
    (folder, database)
}

#[test]
fn rows_of_no_operation_are_removed_and_counted() {
    let (folder, database) = populated();
    let damage = "UPDATE events SET operation = 3 WHERE cursor = 4;
        INSERT INTO labels (key, value, operation) VALUES ('team', 'red', 3);
        INSERT INTO checkpoints (operation, about, value) VALUES (3, '{}', x'90');
        INSERT INTO keys (key, operation, fingerprint, at) VALUES ('a', 3, 1, 5000);
        INSERT INTO set_aside (operation, field, value) VALUES (3, 'id', 7);";
    database.execute_batch(damage).expect("damaged");
    drop(database);
    let store = open(folder.path());
    let reader = store.reader();
    assert_eq!(reader.set_aside(), 5);
    assert_eq!(
        reader.page(&Query::default()).wait().expect("a page").total,
        9
    );
    drop((reader, store));
    let database = Connection::open(SqliteStore::file_in(folder.path())).expect("it opens");
    for table in ["events", "labels", "checkpoints", "keys", "set_aside"] {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE operation = 3");
        let count = database.query_row(&sql, (), |row| row.get(0));
        assert_eq!(count, Ok(0), "{table}");
    }
    let events = database.query_row("SELECT COUNT(*) FROM events", (), |row| row.get(0));
    assert_eq!(events, Ok(8));
    drop(database);
    assert_eq!(open(folder.path()).reader().set_aside(), 0);
}

#[test]
fn a_total_is_not_called_exact_while_a_row_waits_to_be_set_aside() {
    let (folder, database) = populated();
    let sql = "UPDATE operations SET status = 99 WHERE id = (SELECT MAX(id) FROM operations)";
    assert_eq!(database.execute(sql, ()), Ok(1));
    drop(database);
    let mut store = open(folder.path());
    let query = Query::default().limit(100);
    let page = store.reader().page(&query).wait().expect("a page");
    assert_eq!(
        (page.operations.len(), page.total, page.total_is_exact),
        (9, 9, false)
    );
    store.commit(&[]).expect("set aside");
    let page = store.reader().page(&query).wait().expect("a page");
    assert_eq!(
        (page.operations.len(), page.total, page.total_is_exact),
        (9, 9, true)
    );
}

#[test]
fn indexes_that_were_dropped_are_made_anew() {
    let (folder, database) = populated();
    let names = |database: &Connection| -> Vec<String> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";
        let mut statement = database.prepare(sql).expect("a statement");
        let names = statement.query_map((), |row| row.get(0)).expect("names");
        names.map(|name| name.expect("a name")).collect()
    };
    let mut whole = names(&database);
    for name in &whole {
        let dropped = database.execute_batch(&format!("DROP INDEX {name}"));
        dropped.expect("dropped");
    }
    drop(database);
    let store = open(folder.path());
    let scheduled = Query::default()
        .statuses(vec![StatusFilter::Scheduled])
        .limit(10);
    store.reader().page(&scheduled).wait().expect("a page");
    drop(store);
    let database = Connection::open(SqliteStore::file_in(folder.path())).expect("it opens");
    let mut again = names(&database);
    whole.sort_unstable();
    again.sort_unstable();
    assert_eq!(again, whole);
}
