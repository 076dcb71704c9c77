//! How functions yield the cores to whoever waits for their orchestrator. See `docs/adr/0008`.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::LiveCount;

/// How often a function that computes yields its core at most: a yield takes as long as many steps.
const EVERY: Duration = Duration::from_micros(250);

/// A function that yields its core to those who wait.
#[derive(Debug)]
pub(crate) struct Yielding {
    /// How many wait for a verb to take effect, for a start to be recorded, or to hear how far a run has come.
    waiting: LiveCount,
    last: Cell<Instant>,
}

impl Yielding {
    pub(crate) fn to(waiting: LiveCount) -> Self {
        Self {
            waiting,
            last: Cell::new(Instant::now()),
        }
    }

    /// Yields if somebody waits; called at every step and check.
    #[inline]
    pub(crate) fn step(&self) {
        if self.waiting.get() > 0 {
            self.yield_core();
        }
    }

    #[cold]
    #[inline(never)]
    fn yield_core(&self) {
        let now = Instant::now();
        if now - self.last.get() >= EVERY {
            std::thread::yield_now();
            self.last.set(now);
        }
    }
}

/// Gives the calling thread, a lane's, this niceness: a small share of a core that others want.
#[cfg(target_os = "linux")]
pub(crate) fn lower_priority(nice: i32) {
    // To Linux the process of no id is the calling thread.
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| log::warn!("the lanes' threads keep their priority: {error}"));
    }
}

/// Elsewhere a niceness would be that of the whole process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn lower_priority(_nice: i32) {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use impresario_api::Verb;

    use super::*;
    use crate::operation::{Context, Failure, Kinds, Operation, Policy};
    use crate::store::MemoryStore;
    use crate::{Config, LaneConfig, Options, Orchestrator};

    #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    struct NoParams {}

    /// Computes until it is stopped, and says how many it has seen waiting at once, 1 more.
    struct Computes(Arc<AtomicU64>);

    impl Operation for Computes {
        const KIND: &'static str = "computes";
        type Params = NoParams;
        type Output = ();

        fn policy(&self) -> Policy {
            Policy::lane("default")
        }

        fn run(&self, _: NoParams, ctx: &Context) -> Result<(), Failure> {
            loop {
                let asked = ctx.check();
                self.0
                    .fetch_max(1 + ctx.here().yielding.waiting.get(), Relaxed);
                asked?;
            }
        }
    }

    fn orchestrator(seen: &Arc<AtomicU64>) -> Orchestrator {
        let kinds = Kinds::new().register(Computes(Arc::clone(seen)));
        let config = Config::default().lane("default", LaneConfig::default());
        Orchestrator::start(config, kinds, MemoryStore::new()).expect("its lane is there")
    }

    #[test]
    fn functions_see_who_waits_for_their_own_orchestrator_alone() {
        let (seen, elsewhere) = (Arc::default(), Arc::default());
        let (ours, other) = (orchestrator(&seen), orchestrator(&elsewhere));
        let options = Options {
            wait: Duration::from_secs(30),
            ..Options::default()
        };
        let computes = || NoParams {};
        actix_rt::System::new().block_on(async {
            let there = other.start_managed_operation::<Computes>(computes(), Options::default());
            there.await.expect("there is room");
            let here = ours.start_managed_operation::<Computes>(computes(), Options::default());
            let id = here.await.expect("there is room").id;
            let began = Instant::now();
            while seen.load(Relaxed) < 2 || elsewhere.load(Relaxed) == 0 {
                ours.view(id).await.expect("it is kept");
                assert!(began.elapsed() < options.wait, "a read is not seen");
            }
            // Each may have seen its own start wait.
            seen.store(0, Relaxed);
            elsewhere.store(0, Relaxed);
            let cancelled = ours.ask(id, Verb::Cancel, None, options);
            cancelled.await.expect("it runs");
            assert_eq!(seen.load(Relaxed), 2, "the verb is seen");
            while elsewhere.load(Relaxed) == 0 {
                std::thread::yield_now();
            }
            assert_eq!(elsewhere.load(Relaxed), 1, "nobody waits there");
            ours.shutdown().await;
            other.shutdown().await;
        });
    }

    #[test]
    fn a_function_yields_while_someone_waits_and_not_too_often() {
        let waiting = LiveCount::default();
        let yielding = Yielding::to(waiting.clone());
        let begun = yielding.last.get();
        std::thread::sleep(EVERY);
        yielding.step();
        assert_eq!(yielding.last.get(), begun, "nobody waits");
        let waits = waiting.enter();
        yielding.step();
        let yielded = yielding.last.get();
        assert!(yielded >= begun + EVERY);
        yielding.step();
        let again = yielding.last.get();
        assert!(again == yielded || again >= yielded + EVERY, "{again:?}");
        drop(waits);
        std::thread::sleep(EVERY);
        yielding.step();
        assert_eq!(yielding.last.get(), again, "nobody waits any more");
    }
}
