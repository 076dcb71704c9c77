//! Who goes next.

use std::sync::Arc;

use impresario_api::{Status, Timestamp, Verb};

use super::helpers::{failure, id, same};
use super::stage::Stage;
use crate::store::Claim;

pub(super) fn order(stage: &mut Stage) {
    for (number, priority) in [(1, 0), (2, 5), (3, -100), (4, 5), (5, 0), (6, 100)] {
        stage.submit_as(number, |submission| submission.priority = priority);
    }
    stage.submit_as(7, |submission| submission.lane = "b".to_owned());
    same(stage.operation(6).state.run, 0, "no run before a claim");
    let first = stage.claim("a", 3);
    same(first, (vec![6, 2, 4], None), "the highest priority first");
    same(stage.status(6), Status::Running, "a claimed one runs");
    same(stage.operation(6).state.run, 1, "its first run");
    let rest = stage.claim("a", 10);
    same(rest, (vec![1, 5, 3], None), "then the oldest");
    let none = stage.claim("a", 10);
    same(none, (vec![], None), "nobody is claimed twice");
    let other = stage.claim("b", 10);
    same(other, (vec![7], None), "lanes are apart");
    let unknown = stage.claim("nobody's", 10);
    same(unknown, (vec![], None), "an unknown lane is empty");
}

pub(super) fn not_before(stage: &mut Stage) {
    let (soon, late) = (Timestamp::from_millis(1_500), Timestamp::from_millis(2_000));
    stage.submit_as(1, |submission| submission.not_before = Some(late));
    stage.submit_as(2, |submission| submission.not_before = Some(soon));
    stage.submit(3);
    let first = stage.claim("a", 10);
    same(
        first,
        (vec![3], Some(soon)),
        "the others wait for their time",
    );
    stage.pass(500);
    let second = stage.claim("a", 10);
    same(second, (vec![2], Some(late)), "due at its very millisecond");
    stage.ends(3, failure(true));
    let again = stage.operation(3).state.backoff_until;
    same(
        again,
        Some(Timestamp::from_millis(2_000)),
        "half the backoff",
    );
    stage.pass(500);
    stage.submit(4);
    let third = stage.claim("a", 2);
    same(
        third,
        (vec![1, 3], None),
        "due ones go by age, retried ones too",
    );
    let fourth = stage.claim("a", 2);
    same(fourth, (vec![4], None), "and none is skipped");
    same(stage.operation(3).state.run, 2, "a retry is a new run");
}

pub(super) fn positions(stage: &mut Stage) {
    let due = Timestamp::from_millis(1_500);
    stage.submit_as(1, |submission| submission.not_before = Some(due));
    for number in 2..=1_004 {
        stage.submit(number);
    }
    stage.submit_as(2_000, |submission| submission.priority = 1);
    let places = [
        (2_000, Some(1)),
        (2, Some(2)),
        (1_000, Some(1_000)),
        (1_001, None),
        (1, None),
    ];
    for (number, place) in places {
        same(
            position(stage, number),
            place,
            "before the delayed one is due",
        );
    }
    stage.pass(500);
    for (number, place) in [(2_000, Some(1)), (1, Some(2)), (2, Some(3)), (1_000, None)] {
        same(position(stage, number), place, "after it is due");
    }
    let paused = stage.asks(2_000, Verb::Pause);
    stage.done(paused);
    same(position(stage, 2_000), None, "a paused one does not wait");
    stage.claim("a", 1);
    for (number, place) in [(1, None), (2, Some(1)), (9_999, None)] {
        same(position(stage, number), place, "after a claim");
    }
}

fn position(stage: &Stage, number: u64) -> Option<usize> {
    let queue = stage.read(stage.reader.queue("a", stage.now()));
    let place = queue.iter().position(|one| *one == id(number));
    place.map(|ahead| ahead + 1)
}

pub(super) fn kinds(stage: &mut Stage) {
    for (number, kind) in [(1, "strange"), (2, "dummy"), (3, "strange"), (4, "dummy")] {
        stage.submit_as(number, |submission| submission.kind = kind.to_owned());
    }
    let soon = Some(Timestamp::from_millis(1_500));
    stage.submit_as(5, |submission| {
        submission.not_before = soon;
        submission.priority = 9;
    });
    stage.pass(1_000);
    let known: Arc<[String]> = Arc::from(["dummy".to_owned(), "other".to_owned()]);
    let taken = stage.claim_of(Claim {
        lane: "a".to_owned(),
        limit: 2,
        kinds: Some(known),
        now: stage.now(),
        ..Claim::default()
    });
    same(
        taken.0,
        vec![5, 2],
        "kinds that are not known are passed over",
    );
    let rest = stage.claim("a", 10);
    same(rest.0, vec![1, 3, 4], "without kinds all are taken");
}
