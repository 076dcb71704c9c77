//! Tells the linker where libtorch lies, so that the binaries find it wherever they are started
//! from, and the program which version it is. And builds the package anew when the console was.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // It is there in every checkout: a folder that comes and goes would be one changed for ever.
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
