//! Kinds that the rooms share.

use std::fs;
use std::time::Duration;

use impresario::operation::{Context, Failure, Kinds, Operation, OrFail, Policy};
use impresario::store::MemoryStore;
use impresario::{Config, Options, Orchestrator, Until};
use impresario_api::OperationView;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Epochs and batches.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Shape {
    pub(crate) epochs: u32,
    pub(crate) batches: u32,
}

/// What comes of them: depends on the order, and on each batch once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Sum {
    pub(crate) epochs: u32,
    pub(crate) sum: u64,
}

/// The sum of so many epochs that were never stopped.
pub(crate) fn reference(epochs: u32, batches: u32) -> Sum {
    let all = (0..epochs).flat_map(|epoch| (0..batches).map(move |batch| (epoch, batch)));
    let sum = all.fold(1, |sum, (epoch, batch)| fold(sum, epoch, batch));
    Sum { epochs, sum }
}

pub(crate) fn fold(sum: u64, epoch: u32, batch: u32) -> u64 {
    (sum * 31 + u64::from(epoch * 7 + batch)) % 1_000_000_007
}

fn policy() -> Policy {
    Policy::lane("default").pausable().finishable()
}

fn epoch_of(ctx: &Context, shape: Shape, epoch: u32, before: u64) -> Result<u64, Failure> {
    let mut sum = before;
    for batch in ctx.steps("batch", 0..shape.batches) {
        sum = fold(sum, epoch, batch?);
        ctx.check()?;
        ctx.sleep(Duration::from_secs(60))?;
    }
    ctx.metric("epoch", u64::from(epoch), sum as f64);
    Ok(sum)
}

/// Keeps its state in the small checkpoint.
pub(crate) struct Small;

impl Operation for Small {
    const KIND: &'static str = "small";
    type Params = Shape;
    type Output = Sum;

    fn policy(&self) -> Policy {
        policy()
    }

    fn run(&self, shape: Shape, ctx: &Context) -> Result<Sum, Failure> {
        let (mut epochs, mut sum) = ctx.restored::<(u32, u64)>()?.unwrap_or((0, 1));
        for epoch in ctx.steps("epoch", epochs..shape.epochs) {
            let epoch = epoch?;
            sum = epoch_of(ctx, shape, epoch, sum)?;
            epochs = epoch + 1;
            ctx.checkpoint(&(epochs, sum))?;
        }
        Ok(Sum { epochs, sum })
    }
}

/// Keeps its state when it is worth it.
pub(crate) struct Seldom;

impl Operation for Seldom {
    const KIND: &'static str = "seldom";
    type Params = Shape;
    type Output = Sum;

    fn policy(&self) -> Policy {
        policy()
    }

    fn run(&self, shape: Shape, ctx: &Context) -> Result<Sum, Failure> {
        let (mut epochs, mut sum) = ctx.restored::<(u32, u64)>()?.unwrap_or((0, 1));
        for epoch in ctx.steps("epoch", epochs..shape.epochs) {
            let epoch = epoch?;
            sum = epoch_of(ctx, shape, epoch, sum)?;
            epochs = epoch + 1;
            ctx.checkpoint_with(|| (epochs, sum))?;
        }
        Ok(Sum { epochs, sum })
    }
}

/// Keeps the sum in a file of a folder, and the epoch in the small state.
pub(crate) struct Big;

impl Operation for Big {
    const KIND: &'static str = "big";
    type Params = Shape;
    type Output = Sum;

    fn policy(&self) -> Policy {
        policy()
    }

    fn run(&self, shape: Shape, ctx: &Context) -> Result<Sum, Failure> {
        let (mut epochs, mut sum) = match ctx.restored_dir::<u32>()? {
            Some((epochs, dir)) => {
                let text = fs::read_to_string(dir.join("sum")).or_fail("UNREADABLE")?;
                (epochs, text.parse().or_fail("UNREADABLE")?)
            }
            None => (0, 1),
        };
        for epoch in ctx.steps("epoch", epochs..shape.epochs) {
            let epoch = epoch?;
            sum = epoch_of(ctx, shape, epoch, sum)?;
            epochs = epoch + 1;
            ctx.checkpoint_dir(&epochs, |dir| {
                fs::write(dir.join("sum"), sum.to_string()).or_fail("UNWRITABLE")
            })?;
        }
        Ok(Sum { epochs, sum })
    }
}

/// A kind that takes nothing and does what a test says.
pub(crate) struct Does<F>(pub(crate) F);

/// No params.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Nothing {}

impl<F> Operation for Does<F>
where
    F: Fn(&Context) -> Result<Value, Failure> + Send + Sync + 'static,
{
    const KIND: &'static str = "does";
    type Params = Nothing;
    type Output = Value;

    fn policy(&self) -> Policy {
        policy()
    }

    fn run(&self, _: Nothing, ctx: &Context) -> Result<Value, Failure> {
        (self.0)(ctx)
    }
}

/// Helps the compiler to see the function's type.
pub(crate) const fn does<F>(work: F) -> Does<F>
where
    F: Fn(&Context) -> Result<Value, Failure> + Send + Sync + 'static,
{
    Does(work)
}

/// Writes an empty folder.
pub(crate) const fn never_fails(_: &std::path::Path) -> Result<(), Failure> {
    Ok(())
}

/// What comes of `act` with an orchestrator of these kinds, which ends after it.
pub(crate) fn supervised<T>(kinds: Kinds, act: impl AsyncFnOnce(&Orchestrator) -> T) -> T {
    let orchestrator = Orchestrator::start(Config::default(), kinds, MemoryStore::new());
    let orchestrator = orchestrator.expect("it starts");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let given = act(&orchestrator).await;
        orchestrator.shutdown().await;
        given
    })
}

/// What a supervisor makes of `kind`, when it has ended.
pub(crate) fn managed<K: Operation>(kind: K, params: K::Params) -> OperationView {
    supervised(Kinds::new().register(kind), async |orchestrator| {
        let started = orchestrator.start_managed_operation::<K>(params, Options::default());
        let id = started.await.expect("there is room").id;
        let long = Duration::from_secs(60);
        let view = orchestrator.wait_until(id, Until::Ended, long).await;
        view.expect("it is kept")
    })
}
