//! Kills, attacks, fills, slows and soaks a real impresariod over HTTP and checks every answer that it gave.
//! What looks inside are only SQLite's `integrity_check`, what the operating system reports about the process,
//! and checks of the folders of models and checkpoints.

mod bad;
mod check;
mod client;
mod full;
mod kill;
mod ledger;
mod server;
mod shutdown;
mod slow;
mod soak;
mod stranger;
mod wire;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Injects faults into a real server and checks every answer that it gave
#[derive(Clone, Debug, Parser)]
struct Args {
    /// The server's binary
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// Another binary of it, which can train; it is killed in a third of the rounds
    #[arg(long, value_name = "FILE")]
    trainer: Option<PathBuf>,
    /// How many times the server is killed with kill -9
    #[arg(long, default_value_t = 300)]
    rounds: u32,
    /// Operations of the part soak; a million take minutes
    #[arg(long, default_value_t = 50_000)]
    soak_operations: u64,
    /// Repeats the plan of this seed; by default the plan is new
    #[arg(long)]
    seed: Option<u64>,
    /// Runs only this part: kill, full, slow, bad, shutdown, sync, clock, soak
    #[arg(long)]
    part: Option<String>,
    /// Passed to every server; with `store.engine=memory` violations must be found
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The file for the servers' logs; by default they are dropped
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// The result of a part: lines for the report, and violations.
#[derive(Debug, Default)]
struct Report {
    lines: Vec<String>,
    violations: Vec<String>,
}

impl Report {
    fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// Adds a violation if `holds` is false.
    fn hold(&mut self, holds: bool, what: impl Into<String>) {
        if !holds {
            self.violations.push(what.into());
        }
    }
}

type Part = fn(&Args, u64) -> Report;

const PARTS: &[(&str, Part)] = &[
    ("kill", kill::run),
    ("full", full::run),
    ("slow", slow::run),
    ("bad", bad::run),
    ("shutdown", shutdown::run),
    ("sync", world::sync),
    ("clock", world::clock),
    ("soak", soak::run),
];

fn main() -> ExitCode {
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1 << 53));
    println!("seed {seed}   (--seed {seed} replays the plan)");
    let mut violations = 0;
    for (name, part) in PARTS {
        if args.part.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let mut report = part(&args, seed);
        println!("\n{name}");
        for line in &report.lines {
            println!("  {line}");
        }
        // The same violation may be found in several rounds.
        report.violations.sort_unstable();
        report.violations.dedup();
        for violation in &report.violations {
            println!("  VIOLATION {violation}");
        }
        violations += report.violations.len();
    }
    println!("\n{violations} violations");
    if violations == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
