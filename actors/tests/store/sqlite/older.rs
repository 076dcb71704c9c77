//! A file that an earlier version wrote.

use impresario::rules::admission::Waiting;
use impresario::store::{Claim, Command, Outcome, Query, Store};
use impresario_api::{OperationId, StatusFilter, Timestamp};

use super::open;

/// The tables as that version made them.
const TABLES: &str = include_str!("../../../src/store/sqlite/migrations/0001.sql");
/// With a term that no kind has any more.
const START: &str = r#"{"params":null,"requested_by":"me","terms":{"max_attempts":3,"backoff_ms":1000,"backoff_cap_ms":60000,"tiny":true}}"#;

/// A pending one as that version wrote it: its id, its column `due`, its state.
fn row(id: i64, due: i64, state: &str) -> String {
    format!(
        "INSERT INTO operations (id, kind, lane, priority, status, due, created_at, seq, state, start)
         VALUES ({id}, 'dummy', 'a', 0, 0, {due}, 1000, 1, '{state}', '{START}');"
    )
}

#[test]
fn what_waited_for_its_time_goes_on_to_wait_for_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = rusqlite::Connection::open(folder.path().join("operations.db")).expect("a file");
    let asked = r#"{"attempt":1,"not_before":"1970-01-01T00:00:09.000Z"}"#;
    let backoff = r#"{"run":1,"attempt":2,"not_before":"1970-01-01T00:00:08.000Z"}"#;
    let rows = [
        row(1, 9_000, asked),
        row(2, 8_000, backoff),
        // Its time had come, and no slot was free.
        row(3, 0, backoff),
        row(4, 0, "{}"),
    ];
    file.execute_batch(TABLES).expect("tables");
    file.execute_batch(&rows.concat()).expect("rows");
    file.execute_batch(
        "INSERT INTO counters VALUES ('dummy', 0, 4);
         PRAGMA application_id = 0x496d7072; PRAGMA user_version = 1;",
    )
    .expect("a version");
    drop(file);

    let mut store = open(folder.path());
    let reader = store.reader();
    let waiting = reader.waiting("a").wait().expect("the store answers");
    let expected = Waiting {
        due: 2,
        scheduled: 2,
    };
    assert_eq!(waiting, expected);
    let of = |id| {
        let one = reader.operation(OperationId::from_u64(id)).wait();
        let state = &one.expect("the store answers").expect("it is kept").state;
        (state.not_before, state.backoff_until)
    };
    let at = |millis| Some(Timestamp::from_millis(millis));
    assert_eq!(of(1), (at(9_000), None), "a person asked for it");
    assert_eq!(of(2), (None, at(8_000)), "it has run");
    let query = Query::default()
        .statuses(vec![StatusFilter::Scheduled])
        .limit(10);
    let page = reader.page(&query).wait().expect("the store answers");
    let ids: Vec<_> = page.operations.iter().map(|one| one.id.as_u64()).collect();
    assert_eq!((ids, page.total), (vec![2, 1], 2));
    let mut claim = |now| {
        let claim = Command::Claim(Claim {
            lane: "a".to_owned(),
            limit: 9,
            now: Timestamp::from_millis(now),
            ..Claim::default()
        });
        let outcomes = store.commit(&[claim]).expect("committed");
        let [Outcome::Claimed { operations, .. }] = outcomes.as_slice() else {
            panic!("a claim: {outcomes:?}");
        };
        let ids = operations.iter().map(|done| done.operation.id.as_u64());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(claim(8_500), [2, 3, 4]);
    assert_eq!(claim(9_000), [1]);
    let waiting = reader.waiting("a").wait().expect("the store answers");
    assert_eq!(waiting, Waiting::default());
}
