// What the examples of the orchestrator's functions share; they include this file, and hide that.
use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
use impresario::{Config, Error, Options, Orchestrator, api, store::MemoryStore};

/// Counts.
struct Count;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Upto {
    n: u32,
}

impl Operation for Count {
    const KIND: &'static str = "count";
    type Params = Upto;
    type Output = u32;

    fn policy(&self) -> Policy {
        Policy::lane("default").pausable().fork_may_change(&["n"])
    }

    fn run(&self, params: Upto, ctx: &Context) -> Result<u32, Failure> {
        let mut done = ctx.restored()?.unwrap_or(0);
        for step in ctx.steps("step", done..params.n) {
            done = step? + 1;
            ctx.metric("double", done.into(), 2.0 * f64::from(done));
            ctx.checkpoint(&done)?;
        }
        Ok(done)
    }
}

/// Runs an example with an orchestrator of this kind.
fn run(example: impl AsyncFnOnce(&Orchestrator) -> Result<(), Box<dyn std::error::Error>>) {
    let kinds = Kinds::new().register(Count);
    let orchestrator = Orchestrator::start(Config::default(), kinds, MemoryStore::new());
    let orchestrator = orchestrator.expect("it starts");
    futures_executor::block_on(example(&orchestrator)).expect("the example holds");
    futures_executor::block_on(orchestrator.shutdown());
}
