//! `cargo xtask demo`: the kernel at work, through its own client.

use std::process::{Command, Stdio};

use crate::server::{ADDRESS, Server};
use crate::steps::{self, Failure, say};

/// Builds, serves, runs one dummy with its bar, pauses and resumes a second, cancels a third.
pub(crate) fn run(exit: bool) -> Result<(), Failure> {
    steps::build()?;
    let server = Server::start(ADDRESS)?;
    let client = Client {
        url: server.url.clone(),
    };

    say("\n▸ 1 of 3: a short dummy, with its bar");
    client.show(&["dummy", "--iterations", "30", "--step-ms", "100"])?;

    say("\n▸ 2 of 3: a dummy that is paused, and resumed from what it had");
    let paused = client.start(&["dummy", "--iterations", "40", "--step-ms", "50"])?;
    client.until_some_are_done(&paused)?;
    client.show(&[
        "ops",
        "pause",
        &paused,
        "--reason",
        "demo: let it rest",
        "--wait",
        "10",
    ])?;
    client.show(&["ops", "resume", &paused])?;
    client.show(&["ops", "watch", &paused])?;

    say("\n▸ 3 of 3: a long dummy, cancelled");
    let cancelled = client.start(&["dummy", "--iterations", "100000", "--step-ms", "1000"])?;
    client.show(&[
        "ops",
        "cancel",
        &cancelled,
        "--reason",
        "demo: changed my mind",
        "--wait",
        "10",
    ])?;

    say("\n▸ what there is now");
    client.show(&["ops", "list"])?;
    say("\n✔ one dummy ran to its end, one was paused and resumed, one was cancelled");
    if exit {
        return server.stop();
    }
    say(&format!(
        "  the server goes on at {} until Ctrl-C; try:",
        server.url
    ));
    say(&format!(
        "  {} dummy --iterations 100 --step-ms 200",
        steps::binary("impresario").display()
    ));
    server.wait()
}

struct Client {
    url: String,
}

impl Client {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(steps::binary("impresario"));
        command.args(["--url", &self.url]).args(args);
        command
    }

    /// Runs the client in this terminal.
    fn show(&self, args: &[&str]) -> Result<(), Failure> {
        say(&format!("  $ impresario {}", args.join(" ")));
        let status = self.command(args).status()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("impresario {} ended with {status}", args.join(" ")).into())
        }
    }

    /// Waits until some of its steps are complete, so that there is something to go on from.
    fn until_some_are_done(&self, id: &str) -> Result<(), Failure> {
        for _ in 0..200 {
            let output = self.command(&["ops", "show", id, "--json"]).output()?;
            let text = String::from_utf8(output.stdout)?;
            let current = text.split("\"current\":").nth(1);
            let done = current.and_then(|text| text.trim_start().split([',', '}', '\n']).next());
            if done.and_then(|done| done.trim().parse::<u64>().ok()) >= Some(10) {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Err(format!("{id} does not advance").into())
    }

    /// Starts an operation in the background: its id.
    fn start(&self, args: &[&str]) -> Result<String, Failure> {
        let output = self
            .command(args)
            .args(["--detach", "--json"])
            .stderr(Stdio::inherit())
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let id = text.find("op_").and_then(|at| text.get(at..at + 16));
        id.map(str::to_owned)
            .ok_or_else(|| format!("no operation id in: {text}").into())
    }
}
