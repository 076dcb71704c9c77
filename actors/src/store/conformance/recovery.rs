//! What becomes of runs that were lost with their process.

use impresario_api::{Status, StepCounts, Stop, StopVerb, Verb};

use super::helpers::{id, same};
use super::stage::Stage;
use crate::rules::lifecycle::Input;
use crate::rules::run_end::RunEnd;
use crate::store::{Claim, Command, Done, LostOwner, Outcome, Owner};

#[track_caller]
fn recover(stage: &mut Stage) -> Vec<Done> {
    let now = stage.now();
    match stage.one(Command::Recover {
        lost: LostOwner::default(),
        now,
    }) {
        Outcome::Recovered { lost, .. } => lost,
        other => panic!("expected a recovery, got {other:?}"),
    }
}

/// Six runs, each with another stop under way; the last one has a shutdown mark.
fn company(stage: &mut Stage) {
    for number in 1..=6 {
        stage.running(number);
    }
    for (number, verb) in [(2, Verb::Finish), (3, Verb::Pause), (4, Verb::Cancel)] {
        let ask = stage.asks(number, verb);
        stage.done(ask);
    }
    let reason = "one run may take 30 s".to_owned();
    let timeout = stage.input(5, Input::TimedOut { run: 1, reason });
    stage.done(timeout);
    let mark = stage.input(6, Input::ShuttingDown { run: 1 });
    let marked = stage.done(mark);
    same(marked.events.len(), 0, "a shutdown mark tells nothing");
}

pub(super) fn table(stage: &mut Stage) {
    company(stage);
    stage.pass(5_000);
    let lost = recover(stage);
    let ids: Vec<_> = lost.iter().map(|done| done.operation.id.as_u64()).collect();
    same(ids, vec![1, 2, 3, 4, 5, 6], "every running one");
    same(lost[3].was, Some(Status::Cancelling), "what it was");
    let cases = [
        (1, Status::Pending, 2, None),
        (2, Status::Pending, 2, Some(StopVerb::Finish)),
        (3, Status::Paused, 1, Some(StopVerb::Pause)),
        (4, Status::Cancelled, 1, Some(StopVerb::Cancel)),
        (5, Status::Failed, 1, Some(StopVerb::Deadline)),
        (6, Status::Pending, 1, None),
    ];
    for (number, status, attempt, stop) in cases {
        let kept = stage.operation(number);
        let verb = kept.state.stop.as_ref().map(|stop: &Stop| stop.verb);
        let got = (kept.state.shown(), kept.state.attempt, verb);
        same(got, (status, attempt, stop), &format!("operation {number}"));
        same(kept.dispatched_at, None, "no run goes on");
        same(
            kept.ran_ms,
            0,
            "the time without a process is no running time",
        );
    }
    let code = stage
        .operation(5)
        .state
        .error
        .as_ref()
        .map(|error| error.code.clone());
    same(
        code.as_deref(),
        Some("DEADLINE_EXCEEDED"),
        "the deadline's error",
    );
    let claimed = stage.claim("lane 1", 1).0;
    same(claimed, vec![1], "it is queued again");
    same(stage.operation(1).state.run, 2, "with a new run");
    same(
        recover(stage).len(),
        1,
        "a second recovery finds the new run alone",
    );
}

pub(super) fn attempts(stage: &mut Stage) {
    stage.running(1);
    stage.submit_as(2, |submission| submission.terms.fail_when_lost = true);
    stage.claim("a", 1);
    recover(stage);
    let code = |stage: &Stage, number| {
        let kept = stage.operation(number);
        let error = kept.state.error.as_ref().map(|error| error.code.clone());
        (kept.state.shown(), error)
    };
    let lost = Some("LOST".to_owned());
    same(
        code(stage, 2),
        (Status::Failed, lost.clone()),
        "failed by policy",
    );
    stage.claim("lane 1", 1);
    recover(stage);
    same(
        code(stage, 1),
        (Status::Failed, lost),
        "the second attempt was the last",
    );
}

/// Each run is lost behind its checkpoint: it costs an attempt where that one is no further.
pub(super) fn further(stage: &mut Stage) {
    stage.running(1);
    for (run, step, attempt) in [(1, 3, 1), (2, 4, 1), (3, 9, 1), (4, 9, 2)] {
        let mut checkpoint = stage.checkpoint(run);
        checkpoint.step = StepCounts::from([("iteration".to_owned(), step)]);
        let append = Command::Append {
            id: id(1),
            run,
            events: Vec::new(),
            checkpoint: Some(checkpoint),
        };
        stage.done(append);
        recover(stage);
        let state = &stage.operation(1).state;
        let got = (state.shown(), state.attempt);
        same(got, (Status::Pending, attempt), &format!("after run {run}"));
        same(state.error.is_some(), true, "it is told");
        stage.claim("lane 1", 1);
    }
    recover(stage);
    let state = &stage.operation(1).state;
    same(
        state.shown(),
        Status::Failed,
        "one without a checkpoint of its own",
    );
}

pub(super) fn others(stage: &mut Stage) {
    stage.running(1);
    stage.ends(1, RunEnd::Returned);
    stage.submit(2);
    stage.submit(3);
    let pause = stage.asks(3, Verb::Pause);
    stage.done(pause);
    let before = stage.everything();
    same(recover(stage).len(), 0, "nothing ran");
    same(stage.everything(), before, "nothing has changed");
}

pub(super) fn owners(stage: &mut Stage) {
    let owners = [(0, 7), (0, 8), (1, 7)].map(|(node, incarnation)| Owner { node, incarnation });
    for (number, owner) in (1..).zip(owners) {
        stage.submit(number);
        let claimed = stage.claim_of(Claim {
            lane: "a".to_owned(),
            limit: 1,
            owner,
            now: stage.now(),
            ..Claim::default()
        });
        same(claimed.0, vec![number], "it is claimed");
        same(stage.operation(number).owner, Some(owner), "by its owner");
    }
    let mut lost = |node, incarnation| {
        let now = stage.now();
        let lost = LostOwner { node, incarnation };
        match stage.one(Command::Recover { lost, now }) {
            Outcome::Recovered { lost, .. } => {
                let ids = lost.iter().map(|done| done.operation.id.as_u64());
                ids.collect::<Vec<_>>()
            }
            other => panic!("expected a recovery, got {other:?}"),
        }
    };
    same(lost(0, Some(7)), vec![1], "one process of a node");
    same(lost(1, Some(8)), vec![], "another process of another node");
    same(lost(0, None), vec![2], "every process of a node");
    same(
        stage.operation(1).owner,
        None,
        "what does not run has no owner",
    );
    same(
        stage.status(3),
        Status::Running,
        "the other node's runs go on",
    );
}
