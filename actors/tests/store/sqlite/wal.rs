//! The write-ahead log after a `kill -9`: what was committed is there, or the start is refused.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use impresario::rules::admission::Limits;
use impresario::store::sqlite::{Options, SqliteStore};
use impresario::store::{Command, Query, Store};
use impresario_api::{OperationId, Timestamp};
use tempfile::TempDir;

use super::open;
use crate::acts;

const WRITER: &str = "IMPRESARIO_TEST_WRITER";
/// Starts in a commit.
const BATCH: u64 = 200;
const ROUNDS: u64 = 24;

fn start(number: u64) -> Command {
    let now = Timestamp::from_millis(1_000);
    let mut submission = acts::submission(0, (0, 0, None, false), now);
    submission.id = OperationId::from_u64(number);
    submission.limits = Limits::NONE;
    Command::Submit(Box::new(submission))
}

fn commit(store: &mut SqliteStore, from: u64) {
    let batch: Vec<_> = (from..from + BATCH).map(start).collect();
    store.commit(&batch).expect("committed");
}

fn total(store: &SqliteStore) -> u64 {
    let page = store
        .reader()
        .page(&Query::default())
        .wait()
        .expect("a page");
    assert!(page.total_is_exact);
    page.total
}

/// The process that [`a_kill_at_any_moment_takes_nothing_back`] kills: it writes without end, and says
/// how much is committed.
#[test]
fn writer() {
    let Some(folder) = std::env::var_os(WRITER) else {
        return;
    };
    let mut store = open(Path::new(&folder));
    let mut count = total(&store);
    let mut out = std::io::stdout();
    loop {
        writeln!(out, "\ncommitted {count}").expect("a reader");
        commit(&mut store, count + 1);
        count += BATCH;
    }
}

#[test]
fn a_kill_at_any_moment_takes_nothing_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut most = 0;
    for round in 0..ROUNDS {
        let mut child = Process::new(std::env::current_exe().expect("it runs"))
            .args(["--exact", "sqlite::wal::writer", "--nocapture"])
            .env(WRITER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let out = child.stdout.take().expect("a pipe");
        let told = BufReader::new(out).lines().map_while(Result::ok);
        let mut told = told.filter_map(|line| line.strip_prefix("committed ")?.parse::<u64>().ok());
        // Some are killed while they come up.
        if round % 4 != 0 {
            let first = told.next().expect("it comes up");
            assert!(first >= most, "{first} of {most}");
            most = first;
        }
        std::thread::sleep(Duration::from_micros(round * 7_919 % 150_000));
        child.kill().expect("it lives");
        child.wait().expect("it is ours");
        most = told.last().unwrap_or(most).max(most);
    }
    let found = total(&open(folder.path()));
    assert!(found >= most && most > 10 * BATCH, "{found} of {most}");
}

/// What a process that was killed has left: the folder, and how many operations were committed.
fn killed() -> (TempDir, u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut store = open(folder.path());
    commit(&mut store, 1);
    commit(&mut store, BATCH + 1);
    std::mem::forget(store);
    (folder, 2 * BATCH)
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder");
    let read = entries.map(|entry| {
        let path = entry.expect("an entry").path();
        let bytes = fs::read(&path).expect("a file");
        (path, bytes)
    });
    let mut files: Vec<_> = read.collect();
    files.sort();
    files
}

/// The same files in another folder, which no connection of this process has open.
fn copied(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    for (path, bytes) in files(folder) {
        let name = path.file_name().expect("a file");
        fs::write(copy.path().join(name), bytes).expect("writable");
    }
    copy
}

#[track_caller]
fn refused(folder: &Path) -> String {
    let before = files(folder);
    let Err(error) = SqliteStore::open(folder, Options::default()) else {
        panic!("it must not open");
    };
    assert!(before == files(folder), "a file was changed");
    error.to_string()
}

#[test]
fn a_log_that_does_not_hold_what_was_committed_is_refused_and_left() {
    let (folder, committed) = killed();
    assert_eq!(total(&open(copied(folder.path()).path())), committed);
    let whole = fs::read(folder.path().join("operations.db-wal")).expect("a log");
    let flipped = |at: usize| {
        let mut log = whole.clone();
        log[at] ^= 0x10;
        log
    };
    let garbage = [&[7; 32], &whole[32..]].concat();
    let mut spoilt = vec![Vec::new(), garbage];
    spoilt.extend([0, 9, 17, 40, 47, 5_056, 40_000].map(flipped));
    spoilt.extend([10, 31, 32, 33, 5_000, 100_000].map(|length| whole[..length].to_vec()));
    for log in spoilt {
        let copy = copied(folder.path());
        let path = copy.path().join("operations.db-wal");
        fs::write(&path, log).expect("writable");
        let text = refused(copy.path());
        for part in [
            &*path.to_string_lossy(),
            "restore a backup",
            "-shm",
            "choose another folder",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
    let copy = copied(folder.path());
    fs::remove_file(copy.path().join("operations.db-wal")).expect("a log");
    refused(copy.path());
    // As the message says: what only the log held is lost, and it goes on.
    fs::remove_file(copy.path().join("operations.db-shm")).expect("an index");
    drop(open(copy.path()));
}

#[test]
fn an_orderly_end_leaves_a_database_that_opens_beside_any_older_index() {
    let (folder, committed) = killed();
    let index = fs::read(folder.path().join("operations.db-shm")).expect("an index");
    let copy = copied(folder.path());
    let mut store = open(copy.path());
    commit(&mut store, committed + 1);
    drop(store);
    assert!(!copy.path().join("operations.db-shm").exists());
    assert_eq!(total(&open(copy.path())), committed + BATCH);
    // A folder that was put together of two is not.
    fs::write(copy.path().join("operations.db-shm"), index).expect("writable");
    refused(copy.path());
}

#[test]
fn a_database_that_was_emptied_is_refused_and_one_that_was_removed_is_made_anew() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut store = open(folder.path());
    commit(&mut store, 1);
    drop(store);
    let database = SqliteStore::file_in(folder.path());
    fs::write(&database, "").expect("writable");
    let text = refused(folder.path());
    assert!(text.contains("is damaged (it is empty)"), "{text}");
    fs::remove_file(&database).expect("it is there");
    assert_eq!(total(&open(folder.path())), 0);
}
