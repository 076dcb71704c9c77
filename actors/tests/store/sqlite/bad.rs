//! Data folders that cannot be used: each refused with a message, and left as it was.

use std::fs;
use std::path::Path;

use impresario::store::sqlite::{Options, SqliteStore};
use tempfile::TempDir;

use super::open;

/// A folder with a database that holds a little.
fn made() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    drop(open(folder.path()));
    folder
}

/// What opening it says; every file is as it was.
#[track_caller]
fn refused(folder: &Path) -> String {
    let database = SqliteStore::file_in(folder);
    let before = fs::read(&database).ok();
    let Err(error) = SqliteStore::open(folder, Options::default()) else {
        panic!("it must not open");
    };
    assert!(before == fs::read(&database).ok(), "the file was changed");
    error.to_string()
}

#[test]
fn a_foreign_file_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = SqliteStore::file_in(folder.path());
    fs::write(&database, "name,price\nGOOG,12\n".repeat(100)).expect("writable");
    let text = refused(folder.path());
    assert!(text.contains("not a database of Impresario"), "{text}");
    assert!(text.contains("choose another folder"), "{text}");
}

#[test]
fn another_programs_database_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/foreign.db"),
        SqliteStore::file_in(folder.path()),
    )
    .expect("the fixture is there");
    let text = refused(folder.path());
    assert!(text.contains("not a database of Impresario"), "{text}");
}

/// Sets a big-endian number in the database's header.
fn set_header(folder: &Path, at: usize, value: u32) {
    let database = SqliteStore::file_in(folder);
    let mut bytes = fs::read(&database).expect("readable");
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    fs::write(&database, bytes).expect("writable");
}

#[test]
fn a_newer_database_is_refused() {
    let folder = made();
    set_header(folder.path(), 60, 999);
    let text = refused(folder.path());
    assert!(text.contains("newer Impresario"), "{text}");
    assert!(text.contains("999"), "{text}");
}

#[test]
fn a_truncated_database_is_refused() {
    for length in [10, 4_096, 20_000] {
        let folder = made();
        let database = SqliteStore::file_in(folder.path());
        let bytes = fs::read(&database).expect("readable");
        assert!(bytes.len() > length, "{}", bytes.len());
        fs::write(&database, &bytes[..length]).expect("writable");
        let text = refused(folder.path());
        let said = text.contains("damaged") || text.contains("not a database");
        assert!(said, "{text}");
    }
}

#[test]
fn a_damaged_page_is_found() {
    let folder = made();
    let database = SqliteStore::file_in(folder.path());
    let mut bytes = fs::read(&database).expect("readable");
    bytes[4_096..8_192].fill(0xa5);
    fs::write(&database, bytes).expect("writable");
    let text = refused(folder.path());
    assert!(text.contains("damaged"), "{text}");
    assert!(text.contains(".recover"), "{text}");
}

#[test]
fn a_log_without_its_database_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut log = SqliteStore::file_in(folder.path()).into_os_string();
    log.push("-wal");
    fs::write(&log, [7; 5_000]).expect("writable");
    let text = refused(folder.path());
    assert!(text.contains("missing or empty"), "{text}");
    assert_eq!(fs::read(&log).expect("readable"), [7; 5_000]);
}

#[test]
fn an_empty_file_is_a_start_that_was_killed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(SqliteStore::file_in(folder.path()), "").expect("writable");
    drop(open(folder.path()));
}
