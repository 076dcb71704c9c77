//! The cost of a training: under the supervisor beside the same loop alone, with checkpoints beside without,
//! an epoch beside its matrix products alone, and how soon it stops and goes on.
//!
//! `cargo bench --bench training` measures all of these;
//! `cargo bench --bench training -- epochs BATCH DROPOUT COUNT` prints the CPU seconds of COUNT
//! epochs of a 64-64-32-3 network over 10,000 rows, one per line, for `pytorch_peer.py`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring program tells what it measured"
)]

#[path = "training/checkpoints.rs"]
mod checkpoints;

use std::convert::Infallible;
use std::time::Duration;

use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
use impresario::store::MemoryStore;
use impresario::{Config, Options, Orchestrator, Until};
use impresario_server::domain::training::{
    Adam, ComputeDevice, Dropout, Fit, Hyper, Network, Part, use_threads,
};
use rustix::time::{ClockId, clock_gettime};
use tch::Tensor;

const PAIRS: usize = 41;
const SEED: u64 = 42;

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            compare();
            products();
            checkpoints::compare();
            checkpoints::stops();
        }
        ["epochs", batch, dropout, count] => epochs(number(batch), number(dropout), number(count)),
        _ => eprintln!("usage: training [epochs BATCH DROPOUT COUNT]"),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse()
        .unwrap_or_else(|_| panic!("expected a number, got {text}"))
}

/// Rows that look like scaled features, with classes that depend on them.
fn part(rows: usize, width: usize, classes: usize) -> Part {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let features: Vec<f32> = (0..rows * width).map(|_| next()).collect();
    let class = |row: &[f32]| {
        let sum: f32 = row.iter().take(8).sum();
        ((sum + 2.0).clamp(0.0, 3.999) / 4.0 * classes as f32) as u8
    };
    let labels = features.chunks(width).map(class).collect();
    Part::new(
        ComputeDevice::find("cpu").unwrap_or(ComputeDevice::host()),
        &features,
        width,
        labels,
    )
}

fn fresh(widths: &[u32]) -> Network {
    let Ok(network) = Network::new(ComputeDevice::host(), widths, SEED, || {
        Ok::<_, Infallible>(())
    });
    network
}

fn epochs(batch_size: u32, dropped: f32, count: u32) {
    use_threads(1);
    let part = part(10_000, 64, 3);
    let widths = [64, 64, 32, 3];
    let mut network = fresh(&widths);
    let mut adam = Adam::new(network.size(), 1e-3);
    let warm = 3;
    for epoch in 0..warm + count {
        let began = now();
        epoch_of(&mut network, &mut adam, &part, epoch, batch_size, dropped);
        if epoch >= warm {
            println!("{:.6}", now() - began);
        }
    }
}

fn epoch_of(
    network: &mut Network,
    adam: &mut Adam,
    part: &Part,
    epoch: u32,
    batch_size: u32,
    dropped: f32,
) -> f64 {
    let shuffled = part.shuffled(SEED, epoch);
    let mut loss = 0.0;
    for batch in 0..part.rows().div_ceil(batch_size) {
        let from = batch * batch_size;
        let length = batch_size.min(part.rows() - from);
        let dropout = Dropout {
            dropped,
            seed: SEED,
            epoch,
            batch,
        };
        loss += network
            .learn(&shuffled.batch(from, length), dropout, adam)
            .loss;
    }
    loss
}

/// Measures both loops on a lane's thread, in turns.
struct Measure;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct NoParams {}

const EPOCHS: u32 = 20;
const BATCH: u32 = 32;
const DROPPED: f32 = 0.2;

impl Operation for Measure {
    const KIND: &'static str = "measure";
    type Params = NoParams;
    /// The CPU seconds alone and supervised, by pair.
    type Output = Vec<(f64, f64)>;

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, _: NoParams, ctx: &Context) -> Result<Self::Output, Failure> {
        use_threads(1);
        let (training, validation) = (part(1_433, 13, 2), part(307, 13, 2));
        let widths = [13, 64, 32, 2];
        let alone = || {
            let mut network = fresh(&widths);
            let mut adam = Adam::new(network.size(), 1e-3);
            let mut best = (f64::INFINITY, Vec::new());
            let began = now();
            for epoch in 0..EPOCHS {
                epoch_of(&mut network, &mut adam, &training, epoch, BATCH, DROPPED);
                let loss = network
                    .judge(&validation.batch(0, validation.rows()))
                    .mean_loss();
                if loss < best.0 {
                    best = (loss, network.weights());
                }
            }
            Ok::<_, Failure>(now() - began)
        };
        let supervised = || {
            let network = fresh(&widths);
            let hyper = Hyper {
                epochs: EPOCHS,
                batch_size: BATCH,
                learning_rate: 1e-3,
                dropout: DROPPED,
                patience: EPOCHS,
                seed: SEED,
            };
            let began = now();
            Fit::new(ctx, network, &training, &validation, hyper).run()?;
            Ok::<_, Failure>(now() - began)
        };
        alone()?;
        let mut pairs = Vec::new();
        for pair in 0..PAIRS {
            // The second loop has a warmer core, so each loop comes second half the time.
            pairs.push(if pair % 2 == 0 {
                let alone = alone()?;
                (alone, supervised()?)
            } else {
                let supervised = supervised()?;
                (alone()?, supervised)
            });
        }
        Ok(pairs)
    }
}

