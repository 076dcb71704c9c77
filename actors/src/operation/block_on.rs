//! How a function waits for a future.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{self, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::runtime::Handle;

use super::Stopped;
use super::context::{Context, Wanted};

/// How long it sleeps at most before it looks again.
const LONGEST_NAP: Duration = Duration::from_secs(3_600);

/// Wakes the thread that waits for a future.
struct ThreadWaker {
    thread: Thread,
    /// The future is to be polled. It is kept here, because the future itself may block, and use up the
    /// wake-up of the thread.
    woken: AtomicBool,
}

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Context {
    /// Waits for a future, whose timers, sockets and tasks are of `runtime`. Once the function is asked to
    /// stop, the future is dropped, and this returns `Err(Stopped)`; a finish does not end the wait. Give it
    /// an `async` block: a timer or a socket that is made before the call is made outside the runtime.
    ///
    /// The function runs on a thread that has no runtime, so `runtime` is one that the kind brings: a field
    /// with the handle of the service's own runtime, or a [`tokio::runtime::Runtime`] with a thread that
    /// drives it (`new_multi_thread`).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use impresario::operation::{Context, Failure, Operation, OrFail, Policy};
    /// # use tokio::runtime::{Builder, Handle};
    /// # #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    /// # struct Nothing {}
    /// /// A kind that asks an asynchronous client.
    /// struct Asks {
    ///     runtime: Handle,
    /// }
    /// # impl Operation for Asks {
    /// #     const KIND: &'static str = "asks";
    /// #     type Params = Nothing;
    /// #     type Output = u32;
    /// #     fn policy(&self) -> Policy { Policy::lane("default") }
    /// fn run(&self, _: Nothing, ctx: &Context) -> Result<u32, Failure> {
    ///     let answer = async {
    ///         tokio::time::sleep(Duration::from_millis(1)).await;
    ///         Ok::<_, std::io::Error>(42)
    ///     };
    ///     Ok(ctx.block_on(&self.runtime, answer)?.or_retry("NO_ANSWER")?)
    /// }
    /// # }
    /// # let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build()?;
    /// # let asks = Asks { runtime: runtime.handle().clone() };
    /// # let ended = impresario::testing::run(&asks, Nothing {}).end();
    /// # assert_eq!(ended.output(), Some(&42));
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn block_on<F: Future>(&self, runtime: &Handle, future: F) -> Result<F::Output, Stopped> {
        self.run.counters.touch();
        if self.wanted() == Wanted::Stop {
            return Err(self.tell());
        }
        let _entered = runtime.enter();
        let mut future = pin!(future);
        let wakes = Arc::new(ThreadWaker {
            thread: thread::current(),
            woken: AtomicBool::new(true),
        });
        let waker = Waker::from(Arc::clone(&wakes));
        let mut task = task::Context::from_waker(&waker);
        // How often it wakes up is chance: these looks are none of a test's calls.
        while self.judge(self.run.word()) != Wanted::Stop {
            if !wakes.woken.swap(false, Ordering::Acquire) {
                let nap = self.nap(LONGEST_NAP);
                self.run.rest(|| thread::park_timeout(nap));
            } else if let Poll::Ready(output) = future.as_mut().poll(&mut task) {
                return Ok(output);
            }
        }
        Err(self.tell())
    }
}
