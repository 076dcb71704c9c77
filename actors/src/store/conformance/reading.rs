//! Pages, filters and events.

use std::collections::BTreeMap;

use impresario_api::{Status, Verb};

use super::helpers::{id, log, numbers, same, types};
use super::stage::Stage;
use crate::rules::run_end::RunEnd;
use crate::store::Query;

fn query() -> Query {
    Query {
        limit: 100,
        ..Query::default()
    }
}

pub(super) fn events(stage: &mut Stage) {
    stage.running(1);
    let logs = stage.append(1, 1, vec![log("a"), log("b"), log("c")]);
    stage.done(logs);
    stage.running(2);
    let reader = std::sync::Arc::clone(&stage.reader);
    let seqs = |since, limit, types: &[&str]| {
        let events = stage.read(reader.events(id(1), since, limit, types));
        events.iter().map(|event| event.seq).collect::<Vec<_>>()
    };
    same(seqs(0, 100, &[]), vec![1, 2, 3, 4, 5], "all");
    same(seqs(2, 2, &[]), vec![3, 4], "after a seq, at most so many");
    same(seqs(5, 100, &[]), vec![], "after the last");
    same(seqs(u64::MAX, 100, &[]), vec![], "after any");
    same(seqs(0, 2, &["log"]), vec![3, 4], "one type");
    same(
        seqs(1, 9, &["log", "status"]),
        vec![2, 3, 4, 5],
        "two types",
    );
    let all = stage.read(reader.events_since_cursor(0, 100));
    same(all.len(), 7, "of all operations");
    let middle = stage.read(reader.events_since_cursor(all[2].cursor, 3));
    same(
        middle.as_slice(),
        &all[3..6],
        "after a cursor, at most so many",
    );
    let none = stage.read(reader.events(id(9), 0, 100, &[]));
    same(types(&none), vec![], "of an unknown operation");
    let none = stage.read(reader.events_since_cursor(u64::MAX, 9));
    same(types(&none), vec![], "after any cursor");
}

pub(super) fn pages(stage: &mut Stage) {
    for number in 1..=25 {
        stage.submit(number * 10);
    }
    let (mut seen, mut before, mut added) = (Vec::new(), None, 1_000);
    loop {
        let page = stage.page(&Query {
            limit: 10,
            before,
            ..Query::default()
        });
        seen.extend(numbers(&page));
        before = page.operations.last().map(|operation| operation.id);
        same(page.more, seen.len() < 25, "whether there are older ones");
        if !page.more {
            break;
        }
        stage.submit(added);
        added += 1;
        let cancel = stage.asks(10 * (added - 1_000), Verb::Cancel);
        stage.done(cancel);
    }
    let expected: Vec<_> = (1..=25).rev().map(|number| number * 10).collect();
    same(seen, expected, "newest first, each once");
    let none = stage.page(&Query {
        limit: 0,
        ..Query::default()
    });
    same(
        (none.operations.len(), none.more),
        (0, true),
        "a page of nothing",
    );
}

