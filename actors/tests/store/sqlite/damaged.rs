//! Single fields that hold what no server wrote, one after another in every column of every table: the
//! store opens, everything else is as it was, and what is damaged can be seen and removed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use impresario::operation::{RunEnd, RunFailure};
use impresario::rules::admission::Limits;
use impresario::rules::lifecycle::Input;
use impresario::store::sqlite::SqliteStore;
use impresario::store::{
    Claim, Command, End, Idempotency, LostOwner, Outcome, Query, Reader, SavedCheckpoint, Store,
    StoredOperation, Submission, UNREADABLE,
};
use impresario_api::{EventBody, LogData, LogLevel, OperationId, Status, Timestamp, Verb};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::open;
use crate::acts;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const LATER: Timestamp = Timestamp::from_millis(1_700_000_100_000);
/// What is written into a field, as SQL.
const VALUES: &[&str] = &[
    "NULL",
    "''",
    "'x'",
    "x'00fffe'",
    "CAST(x'fffe41' AS TEXT)",
    "9223372036854775807",
    "-9223372036854775808",
    "-5",
    "0",
    "1",
    "2.5",
    "9e300",
    "'{'",
    "'[]'",
    "'null'",
    "'{\"run\": -1, \"attempt\": \"x\", \"params\": 7}'",
    "'{\"at\": \"+10000-01-01T04:59:59.999Z\", \"not_before\": \"-0001-12-31T10:00:00.000Z\"}'",
    "printf('%.*c', 300, '[')",
    "substr({field}, 1, length({field}) / 2)",
    "{field} || char(0) || 'x'",
];

fn submission(number: usize) -> Submission {
    let mut submission = acts::submission(number, (0, 0, None, number.is_multiple_of(2)), NOW);
    // Lists show the newest id first.
    submission.id = OperationId::from_u64((number as u64) << 30);
    submission.limits = Limits::NONE;
    submission.params = Arc::new(json!({"number": number}));
    submission.unique = Some(format!("unique {number}"));
    submission.idempotency = Some(Idempotency {
        key: format!("key {number}"),
        fingerprint: u64::MAX - number as u64,
        since: NOW.plus_millis(-1_000),
    });
    submission
}

fn ended(id: OperationId, end: RunEnd) -> Command {
    Command::End(Box::new(End {
        id,
        run: 1,
        end,
        signalled: None,
        output: Some(json!({"answer": 42})),
        progress: None,
        events: vec![(
            NOW,
            EventBody::Log(LogData {
                level: LogLevel::Info,
                message: "nearly".to_owned(),
                run: 1,
            }),
        )],
        checkpoint: Some(checkpoint(2)),
        now: NOW,
        ran_ms: None,
        jitter: 0.5,
    }))
}

fn checkpoint(step: u64) -> SavedCheckpoint {
    SavedCheckpoint {
        at: NOW,
        run: 1,
        step: [("step".to_owned(), step)].into(),
        outermost: Some("step".to_owned()),
        value: Arc::from([0x91, 0x2a]),
        dir: None,
        bytes: 2,
        metrics: [("loss".to_owned(), 7)].into(),
    }
}

fn asked(id: OperationId, verb: Verb) -> Command {
    let (by, reason) = ("me".to_owned(), Some("because".to_owned()));
    Command::Apply {
        id,
        input: Input::Asked { verb, by, reason },
        now: NOW,
    }
}

/// Operations in every status, with all that may lie beside one.
fn populate(store: &mut SqliteStore) {
    let starts: Vec<_> = (1..=12).map(submission).collect();
    let ids: Vec<_> = starts.iter().map(|start| start.id).collect();
    let starts = starts.into_iter().enumerate().map(|(place, mut start)| {
        // The first run; some of the others wait for their time.
        start.not_before = (place == 10).then(|| Timestamp::MAX.plus_millis(-7));
        start.lane = if place < 6 { "runs" } else { "waits" }.to_owned();
        Command::Submit(Box::new(start))
    });
    store.commit(&starts.collect::<Vec<_>>()).expect("written");
    let claim = Command::Claim(Claim {
        lane: "runs".to_owned(),
        limit: 6,
        now: NOW,
        ..Claim::default()
    });
    store.commit(&[claim]).expect("written");
    let failed = RunEnd::Failed(RunFailure {
        code: "BAD".to_owned(),
        message: "bad".to_owned(),
        details: Some(json!([1, -0.0, u64::MAX, null])),
        retryable: false,
        step: Some("step 1/2".to_owned()),
    });
    let append = Command::Append {
        id: ids[3],
        run: 1,
        events: Vec::new(),
        checkpoint: Some(checkpoint(1)),
    };
    let batch = [
        ended(ids[0], RunEnd::Returned),
        ended(ids[1], failed),
        asked(ids[2], Verb::Pause),
        ended(ids[2], RunEnd::Stopped),
        append,
        asked(ids[4], Verb::Cancel),
        asked(ids[6], Verb::Cancel),
        asked(ids[7], Verb::Pause),
    ];
    for outcome in store.commit(&batch).expect("written") {
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
}

/// The tables and their columns, as they are; what a later version adds is damaged too.
fn columns(database: &Connection) -> Vec<(String, String)> {
    let sql = "SELECT tables.name, columns.name
               FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
               WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'";
    let mut statement = database.prepare(sql).expect("a schema");
    let found = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)));
    let found = found.expect("a schema").collect::<Result<_, _>>();
    found.expect("names")
}

