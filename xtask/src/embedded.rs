//! The libraries as strangers get them: packaged, and embedded by programs of another workspace.

use std::path::PathBuf;

use xshell::{Shell, cmd};

use crate::steps::{Failure, RunEcho, not_checked, say, shell, step, target};

/// The libraries that may be published, in the order in which they depend on each other.
const LIBRARIES: [&str; 2] = ["impresario-api", "impresario"];
/// What each package must hold beside its source.
const FILES: [&str; 3] = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// `cargo xtask embedded`: packages the libraries, and builds, checks and drives `examples/embedded/` with them.
pub(crate) fn test() -> Result<(), Failure> {
    let shell = shell()?;
    step("package the libraries", || package(&shell))?;
    shell.change_dir("examples/embedded");
    let target = target().join("embedded");
    let patches = LIBRARIES.map(|name| {
        let folder = packaged(name);
        [
            "--config".to_owned(),
            format!("patch.crates-io.{name}.path = {folder:?}"),
        ]
    });
    let patches = patches.as_flattened();
    step("formatting of the programs that embed them", || {
        Ok(cmd!(shell, "cargo fmt --all --check").run_echo()?)
    })?;
    step("programs that embed the packaged libraries: lints", || {
        let command = cmd!(
            shell,
            "cargo clippy --locked --workspace --all-targets --target-dir {target} {patches...} -- -D warnings"
        );
        Ok(command.run_echo()?)
    })?;
    step("programs that embed the packaged libraries: tests", || {
        let command = cmd!(
            shell,
            "cargo test --locked --workspace --target-dir {target} {patches...}"
        );
        Ok(command.run_echo()?)
    })
}

/// Packages the libraries, and unpacks what was packaged. It is built by the programs that embed it.
fn package(shell: &Shell) -> Result<(), Failure> {
    let names = LIBRARIES.map(|name| ["-p", name]);
    let names = names.as_flattened();
    cmd!(
        shell,
        "cargo package --locked --allow-dirty --no-verify {names...}"
    )
    .run_echo()?;
    for name in LIBRARIES {
        let (folder, crates) = (packaged(name), target().join("package"));
        // Nothing of an earlier package may be in it.
        shell.remove_path(&folder)?;
        let file = format!("{}.crate", folder.display());
        cmd!(shell, "tar -xzf {file} -C {crates}").run_echo()?;
        let missing = FILES.iter().find(|file| !folder.join(file).is_file());
        if let Some(missing) = missing {
            return Err(format!("the package of {name} lacks {missing}").into());
        }
    }
    Ok(())
}

/// Where a package is unpacked. All crates have one version, which is this one's too.
fn packaged(name: &str) -> PathBuf {
    let folder = format!("{name}-{}", env!("CARGO_PKG_VERSION"));
    target().join("package").join(folder)
}

/// Compares the public API of the libraries with that of the last release: what breaks needs a new version.
pub(crate) fn semver() -> Result<(), Failure> {
    let shell = shell()?;
    let last = cmd!(shell, "git describe --tags --abbrev=0 --match v*")
        .quiet()
        .ignore_stderr();
    let Ok(last) = last.read() else {
        say("▸ no earlier release is tagged: the libraries' API is compared with nothing");
        return Ok(());
    };
    let there = cmd!(shell, "cargo semver-checks --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr();
    if there.run().is_err() {
        not_checked(
            "whether the libraries' API breaks what the last release had",
            "cargo-semver-checks is missing (cargo install cargo-semver-checks --locked)",
            "cargo xtask semver",
        );
        return Ok(());
    }
    let names = LIBRARIES.map(|name| ["-p", name]);
    let names = names.as_flattened();
    step("the libraries' API beside that of the last release", || {
        Ok(cmd!(
            shell,
            "cargo semver-checks --baseline-rev {last} {names...}"
        )
        .run_echo()?)
    })
}
