//! The process around the server: arguments, log, exit code. `impresariod` is this with the
//! project's own kinds; a stranger's server is this with more (`examples/custom_operation.rs`).

use std::backtrace::{Backtrace, BacktraceStatus};
use std::collections::BTreeMap;
use std::io::Write;

use clap::Parser;
use impresario::LaneConfig;
use impresario::operation::Kinds;

use crate::app;
use crate::config::{Args, Settings};
use crate::data_folder;
use crate::exit::Exit;
use crate::log_output::LogOutput;

/// Serves these kinds, made once the settings are known, until the process is asked to go. Ends the
/// process with the exit code of a failure. A server with lanes of its own is a [`Program`].
///
/// It is called on a thread without a runtime, such as that of a plain `fn main`.
pub fn serve(kinds: impl FnOnce(&Settings) -> Kinds) {
    Program::new().serve(kinds);
}

/// The same for a program that reads its command line itself.
pub fn serve_with(args: &Args, kinds: impl FnOnce(&Settings) -> Kinds) {
    Program::new().serve_with(args, kinds);
}

/// A server with lanes of its own, for kinds that name them in their policies. The configuration may change
/// each key of them.
///
/// ```no_run
/// use impresario::LaneConfig;
/// use impresario_server::{app, process::Program};
///
/// let one_at_a_time = LaneConfig::default().concurrency(1);
/// // Kinds of the program's own follow with `.register(…)`.
/// Program::new().lane("gpu", one_at_a_time).serve(app::kinds);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Program {
    lanes: BTreeMap<String, LaneConfig>,
}

impl Program {
    /// One with the default lanes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a lane added or replaced.
    #[must_use]
    pub fn lane(mut self, name: &str, lane: LaneConfig) -> Self {
        self.lanes.insert(name.to_owned(), lane);
        self
    }

    /// Serves these kinds: see [`serve`].
    pub fn serve(&self, kinds: impl FnOnce(&Settings) -> Kinds) {
        self.serve_with(&Args::parse(), kinds);
    }

    /// The same for a program that reads its command line itself.
    pub fn serve_with(&self, args: &Args, kinds: impl FnOnce(&Settings) -> Kinds) {
        let mut output = match LogOutput::start() {
            Ok(output) => output,
            Err(error) => {
                // Nobody is left to tell when standard error is gone.
                let _ = writeln!(std::io::stderr(), "impresariod: no thread: {error}");
                std::process::exit(70);
            }
        };
        let Err(exit) = start(&self.lanes, args, kinds, &output) else {
            return output.flush_briefly();
        };
        let _ = output.write_all(format!("impresariod: {exit}\n").as_bytes());
        output.flush_briefly();
        // Not a return: threads that still work on something must not hold the process.
        std::process::exit(exit.code.into());
    }
}

fn start(
    lanes: &BTreeMap<String, LaneConfig>,
    args: &Args,
    kinds: impl FnOnce(&Settings) -> Kinds,
    output: &LogOutput,
) -> Result<(), Exit> {
    if tokio::runtime::Handle::try_current().is_ok() {
        return Err(Exit::bug(
            "serve was called within a runtime, and starts one of its own; call it from a plain fn main, without #[tokio::main] or #[actix_web::main], or on a thread of its own (std::thread::spawn)",
        ));
    }
    data_folder::keep_to_owner();
    let settings = Settings::load_over(lanes, args).map_err(Exit::config)?;
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| settings.log.level.clone());
    // What a client says that is no HTTP is no error of the server, and strangers can say much of it:
    // actix-http's lines are there for who asks for them by name (`info,actix_http=error`).
    let logger = env_logger::Builder::new()
        .filter_module("actix_http", log::LevelFilter::Off)
        .parse_filters(&filter)
        .target(env_logger::Target::Pipe(Box::new(output.clone())))
        .try_init();
    if logger.is_err() {
        log::info!(
            "the log goes where this program has sent it already, and not as log.level says"
        );
    }
    tell_panics(output.clone());
    actix_web::rt::System::new().block_on(app::run(&settings, kinds(&settings)))
}

/// A panic is told as the rest is: the thread that panicked must not wait for standard error either.
fn tell_panics(output: LogOutput) {
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("<unnamed>");
        let trace = Backtrace::capture();
        let trace = match trace.status() {
            BacktraceStatus::Captured => format!("\n{trace}"),
            _ => String::new(),
        };
        let told = format!("\nthread '{name}' {panic}{trace}\n");
        let _ = output.clone().write_all(told.as_bytes());
    }));
}
