//! Tells the linker where libtorch is, so that the binaries find it wherever they are started, and the
//! program which version it is and from which revision it was built. Also rebuilds the package when the console was rebuilt.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    tell_revision();
    // This folder is in every checkout. Cargo would consider a missing folder as always changed.
    println!("cargo:rerun-if-changed=console/dist");
    if std::env::var_os("CARGO_FEATURE_TRAINING").is_none() {
        return;
    }
    // torch-sys says where it found libtorch.
    let Some(libraries) = std::env::var_os("DEP_TCH_LIBTORCH_LIB") else {
        return;
    };
    let libraries = Path::new(&libraries);
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", libraries.display());
    let version = libraries.parent().map(|torch| torch.join("build-version"));
    let version = version.and_then(|file| std::fs::read_to_string(file).ok());
    let version = version.unwrap_or_default();
    let version = match version.trim() {
        "" => "unknown",
        version => version,
    };
    println!("cargo:rustc-env=IMPRESARIO_LIBTORCH_VERSION={version}");
}

/// The commit that is checked out, for the cards of models; "unknown" outside of a repository. A debug build
/// does not tell it, because every commit would build the package anew.
fn tell_revision() {
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        println!("cargo:rustc-env=IMPRESARIO_REVISION=unknown, a debug build");
        return;
    }
    let git = |args: &[&str]| {
        let output = std::process::Command::new("git").args(args).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // It has a line for every commit and every checkout.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"])
        && Path::new(&log).exists()
    {
        println!("cargo:rerun-if-changed={log}");
    }
    let revision = git(&["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=IMPRESARIO_REVISION={revision}");
}
