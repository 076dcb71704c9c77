//! What waits for a time, and what a clock that is set does not change.

use impresario_api::{Status, StatusFilter, Timestamp, Verb};

use super::helpers::{failure, log, numbers, same, types};
use super::stage::Stage;
use crate::rules::admission::Waiting;
use crate::rules::dispatch::PROMOTED_AT_ONCE;
use crate::rules::lifecycle::Rejection;
use crate::rules::run_end::RunEnd;
use crate::store::{Command, Query};

pub(super) fn oldest(stage: &mut Stage) {
    let oldest = |stage: &Stage| {
        let oldest = stage.read(stage.reader.oldest_due("a", stage.now()));
        oldest.map(Timestamp::as_millis)
    };
    same(oldest(stage), None, "of an empty lane");
    let soon = Timestamp::from_millis(1_500);
    stage.submit_as(1, |submission| submission.not_before = Some(soon));
    same(
        oldest(stage),
        None,
        "one that waits for its time waits for no slot",
    );
    stage.submit(2);
    stage.pass(10);
    stage.submit_as(3, |submission| submission.priority = 9);
    same(oldest(stage), Some(1_000), "whatever its priority");
    stage.claim("a", 2);
    same(oldest(stage), None, "both were claimed");
    stage.pass(990);
    same(oldest(stage), Some(1_500), "since its time");
    stage.submit(4);
    same(
        oldest(stage),
        Some(1_500),
        "since its time, in front of others",
    );
    let pause = stage.asks(1, Verb::Pause);
    stage.done(pause);
    same(oldest(stage), Some(2_000), "one that rests does not wait");
    stage.pass(100);
    let resume = stage.asks(1, Verb::Resume);
    stage.done(resume);
    stage.claim("a", 0);
    same(oldest(stage), Some(2_000), "the one behind it");
    stage.claim("a", 1);
    same(stage.status(1), Status::Running, "it is older by its id");
    stage.claim("a", 1);
    stage.ends(4, failure(true));
    same(oldest(stage), None, "it waits for its next attempt");
    stage.pass(900);
    same(
        oldest(stage),
        Some(2_600),
        "since its next attempt may begin",
    );
}

/// How many wait and could run, and for their time; and which a list calls scheduled.
fn waiting(stage: &Stage) -> (u64, u64, Vec<u64>) {
    let waiting = stage.read(stage.reader.waiting("a"));
    let query = Query {
        statuses: vec![StatusFilter::Scheduled],
        limit: 10,
        ..Query::default()
    };
    let page = stage.page(&query);
    same(
        (page.total, page.total_is_exact),
        (page.operations.len() as u64, true),
        "the total of the scheduled ones",
    );
    (waiting.due, waiting.scheduled, numbers(&page))
}

pub(super) fn scheduled(stage: &mut Stage) {
    let (soon, late) = (Timestamp::from_millis(1_500), Timestamp::from_millis(9_000));
    stage.submit(1);
    stage.submit_as(2, |submission| submission.not_before = Some(soon));
    stage.submit_as(3, |submission| submission.not_before = Some(late));
    stage.submit_as(4, |submission| {
        submission.not_before = Some(late);
        submission.kind = "other".to_owned();
    });
    same(
        waiting(stage),
        (1, 3, vec![4, 3, 2]),
        "as they were started",
    );
    let with = |statuses: &[StatusFilter], kinds: &[&str]| Query {
        statuses: statuses.to_vec(),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        limit: 10,
        ..Query::default()
    };
    let (pending, scheduled) = (Status::Pending.into(), StatusFilter::Scheduled);
    for (query, found) in [
        (with(&[pending], &[]), vec![4, 3, 2, 1]),
        (with(&[pending, scheduled], &[]), vec![4, 3, 2, 1]),
        (
            with(&[scheduled, Status::Running.into()], &[]),
            vec![4, 3, 2],
        ),
        (with(&[scheduled], &["dummy"]), vec![3, 2]),
        (with(&[scheduled], &["nobody's"]), vec![]),
    ] {
        let page = stage.page(&query);
        same(page.total, found.len() as u64, "counted");
        same(numbers(&page), found, "found");
    }
    stage.pass(500);
    stage.claim("a", 0);
    same(waiting(stage), (2, 2, vec![4, 3]), "one's time has come");
    let pause = stage.asks(3, Verb::Pause);
    stage.done(pause);
    same(
        waiting(stage),
        (2, 1, vec![4]),
        "a paused one does not wait",
    );
    let resume = stage.asks(3, Verb::Resume);
    let resumed = stage.done(resume);
    same(
        resumed.operation.state.not_before,
        Some(late),
        "its time is kept",
    );
    same(waiting(stage), (2, 2, vec![4, 3]), "and waited for again");
    let cancel = stage.asks(4, Verb::Cancel);
    stage.done(cancel);
    same(waiting(stage), (2, 1, vec![3]), "a cancelled one is gone");
    stage.claim("a", 5);
    same(waiting(stage), (0, 1, vec![3]), "both that could run do");
    stage.ends(1, failure(true));
    same(
        waiting(stage),
        (0, 2, vec![3, 1]),
        "a backoff is a time too",
    );
    stage.pass(10_000);
    stage.claim("a", 5);
    same(waiting(stage), (0, 0, vec![]), "all run");
}

