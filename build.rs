//! Tells the linker where libtorch is, so that the binaries find it wherever they are started, and the
//! program which version it is. Also rebuilds the package when the console was rebuilt.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
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
