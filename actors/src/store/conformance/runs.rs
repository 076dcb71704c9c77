//! What becomes of an operation's record.

use std::collections::BTreeMap;

use impresario_api::{EventBody, Progress, RestoredData, Status, StepCounts, Verb, Warning};
use serde_json::json;

use super::helpers::{failure, id, log, same, types};
use super::stage::Stage;
use crate::rules::lifecycle::{Input, Rejection};
use crate::rules::run_end::RunEnd;
use crate::store::{Command, MOST_WARNINGS, Outcome, Refused};

pub(super) fn numbers(stage: &mut Stage) {
    stage.running(1);
    stage.running(2);
    let logs = stage.append(1, 1, vec![log("a"), log("b")]);
    stage.done(logs);
    stage.ends(2, RunEnd::Returned);
    stage.ends(1, RunEnd::Returned);
    for number in [1, 2] {
        let seqs: Vec<_> = stage.events(number).iter().map(|event| event.seq).collect();
        let expected: Vec<_> = (1..=seqs.len() as u64).collect();
        same(seqs, expected, "seq is contiguous from 1");
        let last = stage.events(number).len() as u64;
        same(
            stage.operation(number).seq,
            last,
            "the record knows its last seq",
        );
    }
    let all = stage.read(stage.reader.events_since_cursor(0, usize::MAX));
    let ascending = all.windows(2).all(|pair| pair[0].cursor < pair[1].cursor);
    same(ascending, true, "cursors ascend");
    let last = all.last().map(|event| event.cursor);
    same(
        Some(stage.read(stage.reader.cursor())),
        last,
        "the last cursor",
    );
    let expected = vec!["submitted", "status", "log", "log", "status"];
    same(types(&stage.events(1)), expected, "events in order");
}

pub(super) fn fencing(stage: &mut Stage) {
    stage.running(1);
    stage.ends(1, RunEnd::Stopped);
    let pending = stage.append(1, 1, vec![log("late")]);
    same(
        stage.rejected(pending),
        Rejection::Fenced(1),
        "no run goes on",
    );
    stage.claim("lane 1", 1);
    let before = stage.everything();
    let late = stage.append(1, 1, vec![log("late")]);
    let end = Command::End(Box::new(stage.end(1, 1, RunEnd::Returned)));
    let mark = stage.input(1, Input::ShuttingDown { run: 1 });
    for command in [late, end, mark] {
        same(
            stage.rejected(command),
            Rejection::Fenced(1),
            "run 2 goes on",
        );
    }
    same(stage.everything(), before, "a fenced write leaves nothing");
    let own = stage.append(1, 2, vec![log("in time")]);
    stage.done(own);
}

pub(super) fn end_order(stage: &mut Stage) {
    stage.running(1);
    stage.pass(250);
    let mut end = stage.end(1, 1, RunEnd::Returned);
    end.events = vec![(stage.now(), log("last words"))];
    end.checkpoint = Some(stage.checkpoint(1));
    end.output = Some(json!({"sum": 3}));
    end.progress = Some(Progress {
        percentage: 100.0,
        ..Progress::default()
    });
    let done = stage.done(Command::End(Box::new(end)));
    let expected = vec!["log", "checkpoint", "status"];
    same(types(&done.events), expected, "the status comes last");
    same(done.was, Some(Status::Running), "what it was");
    let kept = stage.operation(1);
    same(kept.ran_ms, 250, "how long it ran");
    same(kept.completed_at, Some(stage.now()), "when it ended");
    same(kept.dispatched_at, None, "no run goes on");
    same(
        kept.output.as_deref(),
        Some(&json!({"sum": 3})),
        "its output",
    );
    same(
        kept.progress.as_ref().map(|one| one.percentage),
        Some(100.0),
        "its progress",
    );
    same(
        kept.checkpoint().cloned(),
        Some(stage.checkpoint(1)),
        "its checkpoint",
    );
    let Some(EventBody::Status(told)) = done.events.last().map(|event| &event.body) else {
        panic!("the last event must be a status: {:?}", done.events);
    };
    same(told.status, Status::Completed, "the status told");
    same(
        told.completed_at,
        kept.completed_at,
        "the status event is complete",
    );
    same(told.verbs.clone(), vec![Verb::Retry], "what would do now");
}