/// Writes without what the tables check, as a disk that errs does; false where the row has a key that
/// cannot hold it.
fn damage(database: &Connection, table: &str, field: &str, value: &str, row: usize) -> bool {
    let loosen = "PRAGMA writable_schema = ON; PRAGMA ignore_check_constraints = ON;
        CREATE TEMP TABLE strict AS SELECT name, sql FROM sqlite_schema;
        UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
            ') STRICT, WITHOUT', ') WITHOUT'), ') STRICT', ')'), ' NOT NULL', '')
            WHERE type = 'table';
        PRAGMA writable_schema = RESET;";
    let tighten = "PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = (SELECT sql FROM strict WHERE strict.name = sqlite_schema.name);
        PRAGMA writable_schema = RESET; DROP TABLE strict;";
    database.execute_batch(loosen).expect("a loose schema");
    let value = value.replace("{field}", field);
    // Every row has a key that is not the field itself, or is alone with it.
    let sql = format!(
        "UPDATE {table} SET {field} = {value} WHERE ({keys}) = (SELECT {keys} FROM {table} LIMIT 1 OFFSET {row})",
        keys = keys(table)
    );
    let done = database.execute(&sql, ());
    database.execute_batch(tighten).expect("the schema again");
    matches!(done, Ok(1))
}

fn keys(table: &str) -> &'static str {
    match table {
        "labels" => "key, value, operation",
        "keys" => "key",
        "counters" => "kind, status",
        "set_aside" => "operation, field",
        _ => "rowid",
    }
}

fn rows(database: &Connection, table: &str) -> usize {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    let count = database.query_row(&sql, (), |row| row.get::<_, i64>(0));
    usize::try_from(count.expect("a count")).expect("not negative")
}

/// What a server does when it comes up, and then: everything runs, and one more start to its end.
fn work(store: &mut SqliteStore) {
    let claim = |lane: &str| {
        Command::Claim(Claim {
            lane: lane.to_owned(),
            limit: 100,
            now: LATER,
            ..Claim::default()
        })
    };
    let mut run = |batch: &[Command]| store.commit(batch).expect("it goes on");
    run(&[Command::Recover {
        lost: LostOwner::default(),
        now: LATER,
    }]);
    run(&[claim("runs"), claim("waits")]);
    let mut start = submission(50);
    start.lane = "new".to_owned();
    let id = start.id;
    let outcomes = run(&[Command::Submit(Box::new(start)), claim("new")]);
    assert!(matches!(&outcomes[1], Outcome::Claimed { operations, .. } if operations.len() == 1));
    let outcomes = run(&[ended(id, RunEnd::Returned)]);
    assert!(matches!(&outcomes[..], [Outcome::Done(done)] if done.operation.output.is_some()));
}

/// All that readers see, by operation.
fn seen(reader: &dyn Reader) -> BTreeMap<OperationId, Arc<StoredOperation>> {
    let mut query = Query::default().limit(5);
    let mut operations = BTreeMap::new();
    loop {
        let page = reader.page(&query).wait().expect("a page");
        query.before = page.operations.last().map(|last| last.id);
        operations.extend(page.operations.into_iter().map(|one| (one.id, one)));
        if !page.more {
            break;
        }
    }
    for status in Status::ALL {
        let statuses = vec![(*status).into()];
        let of_status = Query::default()
            .statuses(statuses)
            .text(Some("blue".to_owned()))
            .limit(100);
        reader.page(&of_status).wait().expect("a page of a status");
    }
    let labelled = Query::default()
        .label(Some(("team".to_owned(), "blue".to_owned())))
        .limit(100);
    reader.page(&labelled).wait().expect("a page of a label");
    reader.events_since_cursor(0, 1_000).wait().expect("events");
    reader.counts().wait().expect("counts");
    reader.size().wait().expect("a size");
    for lane in ["runs", "waits"] {
        reader.queue(lane, LATER).wait().expect("a queue");
        reader.oldest_due(lane, LATER).wait().expect("the oldest");
    }
    for key in 1..=12 {
        let key = format!("key {key}");
        reader
            .idempotent(&key, Timestamp::MIN)
            .wait()
            .expect("a key");
    }
    operations
}

