//! `cargo xtask fuzz`: a target under libFuzzer, on the stable toolchain.

use std::fs;
use std::path::Path;

use xshell::{Shell, cmd};

use crate::steps::{Failure, RunEcho, root, shell, step, target};

/// The flags with which rustc counts which code an input reaches, in the form that libFuzzer reads.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";
const USAGE: &str =
    "cargo xtask fuzz NAME [--seconds N]: NAME is a folder of fuzz/corpus, N is 600 unless given";
/// The folder for temporary files, in memory because that is fastest.
const MEMORY: &str = "/dev/shm";

/// Builds the targets and runs one; an input that breaks a rule is left in `fuzz/found/NAME/`.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let (name, seconds) = asked(args).ok_or(USAGE)?;
    let corpus = root().join("fuzz").join("corpus").join(name);
    if !corpus.is_dir() {
        return Err(format!("there is no {}; {USAGE}", corpus.display()).into());
    }
    let shell = shell()?;
    let program = build(&shell)?;
    let (found, met) = (
        folder("fuzz/found", name)?,
        folder("target/fuzz/corpus", name)?,
    );
    let _target = shell.push_env("IMPRESARIO_FUZZ_TARGET", name);
    let _folder = Path::new(MEMORY)
        .is_dir()
        .then(|| shell.push_env("TMPDIR", MEMORY));
    // Inputs that reach new code are kept in the first folder. The corpus is only read.
    step(&format!("fuzz {name} for {seconds} s"), || {
        let found = format!("-artifact_prefix={found}/");
        let most = format!("-max_total_time={seconds}");
        Ok(cmd!(shell, "{program} {most} {found} -timeout=30 -rss_limit_mb=4096 -max_len=16384 -print_final_stats=1 {met} {corpus}").run_echo()?)
    })
}

fn asked(args: &[String]) -> Option<(&str, u32)> {
    match args {
        [name] => Some((name, 600)),
        [name, key, seconds] if key == "--seconds" => Some((name, seconds.parse().ok()?)),
        _ => None,
    }
}

/// Builds in a folder of its own and for an explicit target triple, so that build scripts are not built with
/// the coverage flags.
fn build(shell: &Shell) -> Result<std::path::PathBuf, Failure> {
    let triple = cmd!(shell, "rustc -vV").quiet().read()?;
    let triple = triple.lines().find_map(|line| line.strip_prefix("host: "));
    let triple = triple.ok_or("rustc does not say for which machine it builds")?;
    let folder = target().join("fuzz");
    let _flags = shell.push_env("RUSTFLAGS", COVERAGE);
    step(
        "build the fuzz targets (the first time takes minutes)",
        || {
            Ok(cmd!(shell, "cargo build --locked --profile fuzz --target {triple} --target-dir {folder} -p impresario-fuzz --features engine --bin fuzz").run_echo()?)
        },
    )?;
    Ok(folder.join(triple).join("fuzz").join("fuzz"))
}

/// A target's own folder, as text.
fn folder(within: &str, name: &str) -> Result<String, Failure> {
    let folder = root().join(within).join(name);
    fs::create_dir_all(&folder)?;
    Ok(folder.to_string_lossy().into_owned())
}
