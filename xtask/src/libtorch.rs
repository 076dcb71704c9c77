//! What the feature `training` needs to be built: a C++ compiler and libtorch.

use std::path::Path;

use xshell::{Shell, cmd};

use crate::steps::{Failure, root, shell, step};

/// The version for which tch is made; `libtorch.py` downloads it.
const VERSION: &str = "2.13.0";

/// Ensures that a build with the feature `training` finds what it needs. A LIBTORCH of the user's own is
/// kept.
pub(crate) fn ensure() -> Result<(), Failure> {
    let shell = shell()?;
    need(&shell, "c++", "a C++ compiler (c++)", compiler_hint())?;
    if is_there() {
        return Ok(());
    }
    let ours = root().join(".libtorch");
    let python = python(&shell, "libtorch")?;
    if ours.exists() {
        // The folder is of another version or incomplete. A rename cannot replace it.
        std::fs::remove_dir_all(&ours)?;
    }
    let script = root().join("xtask").join("libtorch.py");
    let what = format!("fetch libtorch {VERSION} into .libtorch (about 540 MB, once)");
    step(&what, || {
        Ok(cmd!(shell, "{python} {script} {ours}").quiet().run()?)
    })
}

/// Whether nothing has to be downloaded.
pub(crate) fn is_there() -> bool {
    let ours = root().join(".libtorch");
    is_users_own(&ours) || is_whole(&ours)
}

/// Cargo sets LIBTORCH to the project's own folder; anything else came from the user.
fn is_users_own(ours: &Path) -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("LIBTORCH_USE_PYTORCH").is_some()
        || set("LIBTORCH").is_some_and(|place| *place != *ours.join("torch").as_os_str())
}

/// Whether the folder is complete. It appears by a rename, so it was complete once; the other checks find
/// files that somebody has removed since.
fn is_whole(ours: &Path) -> bool {
    let torch = ours.join("torch");
    let version = std::fs::read_to_string(torch.join("build-version")).unwrap_or_default();
    let library = if cfg!(target_os = "macos") {
        "libtorch_cpu.dylib"
    } else {
        "libtorch_cpu.so"
    };
    let headers = torch.join("include").join("torch");
    version.trim() == VERSION && torch.join("lib").join(library).is_file() && headers.is_dir()
}

/// A Python whose pip works, to download something.
pub(crate) fn python(shell: &Shell, what: &str) -> Result<&'static str, Failure> {
    let works = |python: &&str| {
        let pip = cmd!(shell, "{python} -m pip --version");
        pip.quiet().ignore_stdout().ignore_stderr().run().is_ok()
    };
    ["python3", "python"]
        .into_iter()
        .find(works)
        .ok_or_else(|| {
            let hint = if cfg!(target_os = "macos") {
                "brew install python"
            } else {
                "apt-get install python3-pip   (or: dnf install python3-pip)"
            };
            format!("Python 3 with pip is missing, which fetches {what}\n  install it: {hint}")
                .into()
        })
}

fn need(shell: &Shell, tool: &str, what: &str, hint: &str) -> Result<(), Failure> {
    let version = cmd!(shell, "{tool} --version");
    match version.quiet().ignore_stdout().ignore_stderr().run() {
        Ok(()) => Ok(()),
        Err(_) => Err(format!("{what} is missing\n  install it: {hint}").into()),
    }
}

const fn compiler_hint() -> &'static str {
    if cfg!(target_os = "macos") {
        "xcode-select --install"
    } else {
        "apt-get install build-essential   (or: dnf install gcc-c++)"
    }
}
