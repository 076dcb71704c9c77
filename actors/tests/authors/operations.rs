//! What a function may know of its operation.

use std::collections::BTreeMap;
use std::time::Duration;

use impresario::operation::{Kinds, OperationInfo, SyncOptions, run_sync_operation};
use impresario::{Options, Until, testing};
use impresario_api::{StartOptions, Timestamp, Verb};
use serde_json::json;

use crate::common::{Nothing, does, supervised};

/// Sends what it knows of its operation, and gives its id. It can be paused at its first step.
macro_rules! tells {
    ($sender:expr) => {{
        let sender = $sender.clone();
        does(move |ctx| {
            sender
                .send(ctx.operation().clone())
                .expect("the test listens");
            for step in ctx.steps("step", ctx.restored()?.unwrap_or(0_u32)..2) {
                ctx.checkpoint(&(step? + 1))?;
            }
            Ok(json!(ctx.operation().id))
        })
    }};
}

#[test]
fn a_function_knows_the_id_the_caller_the_labels_and_the_start_of_its_operation() {
    let (sender, told) = crossbeam_channel::unbounded();
    let kinds = Kinds::new().register(tells!(sender));
    let labels = BTreeMap::from([("team".to_owned(), "blue".to_owned())]);
    let (first, row) = supervised(kinds, async |orchestrator| {
        let start = StartOptions {
            labels: labels.clone(),
            ..StartOptions::default()
        };
        let options = Options::default().start(start).requested_by("alice");
        let start = orchestrator.start_operation("does", json!({}), options);
        let id = start.await.expect("there is room").id;
        let long = Duration::from_secs(60);
        let view = orchestrator.wait_until(id, Until::Ended, long).await;
        (id, view.expect("it is kept").row)
    });
    let told: OperationInfo = told.recv().expect("it ran");
    assert_eq!(told.id, first);
    assert_eq!(told.requested_by, "alice");
    assert_eq!(told.labels, labels);
    assert_eq!(told.created_at, row.created_at);
}

#[test]
fn without_a_supervisor_each_run_is_an_operation_of_its_own_and_the_kit_resumes_the_same_one() {
    let (sender, told) = crossbeam_channel::unbounded();
    let kind = tells!(sender);
    let before = Timestamp::now();
    let paused = testing::run(&kind, Nothing {}).stop_at("step", 0, Verb::Pause);
    let ended = paused.end().resume(&kind).end();
    let (first, second): (OperationInfo, _) = (told.recv().expect("ran"), told.recv());
    assert_eq!(Ok(&first), second.as_ref());
    assert_eq!(ended.output(), Some(&json!(first.id)));
    assert_eq!(first.requested_by, "a test");
    assert!(first.created_at >= before && first.labels.is_empty());

    let mut ids = vec![first.id];
    for _ in 0..2 {
        run_sync_operation(&kind, Nothing {}, SyncOptions::default()).expect("it completes");
        let told = told.recv().expect("it ran");
        assert_eq!(told.requested_by, "impresario");
        ids.push(told.id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "{ids:?}");
}