fn compare() {
    let kinds = Kinds::new().register(Measure);
    let orchestrator = Orchestrator::start(Config::default(), kinds, MemoryStore::new());
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
    let pairs: Vec<(f64, f64)> = serde_json::from_value(output).expect("pairs");
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "{PAIRS} alternating pairs of {EPOCHS} epochs, load average {}",
        load.trim()
    );
    let alone = spread(pairs.iter().map(|pair| pair.0 * 1e3).collect());
    let supervised = spread(pairs.iter().map(|pair| pair.1 * 1e3).collect());
    let ratio = spread(pairs.iter().map(|pair| pair.1 / pair.0).collect());
    println!("  the loop alone, CPU ms          {}", alone.1);
    println!("  under the supervisor, CPU ms    {}", supervised.1);
    told("supervised / alone", &ratio, 1.005);
}

/// An epoch beside the matrix products that it cannot do without, of the same shapes.
fn products() {
    use_threads(1);
    let widths = [64_u32, 64, 32, 3];
    let part = part(10_000, 64, 3);
    println!("an epoch of 64-64-32-3 over 10,000 rows beside its matrix products, CPU ms");
    for batch_size in [32, 256] {
        let mut network = fresh(&widths);
        let mut adam = Adam::new(network.size(), 1e-3);
        let shapes = Shapes::new(&widths, i64::from(batch_size));
        let batches = part.rows().div_ceil(batch_size);
        let (mut whole, mut bare) = (Vec::new(), Vec::new());
        for epoch in 0..43 {
            let began = now();
            epoch_of(&mut network, &mut adam, &part, epoch, batch_size, DROPPED);
            let learned = now();
            for _ in 0..batches {
                shapes.multiply();
            }
            if epoch >= 2 {
                whole.push((learned - began) * 1e3);
                bare.push((now() - learned) * 1e3);
            }
        }
        let ratio = spread(
            whole
                .iter()
                .zip(&bare)
                .map(|(one, other)| one / other)
                .collect(),
        );
        println!(
            "  batch {batch_size}: {} and {}",
            spread(whole).1,
            spread(bare).1
        );
        told("epoch / its products", &ratio, 1.6);
    }
}

/// Operands and results of the products of one batch.
struct Shapes(Vec<[Tensor; 3]>);

impl Shapes {
    fn new(widths: &[u32], rows: i64) -> Self {
        let random = |shape: &[i64]| Tensor::rand(shape, (tch::Kind::Float, tch::Device::Cpu));
        let mut products = Vec::new();
        for (layer, pair) in widths.windows(2).enumerate() {
            let (inputs, outputs) = (i64::from(pair[0]), i64::from(pair[1]));
            let (input, error) = (random(&[rows, inputs]), random(&[rows, outputs]));
            let weight = random(&[outputs, inputs]);
            // Forward, the gradient of the weights, and the error of the layer below, but for the input.
            products.push([input.shallow_clone(), weight.tr(), random(&[rows, outputs])]);
            products.push([error.tr(), input, random(&[outputs, inputs])]);
            if layer > 0 {
                products.push([error, weight, random(&[rows, inputs])]);
            }
        }
        Self(products)
    }

    fn multiply(&self) {
        for [one, other, out] in &self.0 {
            let _ = one.mm_out(out, other);
        }
    }
}

fn told(what: &str, ratio: &(f64, String), target: f64) {
    let verdict = if ratio.0 <= target { "met" } else { "MISSED" };
    println!("  {what:30}  {}   target <= {target}  {verdict}", ratio.1);
}

/// The median, and as text with the quartiles: "12.3 (11.9 to 13.0)".
fn spread(mut samples: Vec<f64>) -> (f64, String) {
    samples.sort_by(f64::total_cmp);
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share).round() as usize];
    (
        at(0.5),
        format!("{:.4} ({:.4} to {:.4})", at(0.5), at(0.25), at(0.75)),
    )
}

fn now() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
