//! Pages of a text that stands in thousands of labels, each with a value of its own.

use std::ops::Range;

use impresario::rules::admission::Limits;
use impresario::store::{Command, Page, Query, Store};
use impresario_api::{OperationId, Timestamp};

use super::open;
use crate::acts;

/// More than are collected first, and none among the newest: looking one after the other finds none
/// for thousands.
const LABELLED: Range<u64> = 1_000..12_500;
/// After thousands without, every other one: looking finds some before it gives up.
const MIXED: Range<u64> = 16_000..16_200;

fn command(number: u64) -> Command {
    let labelled =
        LABELLED.contains(&number) || (MIXED.contains(&number) && number.is_multiple_of(2));
    let now = Timestamp::from_millis(1_000);
    let mut submission = acts::submission(0, (0, 0, None, false), now);
    submission.id = OperationId::from_u64(number);
    submission.limits = Limits::NONE;
    if labelled {
        let value = format!("r{number:05}");
        submission.labels = [("run".to_owned(), value)].into();
    }
    Command::Submit(Box::new(submission))
}

#[test]
fn a_text_in_thousands_of_labels_is_found_wherever_they_are() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut store = open(folder.path());
    for from in (LABELLED.start..MIXED.end).step_by(500) {
        let batch = from..MIXED.end.min(from + 500);
        let commands: Vec<_> = batch.map(command).collect();
        store.commit(&commands).expect("written");
    }
    let reader = store.reader();
    let mut query = Query::default().text(Some("r".to_owned())).limit(900);
    let mut found = Vec::new();
    loop {
        let page: Page = reader.page(&query).wait().expect("the store answers");
        assert!(!page.total_is_exact);
        assert!(page.total >= page.operations.len() as u64);
        found.extend(page.operations.iter().map(|one| one.id.as_u64()));
        query.before = page.operations.last().map(|one| one.id);
        if !page.more {
            break;
        }
    }
    let mixed = MIXED.rev().filter(|number| number.is_multiple_of(2));
    let all: Vec<_> = mixed.chain(LABELLED.rev()).collect();
    assert_eq!(found, all);
}