pub(super) fn filters(stage: &mut Stage) {
    company(stage);
    let all = vec![5, 4, 3, 2, 1];
    let some = |set: fn(&mut Query)| {
        let mut query = query();
        set(&mut query);
        query
    };
    let cases = [
        (query(), all.clone()),
        (
            some(|q| q.statuses = vec![Status::Cancelling.into()]),
            vec![2],
        ),
        (some(|q| q.statuses = vec![Status::Running.into()]), vec![3]),
        (
            some(|q| q.statuses = vec![Status::Completed.into(), Status::Pending.into()]),
            vec![5, 4, 1],
        ),
        (some(|q| q.kinds = words(&["training"])), vec![5]),
        (some(|q| q.kinds = words(&["nothing"])), vec![]),
        (some(|q| q.kinds = words(&["training", "dummy"])), all),
        (some(|q| q.active_only = true), vec![5, 4, 3, 2]),
        (
            some(|q| (q.active_only, q.statuses) = (true, vec![Status::Completed.into()])),
            vec![],
        ),
        (some(|q| q.label = team("blue")), vec![4, 1]),
        (some(|q| q.label = team("green")), vec![]),
        (
            some(|q| (q.label, q.kinds) = (team("red"), words(&["dummy"]))),
            vec![],
        ),
        (
            some(|q| (q.label, q.kinds) = (team("blue"), words(&["dummy"]))),
            vec![4, 1],
        ),
        (
            some(|q| (q.label, q.statuses) = (team("blue"), vec![Status::Completed.into()])),
            vec![1],
        ),
        (some(|q| q.before = Some(id(3))), vec![2, 1]),
        (some(|q| q.before = Some(id(1))), vec![]),
    ];
    for (query, expected) in cases {
        check(stage, &query, expected);
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn team(name: &str) -> Option<(String, String)> {
    Some(("team".to_owned(), name.to_owned()))
}

/// Five in as many statuses, two teams and two kinds; only the first has ended.
fn company(stage: &mut Stage) {
    stage.submit_as(1, |submission| submission.labels.extend(team("blue")));
    stage.claim("a", 1);
    stage.running(2);
    stage.running(3);
    stage.submit_as(4, |submission| submission.labels.extend(team("blue")));
    stage.submit_as(5, |submission| {
        submission.kind = "training".to_owned();
        submission.labels.extend(team("red"));
    });
    stage.ends(1, RunEnd::Returned);
    let cancel = stage.asks(2, Verb::Cancel);
    stage.done(cancel);
}

#[track_caller]
fn check(stage: &Stage, query: &Query, expected: Vec<u64>) {
    let page = stage.page(query);
    let total = Query {
        before: None,
        ..query.clone()
    };
    let total = stage.page(&total).operations.len() as u64;
    same(numbers(&page), expected, &format!("{query:?}"));
    same(
        (page.total, page.total_is_exact),
        (total, true),
        "the total of all pages",
    );
    same(page.active, 4, "active ones, whatever the filter");
}

pub(super) fn texts(stage: &mut Stage) {
    let label = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let one = 0x0123_4567_89ab_cdef;
    let two = one + (1 << 40);
    let three = two + 1;
    stage.submit_as(one, |submission| submission.labels = label("a", "blue"));
    stage.submit_as(two, |submission| submission.labels = label("b", "blues"));
    stage.submit_as(three, |submission| submission.kind = "blu".to_owned());
    let digits = id(one).digits();
    let cases = [
        (digits[9..].to_owned(), vec![two, one]),
        (digits[10..].to_owned(), vec![]),
        (digits.clone(), vec![one]),
        (id(three).to_string(), vec![three]),
        (id(three).short(), vec![three]),
        ("blu".to_owned(), vec![three, two, one]),
        ("blue".to_owned(), vec![two, one]),
        ("blues".to_owned(), vec![two]),
        ("lue".to_owned(), vec![]),
        ("dumm".to_owned(), vec![]),
        ("dummy".to_owned(), vec![two, one]),
        (String::new(), vec![three, two, one]),
    ];
    for (text, expected) in cases {
        let what = format!("the text {text:?}");
        let query = Query {
            text: Some(text),
            ..query()
        };
        same(numbers(&stage.page(&query)), expected, &what);
    }
}

pub(super) fn totals(stage: &mut Stage) {
    let labels = BTreeMap::from([("team".to_owned(), "blue".to_owned())]);
    for number in 1..=1_000 {
        stage.submit_as(number, |submission| submission.labels = labels.clone());
    }
    let labelled = Query {
        label: Some(("team".to_owned(), "blue".to_owned())),
        limit: 1,
        ..Query::default()
    };
    let total = |stage: &Stage, query: &Query| {
        let page = stage.page(query);
        (page.total, page.total_is_exact)
    };
    same(
        total(stage, &labelled),
        (1_000, true),
        "as many as are counted",
    );
    stage.submit_as(1_001, |submission| submission.labels = labels.clone());
    same(total(stage, &labelled), (1_000, false), "counting stops");
    let by_kind = Query {
        kinds: vec!["dummy".to_owned()],
        limit: 1,
        ..Query::default()
    };
    same(total(stage, &by_kind), (1_001, true), "by kind it is exact");
    let (kept, bytes) = stage.read(stage.reader.size());
    same((kept, bytes > 0), (1_001, true), "the size");
}
