//! Idempotency keys in the file.

use impresario::rules::lifecycle::Input;
use impresario::store::sqlite::SqliteStore;
use impresario::store::{Command, Idempotency, Store};
use impresario_api::{Timestamp, Verb};
use rusqlite::Connection;

use super::open;
use crate::acts::submission;

const NOW: Timestamp = Timestamp::from_millis(5_000);

/// A start with a key of its own.
fn start(number: usize) -> Command {
    let mut submission = submission(number, (0, 0, None, true), NOW);
    submission.idempotency = Some(Idempotency {
        key: format!("key {number}"),
        fingerprint: 7,
        since: NOW.plus_millis(-1_000_000),
    });
    Command::Submit(Box::new(submission))
}

fn cancel(number: usize) -> Command {
    let input = Input::Asked {
        verb: Verb::Cancel,
        by: "me".to_owned(),
        reason: None,
    };
    Command::Apply {
        id: submission(number, (0, 0, None, true), NOW).id,
        input,
        now: NOW,
    }
}

#[test]
fn a_key_is_removed_with_its_operation_however_young_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut store = open(folder.path());
    let keys = || {
        let connection = Connection::open(SqliteStore::file_in(folder.path()));
        let count =
            connection
                .expect("the file")
                .query_row("SELECT COUNT(*) FROM keys", (), |row| row.get::<_, i64>(0));
        count.expect("a count")
    };
    let starts: Vec<_> = (1..=10).map(start).collect();
    store.commit(&starts).expect("committed");
    let cancels: Vec<_> = (1..=7).map(cancel).collect();
    store.commit(&cancels).expect("committed");
    assert_eq!(keys(), 10);
    let prune = Command::Prune {
        before: Timestamp::from_millis(i64::MAX),
        limit: 100,
        dry_run: false,
    };
    store.commit(&[prune]).expect("committed");
    assert_eq!(keys(), 3, "those of the three that are kept");
}
