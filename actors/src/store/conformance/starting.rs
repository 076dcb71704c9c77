//! What a start is judged by.

use impresario_api::ForkedFrom;

use super::helpers::{id, same, types};
use super::stage::Stage;
use crate::rules::admission::{Full, Limits};
use crate::rules::run_end::RunEnd;
use crate::store::{Command, Fork, ForkOrigin, Idempotency, Outcome, Refused, Submission};

/// How long the starts here ask for their keys to be kept, in milliseconds.
const KEPT: i64 = 5_000;

/// A key of a start that is made now.
fn given(stage: &Stage, key: &str, fingerprint: u64) -> Idempotency {
    Idempotency {
        key: key.to_owned(),
        fingerprint,
        since: stage.now().plus_millis(-KEPT),
    }
}

fn keyed(stage: &Stage, number: u64, key: &str, fingerprint: u64) -> Command {
    let given = given(stage, key, fingerprint);
    stage.start(number, |submission| submission.idempotency = Some(given))
}

/// What a reader says now that a key stands for.
#[track_caller]
fn known(stage: &Stage, key: &str) -> Option<(u64, u64)> {
    let since = stage.now().plus_millis(-KEPT);
    let known = stage.read(stage.reader.idempotent(key, since));
    known.map(|(id, fingerprint)| (id.as_u64(), fingerprint))
}

#[track_caller]
fn replayed(stage: &mut Stage, command: Command) -> u64 {
    match stage.one(command) {
        Outcome::Replayed(operation) => operation.id.as_u64(),
        other => panic!("expected a replay, got {other:?}"),
    }
}

pub(super) fn idempotency(stage: &mut Stage) {
    let first = keyed(stage, 1, "k", 7);
    stage.done(first);
    let before = stage.everything();
    let again = keyed(stage, 2, "k", 7);
    same(replayed(stage, again), 1, "the same request again");
    let other = keyed(stage, 3, "k", 8);
    let refused = stage.refused(other);
    let mismatch = matches!(refused, Refused::IdempotencyMismatch(known) if known == id(1));
    same(mismatch, true, "the same key for another request");
    same(stage.everything(), before, "neither records anything");
    same(known(stage, "k"), Some((1, 7)), "what a key stands for");
    same(known(stage, "l"), None, "an unknown key");
    let other_key = keyed(stage, 4, "l", 7);
    stage.done(other_key);
    stage.claim("a", 1);
    stage.ends(1, RunEnd::Returned);
    let ended = keyed(stage, 5, "k", 7);
    same(
        replayed(stage, ended),
        1,
        "the operation as it is now, ended or not",
    );
}

pub(super) fn idempotency_age(stage: &mut Stage) {
    let first = keyed(stage, 1, "k", 7);
    stage.done(first);
    stage.pass(KEPT - 1);
    let within = keyed(stage, 2, "k", 7);
    same(replayed(stage, within), 1, "a replay while it is kept");
    same(known(stage, "k"), Some((1, 7)), "so it is read, too");
    stage.pass(1);
    same(known(stage, "k"), None, "forgotten, though nothing came");
    let after = keyed(stage, 3, "k", 8);
    stage.done(after);
    let again = keyed(stage, 4, "k", 8);
    same(
        replayed(stage, again),
        3,
        "the key stands for the newer one",
    );
    same(known(stage, "k"), Some((3, 8)), "so it is read, too");
    stage.pass(KEPT - 1);
    // Many more, so that a store which cleans up as it goes takes the first one's remains away.
    for number in 5..30 {
        let other = keyed(stage, number, &format!("key {number}"), 7);
        stage.done(other);
    }
    let still = keyed(stage, 30, "k", 8);
    same(replayed(stage, still), 3, "its age is the newer one's");
}

pub(super) fn forks(stage: &mut Stage) {
    let from = ForkedFrom {
        operation_id: id(7),
        step: [("iteration".to_owned(), 2)].into(),
        at: stage.now(),
        run: 3,
    };
    let mut checkpoint = stage.checkpoint(0);
    checkpoint.metrics = [("loss".to_owned(), 2)].into();
    let fork = Fork {
        from: from.clone(),
        checkpoint: checkpoint.clone(),
    };
    let done = stage.submit_as(1, |submission| submission.fork = Some(fork));
    let expected = vec!["submitted", "checkpoint"];
    same(types(&done.events), expected.clone(), "what is told of it");
    same(types(&stage.events(1)), expected, "and kept");
    let origin = ForkOrigin {
        from,
        metrics: checkpoint.metrics.clone(),
    };
    let read = stage.operation(1);
    same(read.forked.as_ref(), Some(&origin), "where it comes from");
    same(
        read.checkpoints.as_slice(),
        &[checkpoint],
        "what it goes on from",
    );
    same(read.state.has_checkpoint, true, "which the rules know");
    let cancel = stage.asks(1, impresario_api::Verb::Cancel);
    let resume = stage.asks(1, impresario_api::Verb::Resume);
    stage.done(cancel);
    stage.done(resume);
    stage.claim("a", 1);
    for step in 3..=4 {
        let mut checkpoint = stage.checkpoint(1);
        checkpoint.step = [("iteration".to_owned(), step)].into();
        stage.done(Command::Append {
            id: id(1),
            run: 1,
            events: Vec::new(),
            checkpoint: Some(checkpoint),
        });
    }
    let read = stage.operation(1);
    same(
        read.checkpoints.iter().all(|one| one.run == 1),
        true,
        "newer ones push it out",
    );
    same(read.forked.as_ref(), Some(&origin), "and it stays a fork");
}

