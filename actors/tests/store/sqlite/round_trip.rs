//! What a store was given is what it gives back, also after its process is gone: rows of operations,
//! events, checkpoints and keys with every value that their types allow.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use impresario::operation::{RunEnd, RunFailure};
use impresario::rules::retry::Backoff;
use impresario::store::{
    Claim, Command, Done, End, Fork, Idempotency, Outcome, SavedCheckpoint, Store,
};
use impresario_api::{
    CheckpointView, Event, EventPage, MAX_DEPTH, OperationError, OperationId, Progress,
    StartOptions, SubmittedData, Timestamp,
};
use proptest::prelude::*;
use serde_json::Value;

use super::open;
use crate::acts;
use crate::arbitrary::any_of;

const NUMBER: usize = 7;

fn start() -> impl Strategy<Value = Command> {
    let parts = (
        any_of::<SubmittedData>(),
        any_of::<StartOptions>(),
        any_of::<Value>(),
        any::<(Option<u64>, u64, u32, bool)>(),
        any_of::<Timestamp>(),
        checkpoint(),
    );
    parts.prop_map(
        |(data, options, params, (timeout_ms, number, attempts, flag), now, checkpoint)| {
            let mut start = acts::submission(NUMBER, (0, data.priority, None, false), now);
            start.idempotency = Some(Idempotency {
                key: data.requested_by.clone(),
                fingerprint: number,
                since: Timestamp::MIN,
            });
            start.kind = data.kind;
            start.lane = data.lane;
            start.labels = data.labels;
            start.unique = flag.then(|| data.requested_by.clone());
            start.requested_by = data.requested_by;
            start.retry_of = data.retry_of;
            let fork = |from| Fork { from, checkpoint };
            start.fork = data.forked_from.map(fork);
            start.params = Arc::new(params);
            start.timeout_ms = timeout_ms;
            start.not_before = options.not_before;
            start.terms.max_attempts = attempts.max(1);
            start.terms.pausable = flag;
            start.terms.backoff = Backoff {
                base: Duration::from_millis(number),
                cap: Duration::from_millis(u64::MAX),
            };
            Command::Submit(Box::new(start))
        },
    )
}

fn checkpoint() -> impl Strategy<Value = SavedCheckpoint> {
    let parts = (
        any_of::<CheckpointView>(),
        any::<Vec<u8>>(),
        any_of::<Option<String>>(),
    );
    parts.prop_map(|(view, value, dir)| SavedCheckpoint {
        at: view.at,
        run: 1,
        metrics: view.step.clone().into_iter().collect(),
        outermost: view.step.keys().next().cloned(),
        step: view.step,
        value: Arc::from(value),
        dir: dir.map(PathBuf::from),
        bytes: view.bytes,
    })
}

fn end(id: OperationId) -> impl Strategy<Value = Command> {
    let parts = (
        any_of::<Option<OperationError>>(),
        any_of::<Option<Value>>(),
        any_of::<Option<Progress>>(),
        any_of::<EventPage>(),
        prop::option::of(checkpoint()),
        (any_of::<Timestamp>(), 0.0..1.0),
    );
    parts.prop_map(
        move |(error, output, progress, page, checkpoint, (now, jitter))| {
            let failure = |error: OperationError| RunFailure {
                code: error.code,
                message: error.message,
                // JSON has one null.
                details: error.details.filter(|details| !details.is_null()),
                retryable: error.retryable,
                step: error.step,
            };
            let end = error.map_or(RunEnd::Returned, |error| RunEnd::Failed(failure(error)));
            Command::End(Box::new(End {
                id,
                run: 1,
                end,
                signalled: None,
                output,
                progress,
                events: page
                    .events
                    .into_iter()
                    .map(|event| (event.at, event.body))
                    .collect(),
                checkpoint,
                now,
                ran_ms: None,
                jitter,
            }))
        },
    )
}

fn done(outcomes: Vec<Outcome>) -> Done {
    match outcomes.into_iter().next() {
        Some(Outcome::Done(done)) => done,
        Some(Outcome::Claimed { mut operations, .. }) => operations.remove(0),
        other => panic!("expected it done, got {other:?}"),
    }
}

/// Plays all of them on one operation, in a process each.
fn play(commands: &[Command]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut events: Vec<Arc<Event>> = Vec::new();
    for command in commands {
        let mut store = open(folder.path());
        let outcomes = store
            .commit(std::slice::from_ref(command))
            .expect("written");
        assert!(store.take_set_aside().is_empty(), "{command:?}");
        let done = done(outcomes);
        events.extend(done.events);
        drop(store);
        let store = open(folder.path());
        let reader = store.reader();
        let read = reader
            .operation(done.operation.id)
            .wait()
            .expect("it is read");
        let read = read.expect("it is there");
        assert_eq!(format!("{read:?}"), format!("{:?}", done.operation));
        let told = reader
            .events(read.id, 0, 1_000, &[])
            .wait()
            .expect("events are read");
        assert_eq!(told, events);
        if let Command::Submit(start) = command {
            let given = start.idempotency.as_ref().expect("a key");
            let known = reader
                .idempotent(&given.key, Timestamp::MIN)
                .wait()
                .expect("a key is read");
            let kept = (start.now > Timestamp::MIN).then_some((start.id, given.fingerprint));
            assert_eq!(known, kept);
        }
        assert_eq!(reader.set_aside(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn what_was_written_is_read_back(
        start in start(),
        mut end in end(OperationId::from_u64(0)),
    ) {
        let Command::Submit(submission) = &start else { unreachable!() };
        let Command::End(of_run) = &mut end else { unreachable!() };
        of_run.id = submission.id;
        let lane = submission.lane.clone();
        let claim = Command::Claim(Claim { lane, limit: 1, now: Timestamp::MAX , ..Claim::default() });
        play(&[start, claim, end]);
    }
}

#[test]
fn the_deepest_params_and_outputs_are_read_back() {
    let deepest = (0..MAX_DEPTH).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    let mut start = acts::submission(NUMBER, (0, 0, None, false), Timestamp::default());
    let (id, lane) = (start.id, start.lane.clone());
    start.params = Arc::new(deepest.clone());
    start.idempotency = Some(Idempotency {
        key: String::new(),
        fingerprint: u64::MAX,
        since: Timestamp::MIN,
    });
    let claim = Command::Claim(Claim {
        lane,
        limit: 1,
        now: Timestamp::MAX,
        ..Claim::default()
    });
    let end = Command::End(Box::new(End {
        id,
        run: 1,
        end: RunEnd::Returned,
        signalled: None,
        output: Some(deepest),
        progress: None,
        events: Vec::new(),
        checkpoint: None,
        now: Timestamp::MAX,
        ran_ms: None,
        jitter: 0.0,
    }));
    play(&[Command::Submit(Box::new(start)), claim, end]);
}
