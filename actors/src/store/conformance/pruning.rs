//! Removing what ended long ago, and checkpoints of what was cancelled.

use std::collections::BTreeMap;

use impresario_api::{Timestamp, Verb};

use super::helpers::{id, numbers, same, types};
use super::stage::Stage;
use crate::rules::lifecycle::Rejection;
use crate::rules::run_end::RunEnd;
use crate::store::{Command, Outcome, Query};

#[track_caller]
fn prune(stage: &mut Stage, before: i64, limit: usize, dry_run: bool) -> u64 {
    let before = Timestamp::from_millis(before);
    let command = Command::Prune {
        before,
        limit,
        dry_run,
    };
    match stage.one(command) {
        Outcome::Pruned { count, removed } => {
            let told = if dry_run { 0 } else { count };
            same(
                removed.len() as u64,
                told,
                "those that were removed are told",
            );
            count
        }
        other => panic!("expected a pruning, got {other:?}"),
    }
}

/// Operations 3, 2 and 1 end at 2,000, 3,000 and 4,000; 4 runs, 5 waits, 6 rests.
fn company(stage: &mut Stage) {
    for number in 1..=4 {
        stage.running(number);
    }
    let labels = BTreeMap::from([("team".to_owned(), "blue".to_owned())]);
    stage.submit_as(5, |submission| submission.labels = labels.clone());
    stage.submit(6);
    let pause = stage.asks(6, Verb::Pause);
    stage.done(pause);
    for number in [3, 2, 1] {
        stage.pass(1_000);
        stage.ends(number, RunEnd::Returned);
    }
}

fn kept(stage: &Stage) -> Vec<u64> {
    let query = Query {
        limit: 100,
        ..Query::default()
    };
    numbers(&stage.page(&query))
}

pub(super) fn oldest_first(stage: &mut Stage) {
    company(stage);
    let cursor = stage.read(stage.reader.cursor());
    same(prune(stage, 2_000, 10, false), 0, "nothing ended before");
    same(prune(stage, 9_000, 1, false), 1, "at most so many");
    same(kept(stage), vec![6, 5, 4, 2, 1], "the oldest end first");
    same(prune(stage, 4_000, 10, false), 1, "ended before, not at");
    same(prune(stage, 9_000, 10, false), 1, "the last one that ended");
    same(kept(stage), vec![6, 5, 4], "live ones stay");
    same(types(&stage.events(2)), vec![], "its events are gone");
    let gone = stage.read(stage.reader.operation(id(2)));
    same(gone.is_none(), true, "and its record");
    same(
        stage.read(stage.reader.cursor()),
        cursor,
        "the cursor stays",
    );
    let latest = stage.last_numbers().latest;
    same(
        latest,
        Some(stage.now()),
        "the time of the last command stays",
    );
    let newest = stage.last_numbers().newest;
    same(newest, Some(id(6)), "and the newest id");
    let left = stage.read(stage.reader.events_since_cursor(0, 100));
    let owners: Vec<_> = left
        .iter()
        .map(|event| event.operation_id.as_u64())
        .collect();
    same(
        owners,
        vec![4, 4, 5, 6, 6],
        "what is left can be read by cursor",
    );
    let counts = stage.read(stage.reader.counts());
    same(counts.values().sum::<u64>(), 3, "the counters");
    same(stage.read(stage.reader.size()).0, 3, "the size");
    stage.submit(7);
    let next = stage.read(stage.reader.events_since_cursor(cursor, 100));
    same(types(&next), vec!["submitted"], "and goes on after it");
}

pub(super) fn dry_run(stage: &mut Stage) {
    company(stage);
    let before = stage.everything();
    same(
        prune(stage, 3_500, 10, true),
        2,
        "those that it would remove",
    );
    same(prune(stage, 9_000, 2, true), 2, "at most so many");
    same(stage.everything(), before, "nothing is gone");
    same(prune(stage, 3_500, 10, false), 2, "as it said");
}

#[track_caller]
fn remove_checkpoints(stage: &mut Stage, before: i64, limit: usize) -> Vec<u64> {
    let before = Timestamp::from_millis(before);
    match stage.one(Command::RemoveCheckpoints { before, limit }) {
        Outcome::CheckpointsRemoved(ids) => ids.iter().map(|id| id.as_u64()).collect(),
        other => panic!("expected a removal of checkpoints, got {other:?}"),
    }
}

/// Runs one, which keeps so many checkpoints, and lets it end a second later.
#[track_caller]
fn ended(stage: &mut Stage, number: u64, checkpoints: u64, verb: Option<Verb>, end: RunEnd) {
    stage.running(number);
    for step in 0..checkpoints {
        let mut checkpoint = stage.checkpoint(1);
        checkpoint.step.insert("iteration".to_owned(), step);
        stage.done(Command::Append {
            id: id(number),
            run: 1,
            events: Vec::new(),
            checkpoint: Some(checkpoint),
        });
    }
    stage.pass(1_000);
    if let Some(verb) = verb {
        let asks = stage.asks(number, verb);
        stage.done(asks);
    }
    stage.ends(number, end);
}

pub(super) fn checkpoints(stage: &mut Stage) {
    let (cancel, pause) = (Some(Verb::Cancel), Some(Verb::Pause));
    // They end at 2,000, 3,000 and so on.
    ended(stage, 3, 2, cancel, RunEnd::Stopped);
    ended(stage, 2, 1, cancel, RunEnd::Stopped);
    ended(stage, 1, 0, cancel, RunEnd::Stopped);
    ended(stage, 4, 1, None, RunEnd::Returned);
    ended(stage, 5, 1, pause, RunEnd::Stopped);
    ended(stage, 6, 1, cancel, RunEnd::Stopped);
    let resume = stage.asks(6, Verb::Resume);
    stage.done(resume);
    ended(stage, 7, 1, cancel, RunEnd::Stopped);
    let (told, kept) = (stage.events(3), stage.operation(3));
    let cursor = stage.read(stage.reader.cursor());
    same(
        remove_checkpoints(stage, 2_000, 9),
        vec![],
        "before, not at",
    );
    same(
        remove_checkpoints(stage, 9_999, 1),
        vec![3],
        "at most so many",
    );
    same(
        remove_checkpoints(stage, 8_000, 9),
        vec![2],
        "of those that were cancelled alone, and that have one",
    );
    same(remove_checkpoints(stage, 8_000, 9), vec![], "once");
    let gone = stage.operation(3);
    same(gone.checkpoints.as_slice(), &[], "it has none any more");
    same(gone.state.has_checkpoint, false, "which the rules know");
    same(gone.completed_at, kept.completed_at, "its end stays");
    same(gone.seq, kept.seq, "nothing is told of it");
    same(stage.events(3), told, "its events stay");
    same(stage.read(stage.reader.cursor()), cursor, "and the cursor");
    let resume = stage.asks(3, Verb::Resume);
    same(
        stage.rejected(resume),
        Rejection::NoCheckpoint,
        "nothing can go on from it",
    );
    for number in 4..=7 {
        let kept = stage.operation(number).checkpoints.len();
        same(kept, 1, "those of the others stay");
    }
    // One that is resumed and cancelled again counts from its last end.
    let resume = stage.asks(7, Verb::Resume);
    stage.done(resume);
    stage.pass(1_000);
    let cancel = stage.asks(7, Verb::Cancel);
    stage.done(cancel);
    same(remove_checkpoints(stage, 9_000, 9), vec![], "not yet");
    same(remove_checkpoints(stage, 9_001, 9), vec![7], "its last end");
    let removed = prune(stage, 9_999, 9, false);
    same(removed, 5, "and they are pruned as all are");
}
