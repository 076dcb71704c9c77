//! The CPU time of `impresario --version`, beside a program that only prints hello.

use std::process::{Command, Stdio};

use impresario_bench::{Samples, Target, beside, judge, machine};
use nix::sys::resource::{UsageWho, getrusage};

const PAIRS: usize = 31;
/// How often each program runs in a pair.
const RUNS: u32 = 40;

fn main() {
    if !beside("impresario").exists() {
        println!("there is no release build of impresario beside this program: nothing to measure");
        return;
    }
    machine();
    let (mut hello, mut client) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        hello.push(cpu("hello", &[]));
        client.push(cpu("impresario", &["--version"]));
    }
    let ratios = Samples::ratios(&client, &hello);
    println!("user and system time, ms, {PAIRS} alternating pairs of {RUNS} runs each");
    println!("  {:40} {}", "hello", Samples::new(hello).spread());
    println!(
        "  {:40} {}",
        "impresario --version",
        Samples::new(client).spread()
    );
    judge("client / hello", &ratios, Target::AtMost(2.0));
    machine();
}

/// The user and system time of all children that were waited for, in milliseconds.
fn children() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("it is a POSIX call");
    let millis =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3;
    millis(usage.user_time()) + millis(usage.system_time())
}

fn cpu(program: &str, args: &[&str]) -> f64 {
    let path = beside(program);
    let before = children();
    for _ in 0..RUNS {
        let mut command = Command::new(&path);
        let status = command.args(args).stdout(Stdio::null()).status();
        let status = status.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(status.success(), "{program}: {status}");
    }
    (children() - before) / f64::from(RUNS)
}
