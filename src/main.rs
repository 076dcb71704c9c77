//! The server `impresariod`: parse, compose, run, shut down.

use std::io::Write;

use clap::Parser;
use impresario_server::app::{self, Exit};
use impresario_server::config::{Args, Settings};

fn main() {
    let args = Args::parse();
    let Err(exit) = start(&args) else {
        return;
    };
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(std::io::stderr().lock(), "impresariod: {exit}");
    // Not a return: threads that still work on something must not hold the process.
    std::process::exit(exit.code.into());
}

fn start(args: &Args) -> Result<(), Exit> {
    let settings = Settings::load(args).map_err(Exit::config)?;
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| settings.log.level.clone());
    env_logger::Builder::new().parse_filters(&filter).init();
    actix_web::rt::System::new().block_on(app::run(&settings))
}
