//! What a restart must find.

use impresario::store::{Claim, Command, FolderLock, LostOwner, Outcome, Query, Store};
use impresario_api::Timestamp;

use super::open;
use crate::acts::submission;

const NOW: Timestamp = Timestamp::from_millis(5_000);

fn start(number: usize) -> Command {
    Command::Submit(Box::new(submission(number, (0, 0, None, true), NOW)))
}

#[test]
fn what_was_committed_is_there_after_the_process_is_gone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let before = {
        let mut store = open(folder.path());
        let batch: Vec<_> = (1..=10).map(start).collect();
        store.commit(&batch).expect("committed");
        let claim = Command::Claim(Claim {
            lane: "0".to_owned(),
            limit: 3,
            now: NOW,
            ..Claim::default()
        });
        store.commit(&[claim]).expect("committed");
        let text = everything(&store);
        // As a killed process does: nothing is closed.
        std::mem::forget(store);
        std::fs::remove_file(FolderLock::file_in(folder.path())).expect("the system releases it");
        text
    };
    let mut store = open(folder.path());
    assert_eq!(everything(&store), before);
    let outcome = store.commit(&[Command::Recover {
        lost: LostOwner::default(),
        now: NOW,
    }]);
    let Ok([Outcome::Recovered { lost, waiting }]) = outcome.as_deref() else {
        panic!("it recovers: {outcome:?}");
    };
    assert_eq!(lost.len(), 3);
    assert_eq!(waiting, &["0"]);
}

fn everything(store: &impl Store) -> String {
    let reader = store.reader();
    let query = Query::default().limit(1_000);
    let page = reader.page(&query).wait().expect("a page");
    let events = reader.events_since_cursor(0, 1_000).wait().expect("events");
    let counts = reader.counts().wait().expect("counts");
    format!(
        "{page:?} {events:?} {counts:?} {:?}",
        reader.cursor().wait()
    )
}
