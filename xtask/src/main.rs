//! The project's own tasks: `cargo xtask serve | build | test | demo | torture | fuzz`.

mod console;
mod demo;
mod fuzz;
mod libtorch;
mod server;
mod steps;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask TASK

  build          the console, and release binaries of impresariod and impresario; fetches libtorch once
  serve [ARGS]   build, then run impresariod; ARGS go to it
  demo [--exit]  build, serve on 127.0.0.1:7979, load real bars and train a network on them; --exit: end then
  test           formatting, lints, docs and every test, with and without libtorch's feature, and
                 the console in a browser where there is one
  console        the console alone: the next build of the server has it inside
  torture [ARGS] kill, attack, fill, slow and soak a server without libtorch, and check that it keeps its
                 word; --part NAME for one part alone, --help for all ARGS
  fuzz NAME [--seconds N]  give one fuzz target to libFuzzer, by default for 600 s
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