fn story(reader: &dyn Reader, id: OperationId) -> Vec<String> {
    let events = reader.events(id, 0, 1_000, &[]).wait().expect("events");
    let told = events
        .iter()
        .map(|one| format!("{} {:?}", one.seq, one.body));
    told.collect()
}

/// Removes all that has ended; what is left.
fn pruned(store: &mut SqliteStore) -> BTreeMap<OperationId, Arc<StoredOperation>> {
    let prune = Command::Prune {
        before: Timestamp::MAX,
        limit: 1_000,
        dry_run: false,
    };
    store.commit(&[prune]).expect("pruned");
    seen(&*store.reader())
}

struct Case<'a> {
    file: &'a Path,
    whole: &'a BTreeMap<OperationId, String>,
    stories: &'a BTreeMap<OperationId, Vec<String>>,
    /// How many operations may be another than they would be.
    unlike: usize,
}

/// In memory where that is possible: no disk is tested here, and each case syncs a dozen times.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary folder")
}

/// One damaged field.
fn play(case: &Case<'_>, what: &str) {
    let folder = folder();
    std::fs::copy(case.file, SqliteStore::file_in(folder.path())).expect("copied");
    let mut store = open(folder.path());
    seen(&*store.reader());
    work(&mut store);
    let reader = store.reader();
    let operations = seen(&*reader);
    let unlike: Vec<_> = case
        .whole
        .iter()
        .filter(|(id, whole)| {
            operations.get(id).map(|one| format!("{one:?}")).as_ref() != Some(*whole)
        })
        .collect();
    assert!(unlike.len() <= case.unlike, "{what}: {unlike:?}");
    let others = case.stories.iter().filter(|(id, story)| {
        let unlike = unlike.iter().any(|(other, _)| other == id);
        !unlike && self::story(&*reader, **id) != **story
    });
    assert!(others.count() <= 1, "{what}: stories");
    for one in operations.values() {
        let error = one.state.error.as_ref();
        if error.is_some_and(|error| error.code == UNREADABLE) {
            assert_eq!(one.state.shown(), Status::Failed, "{what}");
            assert!(reader.set_aside() > 0, "{what}");
        }
    }
    let left = pruned(&mut store);
    let ended = |one: &&Arc<StoredOperation>| one.state.shown().is_ended();
    assert_eq!(left.values().filter(ended).count(), 0, "{what}");
    drop((reader, store));
    let mut store = open(folder.path());
    store
        .commit(&[Command::Recover {
            lost: LostOwner::default(),
            now: LATER,
        }])
        .expect("it comes up again");
}

#[test]
fn one_damaged_field_stands_in_nobody_elses_way() {
    let folder = folder();
    let mut store = open(folder.path());
    populate(&mut store);
    drop(store);
    let file = SqliteStore::file_in(folder.path());
    let twin = self::folder();
    std::fs::copy(&file, SqliteStore::file_in(twin.path())).expect("copied");
    let mut store = open(twin.path());
    work(&mut store);
    let reader = store.reader();
    let whole = seen(&*reader);
    let stories: BTreeMap<_, _> = whole.keys().map(|id| (*id, story(&*reader, *id))).collect();
    let whole: BTreeMap<_, _> = whole
        .iter()
        .map(|(id, one)| (*id, format!("{one:?}")))
        .collect();
    assert_eq!(whole.len(), 13);
    let database = Connection::open(&file).expect("it opens");
    let (mut number, mut played) = (0, 0);
    for (table, field) in columns(&database) {
        let count = rows(&database, &table);
        for value in VALUES {
            number += 1;
            let Some(row) = (number * 7_usize).checked_rem(count) else {
                continue;
            };
            let copy = folder.path().join("copy.db");
            let _ = std::fs::remove_file(&copy);
            database
                .execute("VACUUM INTO ?1", [copy.to_string_lossy()])
                .expect("copied");
            let damaged = Connection::open(&copy).expect("it opens");
            if !damage(&damaged, &table, &field, value, row) {
                continue;
            }
            drop(damaged);
            let case = Case {
                file: &copy,
                whole: &whole,
                stories: &stories,
                // What is counted anew, or forgotten, changes no operation.
                unlike: usize::from(matches!(&*table, "operations" | "checkpoints" | "labels")),
            };
            played += 1;
            play(&case, &format!("{table}.{field} = {value}, row {row}"));
        }
    }
    assert!(played > 500, "{played} of {number}");
}
