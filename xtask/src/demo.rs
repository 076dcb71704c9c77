//! `cargo xtask demo`: loads real bars and trains a network on them, with the terminal client.

use std::process::Command;

use crate::server::{ADDRESS, Server};
use crate::steps::{self, Failure, say};

/// The command of the training, with enough epochs to watch the bar and few enough not to wait long.
const TRAIN: &[&str] = &[
    "train",
    "GOOG",
    "--timeframe",
    "1d",
    "--epochs",
    "600",
    "--patience",
    "600",
    "--batch-size",
    "16",
    "--learning-rate",
    "0.0003",
];

/// Builds, serves, loads the sample, trains on it, and leaves the server running until Ctrl-C.
pub(crate) fn run(exit: bool) -> Result<(), Failure> {
    steps::build()?;
    let server = Server::start(ADDRESS)?;
    let client = Client {
        url: server.url.clone(),
    };

    say("\n▸ 1 of 3: eight and a half years of daily bars, from samples/GOOG_1d.csv");
    client.show(&["data", "load", "GOOG", "--timeframe", "1d"])?;

    say("\n▸ 2 of 3: a network learns from them whether the next day closes higher");
    client.show(TRAIN)?;

    say("\n▸ 3 of 3: what came out");
    client.show(&["models", "list"])?;
    client.show(&["ops", "list"])?;
    say("\n✔ real bars were loaded, and a network was trained and kept");
    if exit {
        return server.stop();
    }
    say(&format!(
        "  the server goes on at {} until Ctrl-C. In another terminal, start one and cancel it:",
        server.url
    ));
    let client = steps::binary("impresario");
    say(&format!(
        "  {} train GOOG --timeframe 1d --epochs 1000000 --patience 1000000",
        client.display()
    ));
    server.wait()
}

struct Client {
    url: String,
}

impl Client {
    /// Runs the client in this terminal.
    fn show(&self, args: &[&str]) -> Result<(), Failure> {
        say(&format!("  $ impresario {}", args.join(" ")));
        let mut command = Command::new(steps::binary("impresario"));
        let status = command.args(["--url", &self.url]).args(args).status()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("impresario {} ended with {status}", args.join(" ")).into())
        }
    }
}
