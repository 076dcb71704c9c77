//! A function runs outside any runtime, wherever it runs, and waits for futures all the same.

use std::future::{pending, poll_fn};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use impresario::operation::{
    Context, Failure, Kinds, OrFail, StopHandle, SyncError, SyncOptions, run_sync_operation,
};
use impresario::store::MemoryStore;
use impresario::{Config, Options, Orchestrator, testing};
use impresario_api::{Status, StopVerb, Verb};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::common::{Does, Nothing, does};

const LONG: Duration = Duration::from_secs(30);

/// A runtime with a thread of its own.
fn runtime() -> Runtime {
    let builder = || {
        Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
    };
    builder().expect("a thread")
}

/// What panics or hangs within a runtime.
fn blocks(ctx: &Context) -> Result<Value, Failure> {
    assert!(Handle::try_current().is_err(), "it is within a runtime");
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.or_fail("NO_RUNTIME")?;
    runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
    drop(runtime);
    let runtime = self::runtime();
    let (tell, heard) = oneshot::channel();
    let (send, receive) = bounded(1);
    runtime.spawn(async move {
        tokio::task::yield_now().await;
        let _ = tell.send(1);
        send.send(2)
    });
    let heard = heard.blocking_recv().or_fail("NOT_TOLD")?;
    let received = ctx.recv(&receive)?;
    let waited = ctx.block_on(runtime.handle(), async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        tokio::spawn(async { 3 }).await
    });
    Ok(json!([
        heard,
        received.item(),
        waited?.or_fail("PANICKED")?
    ]))
}

/// Runs it under a supervisor: what it gives.
async fn managed<F>(kind: Does<F>) -> Option<Value>
where
    F: Fn(&Context) -> Result<Value, Failure> + Send + Sync + 'static,
{
    let kinds = Kinds::new().register(kind);
    let orchestrator = Orchestrator::start(Config::default(), kinds, MemoryStore::new());
    let orchestrator = orchestrator.expect("its lane is there");
    let options = Options::default().wait(LONG);
    let start = orchestrator.start_managed_operation::<Does<F>>(Nothing {}, options);
    let id = start.await.expect("there is room").id;
    let view = orchestrator.view(id).await.expect("it is kept");
    assert_eq!(view.row.status, Status::Completed, "{view:?}");
    orchestrator.shutdown().await;
    view.result_summary
}

#[test]
fn a_function_may_block_as_it_likes_wherever_it_runs() {
    let given = json!([1, 2, 3]);
    let here = || run_sync_operation(&does(blocks), Nothing {}, SyncOptions::default());
    let tried = || {
        testing::run(&does(blocks), Nothing {})
            .end()
            .output()
            .cloned()
    };
    assert_eq!(here().expect("it completes"), given);
    assert_eq!(tried(), Some(given.clone()));
    runtime().block_on(async {
        assert_eq!(here().expect("it completes"), given);
        assert_eq!(tried(), Some(given.clone()));
        assert_eq!(managed(does(blocks)).await, Some(given.clone()));
    });
}

/// Tells when it is dropped.
struct Dropped(Sender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[test]
fn a_stop_ends_a_wait_for_a_future_and_drops_the_future() {
    for verb in [StopVerb::Cancel, StopVerb::Deadline, StopVerb::Pause] {
        let ((waits, gate), (drops, dropped)) = (bounded(1), bounded(1));
        let kind = does(move |ctx| {
            let (waits, drops) = (waits.clone(), Dropped(drops.clone()));
            let future = async move {
                let _drops = drops;
                waits.send(()).expect("the test listens");
                pending::<()>().await;
            };
            ctx.block_on(runtime().handle(), future)?;
            Ok(json!("it waited in vain"))
        });
        let stop = StopHandle::new();
        let options = SyncOptions::default().stop(Some(stop.clone()));
        let end = thread::scope(|scope| {
            scope.spawn(move || {
                gate.recv().expect("the function comes to its wait");
                stop.stop(verb);
            });
            run_sync_operation(&kind, Nothing {}, options)
        });
        assert!(
            matches!(end, Err(SyncError::Stopped(it)) if it == verb),
            "{end:?}"
        );
        dropped.recv_timeout(LONG).expect("the future is dropped");
    }
}

#[test]
fn a_finish_does_not_end_a_wait_for_a_future() {
    let stop = StopHandle::new();
    let options = SyncOptions::default().stop(Some(stop.clone()));
    let kind = does(move |ctx| {
        stop.stop(StopVerb::Finish);
        ctx.block_on(runtime().handle(), tokio::task::yield_now())?;
        Ok(json!("it waited"))
    });
    let end = run_sync_operation(&kind, Nothing {}, options);
    assert_eq!(end.expect("it completes"), json!("it waited"));
}

#[test]
fn a_future_that_uses_up_the_wake_up_of_its_thread_is_polled_again_all_the_same() {
    let kind = does(|ctx| {
        let mut polled = 0;
        let future = poll_fn(|task| {
            polled += 1;
            if polled == 3 {
                return Poll::Ready(polled);
            }
            task.waker().wake_by_ref();
            // What a channel does that waits within the poll: it takes the wake-up.
            thread::park();
            Poll::Pending
        });
        Ok(json!(ctx.block_on(runtime().handle(), future)?))
    });
    let end = run_sync_operation(&kind, Nothing {}, SyncOptions::default());
    assert_eq!(end.expect("it completes"), json!(3));
}

#[test]
fn a_wait_for_a_future_is_one_call_at_which_a_test_can_stop() {
    let kind = does(|ctx| {
        let naps = async {
            for _ in 0..9 {
                tokio::task::yield_now().await;
            }
        };
        ctx.block_on(runtime().handle(), naps)?;
        Ok(json!(null))
    });
    assert_eq!(testing::run(&kind, Nothing {}).end().calls(), 1);
    let stopped = testing::run(&kind, Nothing {}).stop_at_call(1, Verb::Cancel);
    assert_eq!(stopped.end().status(), Status::Cancelled);
}