pub(super) fn keeps(stage: &mut Stage) {
    stage.running(1);
    let started = stage.operation(1).started_at;
    let warning = |at| Warning {
        code: "ODD".to_owned(),
        message: "odd".to_owned(),
        run: 1,
        at,
    };
    let warnings = vec![EventBody::Warning(warning(stage.now())); MOST_WARNINGS + 1];
    let warnings = stage.append(1, 1, warnings);
    stage.done(warnings);
    same(
        stage.operation(1).warnings.len(),
        MOST_WARNINGS,
        "warnings kept",
    );
    stage.pass(100);
    let mut end = stage.end(1, 1, failure(false));
    end.checkpoint = Some(stage.checkpoint(1));
    stage.done(Command::End(Box::new(end)));
    same(stage.status(1), Status::Failed, "it failed");
    stage.pass(100);
    let resume = stage.asks(1, Verb::Resume);
    let resumed = stage.done(resume);
    same(
        types(&resumed.events),
        vec!["resumed"],
        "a resume tells of itself",
    );
    same(resumed.was, Some(Status::Failed), "what it was");
    same(stage.operation(1).completed_at, None, "it is live again");
    let error = stage.operation(1).state.error.is_some();
    same(error, true, "the error stays until it completes");
    stage.claim("lane 1", 1);
    stage.pass(50);
    let end = stage.end(1, 2, RunEnd::Returned);
    stage.done(Command::End(Box::new(end)));
    let kept = stage.operation(1);
    same(kept.started_at, started, "the first run's start");
    same(kept.ran_ms, 150, "all runs together");
    same(kept.state.error.clone(), None, "completed without an error");
    same(kept.checkpoint().is_some(), true, "the checkpoint stays");
}

pub(super) fn skipped(stage: &mut Stage) {
    stage.running(1);
    let keep = |stage: &mut Stage, run, step| {
        stage.pass(10);
        let mut checkpoint = stage.checkpoint(run);
        checkpoint.step = StepCounts::from([("iteration".to_owned(), step)]);
        let append = Command::Append {
            id: id(1),
            run,
            events: Vec::new(),
            checkpoint: Some(checkpoint),
        };
        stage.done(append);
    };
    keep(stage, 1, 1);
    keep(stage, 1, 2);
    stage.ends(
        1,
        RunEnd::Lost {
            went_further: false,
        },
    );
    stage.claim("lane 1", 1);
    let restored = RestoredData {
        run: 2,
        from_step: StepCounts::from([("iteration".to_owned(), 1)]),
        metrics: BTreeMap::new(),
    };
    let append = stage.append(1, 2, vec![EventBody::Restored(restored)]);
    stage.done(append);
    let steps = |stage: &Stage| {
        let kept = &stage.operation(1).checkpoints;
        let steps = kept.iter().map(|kept| (kept.run, kept.step["iteration"]));
        steps.collect::<Vec<_>>()
    };
    same(
        steps(stage),
        vec![(1, 1)],
        "the one that was skipped is gone",
    );
    keep(stage, 2, 5);
    same(steps(stage), vec![(1, 1), (2, 5)], "the whole one stays");
}

