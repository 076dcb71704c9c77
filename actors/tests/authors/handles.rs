//! What threads of a function see and do of its run.

use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;
use impresario::operation::{RunHandle, StopHandle, SyncError, SyncOptions, run_sync_operation};
use impresario::testing::{self, Ask};
use impresario_api::{StopVerb, Verb};
use serde_json::json;

use crate::common::{Nothing, does, never_fails};

const LONG: Duration = Duration::from_secs(30);

#[test]
fn threads_count_items_and_say_what_they_do() {
    const fn is_for_threads<T: Send + Sync + Clone + 'static>() {}
    is_for_threads::<RunHandle>();
    let kind = does(|ctx| {
        let handle = ctx.handle();
        let items = ctx.items(4_000);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..1_000).for_each(|_| handle.add(1)));
            }
            // The function counts, too.
            (0..1_000).for_each(|_| items.add(1));
        });
        thread::scope(|scope| scope.spawn(|| handle.message("all\nare counted")).join())
            .expect("it says so");
        Ok(json!(null))
    });
    let ended = testing::run(&kind, Nothing {}).end();
    assert_eq!(ended.progress().items_processed, 4_000);
    assert_eq!(ended.progress().items_total, Some(4_000));
    assert_eq!(ended.progress().message, "all are counted");
}

#[test]
fn a_thread_sees_a_stop_exactly_when_the_function_is_told_of_it() {
    let kind = does(|ctx| {
        let handle = ctx.handle();
        let on_a_thread = || thread::scope(|scope| scope.spawn(|| handle.is_stopped()).join());
        loop {
            let before = on_a_thread().expect("no panic");
            let told = ctx.check();
            assert_eq!(told.is_err(), on_a_thread().expect("no panic"));
            assert!(told.is_err() || !before);
            told?;
        }
    });
    let asks = [
        Verb::Cancel.into(),
        Verb::Pause.into(),
        Ask::Deadline,
        Ask::Shutdown,
    ];
    for ask in asks {
        let ended = testing::run(&kind, Nothing {}).stop_at_call(3, ask).end();
        let code = ended.error().map(|error| error.code.as_str());
        let late = (ask == Ask::Deadline).then_some("DEADLINE_EXCEEDED");
        assert_eq!(code, late, "{ask:?}");
    }
}

#[test]
fn a_finish_is_no_stop_and_a_pause_waits_for_the_folder() {
    let kind = does(|ctx| {
        let handle = ctx.handle();
        ctx.restored_dir::<u32>()?;
        ctx.check()?;
        assert!(!handle.is_stopped(), "the function may go on");
        ctx.checkpoint_dir(&1, never_fails)?;
        Ok(json!(handle.is_stopped()))
    });
    let finished = testing::run(&kind, Nothing {}).stop_at_call(1, Verb::Finish);
    assert_eq!(finished.end().output(), Some(&json!(false)));
    let paused = testing::run(&kind, Nothing {}).stop_at_call(1, Verb::Pause);
    let paused = paused.end();
    assert_eq!(paused.error(), None);
    assert!(paused.checkpoint().is_some());
}

#[test]
fn a_thread_that_is_left_behind_hears_of_the_end() {
    let (tell, told) = bounded(1);
    let kind = does(move |ctx| {
        let (handle, tell) = (ctx.handle(), tell.clone());
        thread::spawn(move || {
            while !handle.is_stopped() {
                thread::yield_now();
            }
            tell.send(())
        });
        Ok(json!(null))
    });
    run_sync_operation(&kind, Nothing {}, SyncOptions::default()).expect("it completes");
    told.recv_timeout(LONG).expect("it hears of it");
}

#[test]
fn what_a_thread_left_undone_is_not_taken_for_whole_without_a_check() {
    let stop = StopHandle::new();
    let asks = stop.clone();
    let kind = does(move |ctx| {
        asks.stop(StopVerb::Cancel);
        let handle = ctx.handle();
        let is_stopped = thread::scope(|scope| scope.spawn(|| handle.is_stopped()).join());
        Ok(json!(is_stopped.expect("no panic")))
    });
    let options = SyncOptions::default().stop(Some(stop));
    let end = run_sync_operation(&kind, Nothing {}, options);
    assert!(
        matches!(end, Err(SyncError::Stopped(StopVerb::Cancel))),
        "{end:?}"
    );
}