pub(super) fn start_now(stage: &mut Stage) {
    let late = Timestamp::from_millis(9_000);
    stage.submit_as(1, |submission| submission.not_before = Some(late));
    stage.submit_as(2, |submission| submission.not_before = Some(late));
    let now = stage.asks(1, Verb::StartNow);
    let done = stage.done(now.clone());
    same(types(&done.events), vec!["rescheduled"], "it is told");
    same(
        done.operation.state.waits_until(),
        None,
        "it waits no longer",
    );
    same(waiting(stage), (1, 1, vec![2]), "for its time");
    same(
        types(&stage.events(1)),
        vec!["submitted", "rescheduled"],
        "and kept",
    );
    let again = stage.done(now);
    same(again.events.len(), 0, "the same again is no news");
    let first = stage.claim("a", 5);
    same(first, (vec![1], Some(late)), "it runs");
    stage.ends(1, failure(true));
    let now = stage.asks(1, Verb::StartNow);
    stage.done(now);
    let again = stage.claim("a", 5).0;
    same(again, vec![1], "nor for its next attempt");
    let pause = stage.asks(2, Verb::Pause);
    stage.done(pause);
    for number in [1, 2] {
        let now = stage.asks(number, Verb::StartNow);
        let rejection = stage.rejected(now);
        same(
            rejection,
            Rejection::WrongState(Verb::StartNow),
            "only a pending one waits",
        );
    }
}

/// More at once than one command lets go.
pub(super) fn promoted(stage: &mut Stage) {
    let (due, most) = (Timestamp::from_millis(2_000), PROMOTED_AT_ONCE as u64);
    for number in 1..=most + 5 {
        stage.submit_as(number, |submission| submission.not_before = Some(due));
    }
    stage.pass(1_000);
    same(stage.claim("a", 0), (vec![], Some(due)), "some are left");
    let counts = |stage: &Stage| stage.read(stage.reader.waiting("a"));
    same(
        counts(stage),
        Waiting {
            due: most,
            scheduled: 5,
        },
        "a bounded number goes",
    );
    same(stage.claim("a", 0), (vec![], None), "the rest goes next");
    same(
        counts(stage),
        Waiting {
            due: most + 5,
            scheduled: 0,
        },
        "all go",
    );
    same(stage.claim("a", 2).0, vec![1, 2], "in their order");
}

/// Whatever the clock says, nothing ends before it began.
pub(super) fn clock_set_back(stage: &mut Stage) {
    stage.pass(100_000);
    stage.submit(1);
    stage.submit(2);
    let created = stage.now();
    stage.pass(-50_000);
    stage.claim("a", 1);
    let cancel = stage.asks(2, Verb::Cancel);
    stage.done(cancel);
    let append = stage.append(1, 1, vec![log("one")]);
    stage.done(append);
    let mut end = stage.end(1, 1, failure(true));
    end.ran_ms = Some(7_000);
    stage.done(Command::End(Box::new(end)));
    let one = stage.operation(1);
    same(one.started_at, Some(created), "it began when it was there");
    same(one.ran_ms, 7_000, "it ran for as long as it ran");
    let retry = stage.now().plus_millis(500);
    same(
        one.state.backoff_until,
        Some(retry),
        "a backoff goes by the clock as it is",
    );
    same(
        stage.operation(2).completed_at,
        Some(created),
        "nor did it end before",
    );
    for event in stage.events(1).iter().chain(&stage.events(2)) {
        same(
            event.at >= created,
            true,
            "no event is older than its operation",
        );
    }
}

pub(super) fn ended(stage: &mut Stage) {
    for number in 1..=5 {
        stage.running(number);
    }
    stage.ends(1, RunEnd::Returned);
    stage.pass(59_000);
    stage.ends(2, RunEnd::Returned);
    stage.ends(3, failure(false));
    stage.pass(60_000);
    stage.ends(4, RunEnd::Returned);
    let at = Timestamp::from_millis;
    let ended = |stage: &Stage, from, until| {
        let ended = stage.read(stage.reader.ended(at(from), at(until)));
        ended.into_iter().collect::<Vec<_>>()
    };
    let (first, completed, failed) = (
        ((0, Status::Completed), 1),
        ((1, Status::Completed), 1),
        ((1, Status::Failed), 1),
    );
    same(
        ended(stage, 0, 120_000),
        vec![first, completed, failed],
        "by minute and status, the end left out",
    );
    same(
        ended(stage, 60_000, i64::MAX),
        vec![completed, failed, ((2, Status::Completed), 1)],
        "the start included",
    );
    same(ended(stage, 200_000, i64::MAX), vec![], "none ended then");
}