pub(super) fn uniqueness(stage: &mut Stage) {
    let unique = |submission: &mut Submission| submission.unique = Some("GOOG 1d".to_owned());
    stage.submit_as(1, unique);
    let second = stage.start(2, unique);
    let refused = stage.refused(second.clone());
    let duplicate =
        |refused, number| matches!(refused, Refused::Duplicate(one) if one == id(number));
    same(duplicate(refused, 1), true, "one like it is live");
    stage.claim("a", 1);
    let mut end = stage.end(1, 1, super::helpers::failure(false));
    end.checkpoint = Some(stage.checkpoint(1));
    stage.done(Command::End(Box::new(end)));
    stage.done(second);
    let resume = stage.asks(1, impresario_api::Verb::Resume);
    let refused = stage.refused(resume.clone());
    same(
        duplicate(refused, 2),
        true,
        "an ended one cannot come back beside it",
    );
    let cancel = stage.asks(2, impresario_api::Verb::Cancel);
    stage.done(cancel);
    stage.done(resume);
    let third = stage.start(3, unique);
    let refused = stage.refused(third);
    same(
        duplicate(refused, 1),
        true,
        "it is live again and holds its text",
    );
}

#[track_caller]
fn full(stage: &mut Stage, command: Command, waiting: u64, scheduled: bool) {
    let refused = stage.refused(command);
    let full = matches!(refused, Refused::QueueFull(full) if full == Full { waiting, scheduled });
    same(full, true, "the limit that is reached");
}

pub(super) fn queue_limit(stage: &mut Stage) {
    let two = |submission: &mut Submission| {
        submission.limits = Limits {
            waiting: 2,
            scheduled: 1,
        }
    };
    let later = stage.now().plus_millis(60_000);
    let scheduled = |submission: &mut Submission| {
        two(submission);
        submission.not_before = Some(later);
    };
    stage.submit_as(1, two);
    stage.submit_as(2, scheduled);
    stage.submit_as(3, two);
    let fourth = stage.start(4, two);
    let fifth = stage.start(5, scheduled);
    let before = stage.everything();
    full(stage, fourth.clone(), 2, false);
    full(stage, fifth.clone(), 1, true);
    same(stage.everything(), before, "a refused start leaves nothing");
    stage.submit_as(6, |submission| {
        two(submission);
        submission.lane = "b".to_owned();
    });
    stage.claim("a", 1);
    stage.done(fourth);
    stage.pass(60_000);
    let seventh = stage.start(7, two);
    full(stage, seventh.clone(), 3, false);
    let past = stage.start(8, scheduled);
    full(stage, past, 3, false);
    stage.claim("a", 2);
    stage.done(seventh);
    let tomorrow = stage.now().plus_millis(86_400_000);
    stage.submit_as(9, |submission| {
        two(submission);
        submission.not_before = Some(tomorrow);
    });
}

pub(super) fn judgement(stage: &mut Stage) {
    let (known_key, other_key) = (given(stage, "k", 7), given(stage, "l", 7));
    let full = |number: u64| {
        let key = known_key.clone();
        move |submission: &mut Submission| {
            submission.id = id(number);
            submission.idempotency = Some(key);
            submission.unique = Some("u".to_owned());
            submission.limits.waiting = 1;
        }
    };
    stage.submit_as(1, full(1));
    let replay = stage.start(2, full(2));
    same(replayed(stage, replay), 1, "a replay before all else");
    let both = stage.start(3, |submission| {
        full(3)(submission);
        submission.idempotency = None;
    });
    let refused = stage.refused(both);
    let duplicate = matches!(refused, Refused::Duplicate(_));
    same(duplicate, true, "uniqueness before the queue's limit");
    let last = stage.start(4, |submission| {
        full(4)(submission);
        submission.idempotency = Some(other_key);
        submission.unique = None;
    });
    let refused = stage.refused(last);
    let full = matches!(refused, Refused::QueueFull(full) if full.waiting == 1);
    same(full, true, "the queue's limit last");
    same(known(stage, "l"), None, "a refused start keeps no key");
}
