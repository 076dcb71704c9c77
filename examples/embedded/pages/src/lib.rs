//! The pages of the documentation for those who embed Impresario. Each is compiled, and run as a test, against the
//! crate as it is packaged.

macro_rules! pages {
    ($($name:ident: $file:literal),* $(,)?) => { $(
        #[cfg(doctest)]
        #[doc = include_str!(concat!("../../../../docs/", $file))]
        pub struct $name;
    )* };
}

pages! {
    Embedding: "EMBEDDING.md",
    Subprocess: "recipes/subprocess.md",
    DatabasePool: "recipes/database-pool.md",
    AsyncClient: "recipes/async-client.md",
    Rayon: "recipes/rayon.md",
    SharedCache: "recipes/shared-cache.md",
    LongScan: "recipes/long-scan.md",
}

use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
use impresario::store::MemoryStore;
use impresario::{Config, Orchestrator};

/// The kind of EMBEDDING.md: it counts.
pub struct Count;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Upto {
    /// How far.
    pub n: u32,
}

impl Operation for Count {
    const KIND: &'static str = "count";
    type Params = Upto;
    type Output = u32;

    fn policy(&self) -> Policy {
        Policy::lane("default").pausable()
    }

    fn run(&self, params: Upto, ctx: &Context) -> Result<u32, Failure> {
        let mut done = ctx.restored()?.unwrap_or(0);
        for step in ctx.steps("step", done..params.n) {
            done = step? + 1;
            if done <= 3 {
                ctx.metric("square", done.into(), f64::from(done * done));
            }
            ctx.checkpoint(&done)?;
        }
        Ok(done)
    }
}

/// Waits for a future, as your own executor does.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

/// Runs an example of EMBEDDING.md with an orchestrator.
pub fn run(example: impl AsyncFnOnce(&Orchestrator) -> Result<(), Box<dyn std::error::Error>>) {
    let kinds = Kinds::new().register(Count);
    let orchestrator = Orchestrator::start(Config::default(), kinds, MemoryStore::new());
    let orchestrator = orchestrator.expect("it starts");
    block_on(example(&orchestrator)).expect("the example holds");
    block_on(orchestrator.shutdown());
}