pub(super) fn counters(stage: &mut Stage) {
    for number in 1..=5 {
        stage.running(number);
    }
    stage.submit(6);
    expect(stage, &[(Status::Pending, 1), (Status::Running, 5)]);
    for (number, verb) in [(1, Verb::Cancel), (2, Verb::Pause), (6, Verb::Pause)] {
        let ask = stage.asks(number, verb);
        stage.done(ask);
    }
    let moved = [
        (Status::Running, 3),
        (Status::Cancelling, 1),
        (Status::Pausing, 1),
    ];
    expect(stage, &[moved.as_slice(), &[(Status::Paused, 1)]].concat());
    stage.ends(1, RunEnd::Stopped);
    stage.ends(2, RunEnd::Stopped);
    stage.ends(3, RunEnd::Returned);
    stage.ends(4, failure(false));
    stage.ends(5, failure(true));
    let ended = [
        (Status::Completed, 1),
        (Status::Failed, 1),
        (Status::Cancelled, 1),
    ];
    expect(
        stage,
        &[
            ended.as_slice(),
            &[(Status::Pending, 1), (Status::Paused, 2)],
        ]
        .concat(),
    );
    let resume = stage.asks(6, Verb::Resume);
    stage.done(resume);
    expect(
        stage,
        &[
            ended.as_slice(),
            &[(Status::Pending, 2), (Status::Paused, 1)],
        ]
        .concat(),
    );
}

#[track_caller]
fn expect(stage: &Stage, counts: &[(Status, u64)]) {
    let kind = |(status, count): &(Status, u64)| (("dummy".to_owned(), *status), *count);
    let expected: BTreeMap<_, _> = counts.iter().map(kind).collect();
    same(stage.read(stage.reader.counts()), expected, "counters");
}

pub(super) fn refusals(stage: &mut Stage) {
    stage.submit(1);
    let before = stage.everything();
    let wrong = [Verb::Finish, Verb::Retry].map(|verb| (stage.asks(1, verb), verb));
    for (command, verb) in wrong {
        same(
            stage.rejected(command),
            Rejection::WrongState(verb),
            "a pending one",
        );
    }
    let missing = [
        stage.asks(2, Verb::Cancel),
        stage.append(2, 1, vec![log("x")]),
        Command::End(Box::new(stage.end(2, 1, RunEnd::Returned))),
    ];
    for command in missing {
        let refused = stage.refused(command);
        let expected = matches!(refused, Refused::NotFound(other) if other == id(2));
        same(expected, true, "there is no operation 2");
    }
    same(stage.everything(), before.clone(), "nothing has changed");
    let resume = stage.asks(1, Verb::Resume);
    let done = stage.done(resume);
    same(
        (done.events.len(), done.was),
        (0, Some(Status::Pending)),
        "it is so already",
    );
    same(stage.everything(), before, "and nothing is recorded");
    let cancel = stage.asks(1, Verb::Cancel);
    stage.done(cancel);
    let retry = stage.asks(1, Verb::Retry);
    same(
        stage.done(retry).new_operation,
        true,
        "a retry asks for a new one",
    );
}

pub(super) fn batches(stage: &mut Stage) {
    let batch = [
        stage.start(1, |_| {}),
        stage.asks(1, Verb::Finish),
        stage.asks(9, Verb::Cancel),
        stage.start(2, |_| {}),
        stage.start(1, |_| {}),
        stage.claims("a", 1),
        stage.append(1, 7, vec![log("fenced")]),
        stage.append(1, 1, vec![log("kept")]),
        Command::End(Box::new(stage.end(1, 1, RunEnd::Returned))),
    ];
    let outcomes = stage.commit(&batch);
    let word = |outcome: &Outcome| match outcome {
        Outcome::Done(_) => "done",
        Outcome::Claimed { .. } => "claimed",
        Outcome::Refused(_) => "refused",
        _ => "other",
    };
    let words: Vec<_> = outcomes.iter().map(word).collect();
    let expected = "done refused refused done refused claimed refused done done";
    same(
        words.join(" "),
        expected.to_owned(),
        "each has its own outcome",
    );
    let expected = vec!["submitted", "status", "log", "status"];
    same(types(&stage.events(1)), expected, "what was done is kept");
    same(stage.status(2), Status::Pending, "the other one waits");
}
