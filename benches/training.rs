//! The cost of a training: under the supervisor beside the same loop alone, with checkpoints beside without,
//! an epoch beside its matrix products alone, and how soon it stops and goes on.
//!
//! `cargo bench --bench training` measures all of these, and `-- supervision`, `-- checkpoints`, `-- stops` or
//! `-- products` one of them;
//! `cargo bench --bench training -- epochs BATCH DROPOUT COUNT` prints the CPU seconds of COUNT
//! epochs of a 64-64-32-3 network over 10,000 rows, one per line, for `pytorch_peer.py`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring program tells what it measured"
)]

#[path = "training/checkpoints.rs"]
mod checkpoints;
#[path = "training/stops.rs"]
mod stops;
#[path = "training/supervision.rs"]
mod supervision;

use std::convert::Infallible;

use impresario_server::domain::training::{
    Adam, ComputeDevice, Dropout, Network, Part, use_threads,
};
use rustix::time::{ClockId, clock_gettime};
use tch::Tensor;

const SEED: u64 = 42;
const DROPPED: f32 = 0.2;

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            supervision::compare();
            checkpoints::compare();
            stops::measure();
            products();
        }
        ["supervision"] => supervision::compare(),
        ["checkpoints"] => checkpoints::compare(),
        ["stops"] => stops::measure(),
        ["products"] => products(),
        ["epochs", batch, dropout, count] => epochs(number(batch), number(dropout), number(count)),
        _ => eprintln!(
            "usage: training [supervision | checkpoints | stops | products | epochs BATCH DROPOUT COUNT]"
        ),
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
) {
    let batches = (0..part.rows().div_ceil(batch_size)).map(Ok::<_, Infallible>);
    let Ok(()) = epoch_over(
        network,
        adam,
        part,
        (epoch, batch_size, dropped),
        batches,
        |_| Ok(()),
    );
}

/// The same in steps that somebody may count, and with a call after each batch.
fn epoch_over<E>(
    network: &mut Network,
    adam: &mut Adam,
    part: &Part,
    (epoch, batch_size, dropped): (u32, u32, f32),
    batches: impl Iterator<Item = Result<u32, E>>,
    mut learned: impl FnMut(u64) -> Result<(), E>,
) -> Result<(), E> {
    let shuffled = part.shuffled(SEED, epoch);
    for batch in batches {
        let batch = batch?;
        let from = batch * batch_size;
        let length = batch_size.min(part.rows() - from);
        let dropout = Dropout {
            dropped,
            seed: SEED,
            epoch,
            batch,
        };
        std::hint::black_box(network.learn(&shuffled.batch(from, length), dropout, adam));
        learned(u64::from(length))?;
    }
    Ok(())
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

/// The lanes' threads have the priority of everything else here: a function that is called has it too, and one
/// can give this program a high one on a machine that others use.
fn own_niceness() -> i32 {
    rustix::process::getpriority_process(None).unwrap_or(0)
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("load average {}", load.trim())
}

fn told(what: &str, ratio: &(f64, String), target: f64) {
    let verdict = if ratio.0 <= target { "met" } else { "MISSED" };
    println!(
        "  {what:48}  {}   target <= {target:.3}  {verdict}",
        ratio.1
    );
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

/// CPU seconds of this thread.
fn now() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
