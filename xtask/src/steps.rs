//! Builds and tests in named steps.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use xshell::{Shell, cmd};

use crate::{console, embedded, libtorch};

/// Why a task ended.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// Writes text for the user of the task.
pub(crate) fn say(text: &str) {
    // A closed terminal is not a reason to stop.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Runs a step, and says before it what it does and after it how long it took.
pub(crate) fn step(what: &str, work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    say(&format!("▸ {what}"));
    let began = Instant::now();
    work().map_err(|error| format!("{what}: {error}"))?;
    say(&format!(
        "✔ {what} ({:.0} s)",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// A shell in the workspace's root.
pub(crate) fn shell() -> Result<Shell, Failure> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    Ok(shell)
}

pub(crate) fn root() -> PathBuf {
    // cargo sets it for `cargo run`; xtask is a folder of the root.
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |dir| root().join(dir))
}

pub(crate) fn binary(name: &str) -> PathBuf {
    target().join("release").join(name)
}

pub(crate) fn build() -> Result<(), Failure> {
    libtorch::ensure()?;
    console::build()?;
    let shell = shell()?;
    step(
        "build impresariod and impresario (release; the first time takes minutes)",
        || {
            // One after the other: built together, the client would get the server's reader of Parquet.
            cmd!(shell, "cargo build --release --locked -p impresario-server").run_echo()?;
            Ok(cmd!(shell, "cargo build --release --locked -p impresario-cli").run_echo()?)
        },
    )
}

/// `cargo xtask torture`. It is built into a folder of its own, because most of it needs a server without
/// libtorch. A second server, for a third of the kills, is built with libtorch if that is there; it is not
/// downloaded for this.
pub(crate) fn torture(args: &[String]) -> Result<(), Failure> {
    let shell = shell()?;
    let target = target().join("torture");
    let [program, server, trainer] = [
        "impresario-torture",
        "impresariod",
        "impresariod-with-training",
    ]
    .map(|name| target.join("release").join(name));
    let build = |package: &[&str]| {
        cmd!(
            shell,
            "cargo build --release --locked --target-dir {target} -p {package...}"
        )
        .run_echo()
    };
    let trains = libtorch::is_there();
    if trains {
        step("build impresariod with libtorch", || {
            build(&["impresario-server"])?;
            // The next build writes to the same place.
            Ok(shell.copy_file(&server, &trainer)?)
        })?;
    }
    step(
        "build impresariod without libtorch, and the torturer",
        || {
            build(&["impresario-server", "--no-default-features"])?;
            Ok(build(&["impresario-torture"])?)
        },
    )?;
    let with = trains.then_some(["--trainer".as_ref(), trainer.as_os_str()]);
    let with = with.into_iter().flatten();
    let tortured = step("torture", || {
        Ok(cmd!(shell, "{program} --server {server} {with...} {args...}").run_echo()?)
    });
    if !trains {
        not_checked(
            "trainings that are killed",
            "libtorch is not there (`cargo xtask build` fetches it)",
            "cargo xtask torture",
        );
    }
    tortured
}

pub(crate) fn test() -> Result<(), Failure> {
    libtorch::ensure()?;
    console::build()?;
    console::test()?;
    let shell = shell()?;
    step("formatting", || {
        Ok(cmd!(shell, "cargo fmt --all --check").run_echo()?)
    })?;
    step("lints, warnings denied", || {
        Ok(cmd!(
            shell,
            "cargo clippy --workspace --all-targets --locked -- -D warnings"
        )
        .run_echo()?)
    })?;
    step("docs, warnings denied", || {
        let _denied = shell.push_env("RUSTDOCFLAGS", "-D warnings");
        Ok(cmd!(shell, "cargo doc --workspace --no-deps --locked --quiet").run_echo()?)
    })?;
    step("all tests of the workspace", || {
        Ok(cmd!(
            shell,
            "cargo test --workspace --exclude impresario-fuzz --locked"
        )
        .run_echo()?)
    })?;
    console::browse()?;
    // The fuzz targets are built without libtorch, because their binaries would not find it.
    step(
        "the server without the training feature, and the fuzz targets",
        || {
            Ok(cmd!(
                shell,
                "cargo test --locked -p impresario-server -p impresario-fuzz --no-default-features"
            )
            .run_echo()?)
        },
    )?;
    embedded::test()?;
    embedded::semver()?;
    dependencies(&shell)
}

/// Checks licences, duplicates, registries and advisories if cargo-deny is installed. (A test of the
/// workspace also checks duplicates, without cargo-deny.)
fn dependencies(shell: &Shell) -> Result<(), Failure> {
    let there = cmd!(shell, "cargo deny --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr();
    if there.run().is_err() {
        not_checked(
            "licences, registries and advisories",
            "cargo-deny is missing (cargo install cargo-deny --locked)",
            DENY,
        );
        return Ok(());
    }
    step("licences, duplicates and registries", || {
        cmd!(shell, "cargo deny --workspace check licenses bans sources").run_echo()?;
        // Duplicates of a program that nobody ships are nobody's concern.
        let manifest = "examples/embedded/Cargo.toml";
        Ok(cmd!(
            shell,
            "cargo deny --manifest-path {manifest} check licenses sources"
        )
        .run_echo()?)
    })?;
    // The database is a repository that cannot be reached from everywhere.
    if cmd!(shell, "cargo deny fetch db").run_echo().is_err() {
        not_checked(
            "advisories",
            "their database cannot be fetched from here",
            DENY,
        );
        return Ok(());
    }
    step("advisories", || {
        Ok(cmd!(
            shell,
            "cargo deny --workspace check --disable-fetch advisories"
        )
        .run_echo()?)
    })
}

/// Checks all that is checked of dependencies.
const DENY: &str = "cargo deny --workspace check";

/// Says what was not checked, so that nobody assumes that it was, and what would check it.
pub(crate) fn not_checked(what: &str, why: &str, command: &str) {
    say(&format!(
        "\n!!! NOT CHECKED: {what}\n!!! {why}\n!!! Run `{command}` where it can be had before a release.\n"
    ));
}

/// Runs a command and shows it.
pub(crate) trait RunEcho {
    /// Shows it, then runs it.
    fn run_echo(self) -> Result<(), xshell::Error>;
}

impl RunEcho for xshell::Cmd<'_> {
    fn run_echo(self) -> Result<(), xshell::Error> {
        say(&format!("  $ {self}"));
        self.quiet().run()
    }
}
