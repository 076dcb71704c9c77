//! What supervision costs a training: the loop alone beside the same loop in steps that are counted.

use std::time::Duration;

use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
use impresario::store::MemoryStore;
use impresario::{Config, Options, Orchestrator, Until};
use impresario_server::domain::training::{Adam, Network, use_threads};
use rustix::time::ClockId;

use super::{
    DROPPED, epoch_of, epoch_over, fresh, load, now, own_niceness, part, seconds, spread, told,
};

/// Pairs of epochs, whose noise is that of the machine; a block's median has little of it.
const BLOCKS: usize = 40;
const PAIRS: usize = 100;
const BATCH: u32 = 32;
/// As the sample of the repository.
const ROWS: usize = 1_433;
const WIDTHS: [u32; 4] = [13, 64, 32, 2];
/// A training begins anew after so many epochs.
const LENGTH: u32 = 20;

/// Measures both loops on a lane's thread, epoch by epoch in turns.
struct Measure;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct NoParams {}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Measured {
    /// The CPU seconds of an epoch alone and in counted steps, by pair.
    pairs: Vec<(f64, f64)>,
    /// The CPU seconds of the process's other threads for each of this one.
    beside: f64,
}

/// A training in the middle of its course.
struct Course {
    network: Network,
    adam: Adam,
}

impl Course {
    fn new() -> Self {
        let network = fresh(&WIDTHS);
        let adam = Adam::new(network.size(), 1e-3);
        Self { network, adam }
    }
}

impl Operation for Measure {
    const KIND: &'static str = "measure";
    type Params = NoParams;
    type Output = Measured;

    fn policy(&self) -> Policy {
        Policy::lane("default").pausable()
    }

    fn run(&self, _: NoParams, ctx: &Context) -> Result<Measured, Failure> {
        use_threads(1);
        let part = part(ROWS, WIDTHS[0] as usize, 2);
        let batches = part.rows().div_ceil(BATCH);
        let mut epochs = ctx.steps("epoch", 0..(BLOCKS * PAIRS) as u32);
        let items = ctx.items((BLOCKS * PAIRS * ROWS) as u64);
        let (mut bare, mut counted) = (Course::new(), Course::new());
        let mut alone = |epoch| {
            let began = now();
            if epoch == 0 {
                bare = Course::new();
            }
            let Course { network, adam } = &mut bare;
            epoch_of(network, adam, &part, epoch, BATCH, DROPPED);
            now() - began
        };
        let mut supervised = |epoch| {
            let began = now();
            epochs.next().transpose()?;
            if epoch == 0 {
                counted = Course::new();
            }
            let Course { network, adam } = &mut counted;
            let steps = ctx
                .steps("batch", 0..batches)
                .map(|batch| batch.map_err(Failure::from));
            let position = (epoch, BATCH, DROPPED);
            epoch_over(network, adam, &part, position, steps, |rows| {
                items.add(rows);
                Ok(ctx.check()?)
            })?;
            Ok::<_, Failure>(now() - began)
        };
        let mut pairs = Vec::new();
        let process = || seconds(ClockId::ProcessCPUTime);
        let (began, began_here) = (process(), now());
        for pair in 0..(BLOCKS * PAIRS) as u32 {
            let epoch = pair % LENGTH;
            // The second loop has a warmer core, so each loop comes second half the time.
            pairs.push(if pair % 2 == 0 {
                let alone = alone(epoch);
                (alone, supervised(epoch)?)
            } else {
                let supervised = supervised(epoch)?;
                (alone(epoch), supervised)
            });
        }
        let here = now() - began_here;
        let beside = (process() - began - here) / here;
        Ok(Measured { pairs, beside })
    }
}

pub(super) fn compare() {
    let kinds = Kinds::new().register(Measure);
    let orchestrator = Orchestrator::start(
        Config::default().nice(own_niceness()),
        kinds,
        MemoryStore::new(),
    );
    let orchestrator = orchestrator.expect("the default lane");
    let system = actix_web::rt::System::new();
    let output = system.block_on(async {
        let start =
            orchestrator.start_managed_operation::<Measure>(NoParams {}, Options::default());
        let id = start.await.expect("a start").id;
        let hour = Duration::from_secs(3_600);
        orchestrator
            .wait_until(id, Until::Ended, hour)
            .await
            .expect("it ends");
        orchestrator.result(id).await.expect("an output")
    });
    let Measured { pairs, beside } = serde_json::from_value(output).expect("as it was given");
    println!(
        "{} alternating pairs of an epoch of GOOG's size, batch {BATCH}, in blocks of {PAIRS}; {}",
        pairs.len(),
        load()
    );
    let ms =
        |one: fn(&(f64, f64)) -> f64| spread(pairs.iter().map(|pair| one(pair) * 1e3).collect());
    println!(
        "  an epoch alone, CPU ms             {}",
        ms(|pair| pair.0).1
    );
    println!(
        "  in steps that are counted, CPU ms  {}",
        ms(|pair| pair.1).1
    );
    let ratio = |pairs: &[(f64, f64)]| spread(pairs.iter().map(|pair| pair.1 / pair.0).collect());
    println!("  their ratio by pair                {}", ratio(&pairs).1);
    println!("  the supervisor's threads, CPU      {beside:.5} of the function's");
    let blocks = pairs.chunks(PAIRS).map(|block| ratio(block).0 + beside);
    told(
        "supervised / alone, with those threads, by block",
        &spread(blocks.collect()),
        1.005,
    );
}
