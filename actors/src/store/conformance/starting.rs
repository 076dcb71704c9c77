//! What a start is judged by.

use super::short::{id, same};
use super::stage::Stage;
use crate::rules::run_end::RunEnd;
use crate::store::{Command, Outcome, Refused, Submission};

const DAY: i64 = 24 * 60 * 60 * 1000;

fn keyed(stage: &Stage, number: u64, key: &str, fingerprint: u64) -> Command {
    stage.start(number, |submission| {
        submission.idempotency = Some((key.to_owned(), fingerprint));
    })
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
    let known = stage.read(stage.reader.idempotent("k"));
    same(known, Some((id(1), 7)), "what a key stands for");
    let unknown = stage.read(stage.reader.idempotent("l"));
    same(unknown, None, "an unknown key");
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

pub(super) fn idempotency_day(stage: &mut Stage) {
    let first = keyed(stage, 1, "k", 7);
    stage.done(first);
    stage.pass(DAY - 1);
    let within = keyed(stage, 2, "k", 7);
    same(replayed(stage, within), 1, "within a day");
    stage.pass(1);
    let after = keyed(stage, 3, "k", 8);
    stage.done(after);
    let again = keyed(stage, 4, "k", 8);
    same(
        replayed(stage, again),
        3,
        "the key stands for the newer one",
    );
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
    let mut end = stage.end(1, 1, super::short::failure(false));
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

pub(super) fn queue_limit(stage: &mut Stage) {
    let two = |submission: &mut Submission| submission.most_waiting = 2;
    stage.submit_as(1, two);
    let later = stage.now().plus_millis(60_000);
    stage.submit_as(2, |submission| {
        two(submission);
        submission.not_before = Some(later);
    });
    let third = stage.start(3, two);
    let before = stage.everything();
    let refused = stage.refused(third.clone());
    let full = matches!(refused, Refused::QueueFull { waiting: 2 });
    same(full, true, "two wait, delayed ones count");
    same(stage.everything(), before, "a refused start leaves nothing");
    stage.submit_as(4, |submission| {
        two(submission);
        submission.lane = "b".to_owned();
    });
    stage.claim("a", 1);
    stage.done(third);
}

pub(super) fn judgement(stage: &mut Stage) {
    let full = |number: u64, fingerprint| {
        move |submission: &mut Submission| {
            submission.id = id(number);
            submission.idempotency = Some(("k".to_owned(), fingerprint));
            submission.unique = Some("u".to_owned());
            submission.most_waiting = 1;
        }
    };
    stage.submit_as(1, full(1, 7));
    let replay = stage.start(2, full(2, 7));
    same(replayed(stage, replay), 1, "a replay before all else");
    let both = stage.start(3, |submission| {
        full(3, 7)(submission);
        submission.idempotency = None;
    });
    let refused = stage.refused(both);
    let duplicate = matches!(refused, Refused::Duplicate(_));
    same(duplicate, true, "uniqueness before the queue's limit");
    let last = stage.start(4, |submission| {
        full(4, 7)(submission);
        submission.idempotency = Some(("l".to_owned(), 7));
        submission.unique = None;
    });
    let refused = stage.refused(last);
    let full = matches!(refused, Refused::QueueFull { waiting: 1 });
    same(full, true, "the queue's limit last");
    let key = stage.read(stage.reader.idempotent("l"));
    same(key, None, "a refused start keeps no key");
}
