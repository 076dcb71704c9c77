//! CPU time of `impresario --version`, beside a program that only says hello.

use std::process::{Command, Stdio};

use impresario_bench::{Samples, machine, verdict};

const PAIRS: usize = 31;
/// Runs of each in a pair: one alone is less than the clock's tick.
const RUNS: usize = 40;

fn main() {
    machine();
    let ratios = (0..PAIRS).map(|_| {
        let hello = cpu("hello", &[]);
        cpu("impresario", &["--version"]) / hello
    });
    let ratios = Samples::new(ratios.collect());
    println!("impresario --version / hello, CPU time, {PAIRS} alternating pairs of {RUNS} runs");
    println!(
        "  {}  target 2: {}",
        ratios.spread(),
        verdict(ratios.percentile(50.0), 2.0)
    );
}

/// Seconds of user and system time of the children that were waited for.
fn children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("this process");
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .expect("fields")
        .split_whitespace()
        .collect();
    // Fields 16 and 17 of the line, in ticks of 10 ms; the first two are before the parenthesis.
    let ticks: f64 = [13, 14]
        .iter()
        .map(|at| fields[*at].parse::<f64>().expect("ticks"))
        .sum();
    ticks / 100.0
}

fn cpu(program: &str, args: &[&str]) -> f64 {
    let path = std::env::current_exe()
        .expect("this program")
        .with_file_name(program);
    let before = children();
    for _ in 0..RUNS {
        let status = Command::new(&path)
            .args(args)
            .stdout(Stdio::null())
            .status();
        assert!(
            status
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
                .success()
        );
    }
    (children() - before).max(0.01)
}
