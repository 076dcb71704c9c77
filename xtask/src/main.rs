//! The project's own tasks: `cargo xtask serve | build | test | demo | console | embedded | semver | torture | fuzz`.

mod console;
mod demo;
mod embedded;
mod fuzz;
mod libtorch;
mod server;
mod steps;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask TASK

  build          build the console, and release binaries of impresariod and impresario; download libtorch once
  serve [ARGS]   build, then run impresariod with ARGS
  demo [--exit]  build, serve on 127.0.0.1:7979, load real bars and train a network; with --exit, end then
  test           check formatting, lints and docs; run every test with and without the feature training,
                 and those of the console in a browser if there is one
  console        build only the console, which the next build of the server includes
  embedded       package the libraries, and build and drive examples/embedded/ with what was packaged
  semver         compare the libraries' API with that of the last release that is tagged
  torture [ARGS] kill, attack, fill, slow and soak a server, and check every answer that it gave; trains
                 meanwhile if libtorch is there; --part NAME runs one part, --help shows all ARGS
  fuzz NAME [--seconds N]  run one fuzz target under libFuzzer, by default for 600 s
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let task = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let done = match task.as_str() {
        "build" => steps::build(),
        "serve" => server::serve(&rest),
        "demo" => demo::run(rest.iter().any(|arg| arg == "--exit")),
        "console" => console::build(),
        "test" => steps::test(),
        "embedded" => embedded::test(),
        "semver" => embedded::semver(),
        "fuzz" => fuzz::run(&rest),
        "torture" => steps::torture(&rest),
        "" | "help" | "--help" | "-h" => {
            steps::say(USAGE);
            return ExitCode::SUCCESS;
        }
        other => {
            steps::say(&format!("there is no task \"{other}\"\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            steps::say(&format!("\n✘ {error}"));
            ExitCode::FAILURE
        }
    }
}
