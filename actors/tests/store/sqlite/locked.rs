//! One at a time uses a folder.

use std::fs;
use std::os::unix::fs::symlink;

use impresario::store::sqlite::{OpenError, Options, SqliteStore};
use impresario::store::{FolderLock, LockError, Store};
use impresario_api::Timestamp;

use super::open;
use crate::acts::submission;

const NOW: Timestamp = Timestamp::from_millis(5_000);

#[test]
fn the_folder_is_made_and_one_at_a_time_uses_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let below = folder.path().join("not/there/yet");
    let mut store = open(&below);
    let start = |number| {
        let submission = submission(number, (0, 0, None, true), NOW);
        impresario::store::Command::Submit(Box::new(submission))
    };
    store.commit(&[start(1)]).expect("committed");
    let Err(refused) = SqliteStore::open(&below, Options::default()) else {
        panic!("it is in use");
    };
    assert!(matches!(&refused, OpenError::Lock(LockError::Taken(of)) if *of == below));
    let wanted = format!("the folder {} is in use already", below.display());
    assert!(refused.to_string().starts_with(&wanted), "{refused}");
    // The one that was refused has touched no file of the other.
    store.commit(&[start(2)]).expect("committed");
    drop(store);
    let cursor = open(&below).reader().cursor().wait();
    assert_eq!(cursor.expect("it answers"), 2);
}

#[test]
fn who_keeps_more_in_the_folder_than_the_store_takes_its_lock_beforehand() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lock = FolderLock::take(folder.path()).expect("nobody has it");
    let store = SqliteStore::open_locked(lock.clone(), Options::default()).expect("it opens");
    drop(store);
    assert!(SqliteStore::open(folder.path(), Options::default()).is_err());
    drop(lock);
    drop(open(folder.path()));
}

#[test]
fn a_link_in_place_of_the_lock_leads_nowhere() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = folder.path().join("target");
    symlink(&target, FolderLock::file_in(folder.path())).expect("writable");
    let refused = FolderLock::take(folder.path());
    assert!(
        matches!(refused, Err(LockError::Unusable { .. })),
        "{refused:?}"
    );
    assert!(!fs::exists(&target).expect("readable"));
}
