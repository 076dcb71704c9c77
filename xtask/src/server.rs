//! A server as a child process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::steps::{self, Failure, say};

/// The address of the demo's server.
pub(crate) const ADDRESS: &str = "127.0.0.1:7979";

/// `cargo xtask serve`: the server in the foreground.
pub(crate) fn serve(args: &[String]) -> Result<(), Failure> {
    steps::build()?;
    let status = Command::new(steps::binary("impresariod"))
        .args(args)
        .status()?;
    ended(status)
}

/// A server that ends when this value is dropped.
pub(crate) struct Server {
    child: Child,
    /// `http://ADDR:PORT`.
    pub(crate) url: String,
}

impl Server {
    /// Starts a server and waits until it says that it listens.
    pub(crate) fn start(address: &str) -> Result<Self, Failure> {
        let mut child = Command::new(steps::binary("impresariod"))
            .args(["--listen", address, "--set", "log.level=\"warn\""])
            .args(["--set", "data.import_dir=\"samples\""])
            .current_dir(steps::root())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child
            .stdout
            .take()
            .ok_or("the server has no standard output")?;
        for line in BufReader::new(stdout).lines() {
            if let Some(url) = line?.strip_prefix("listening on ") {
                let url = url.to_owned();
                say(&format!("✔ impresariod listens on {url}"));
                return Ok(Self { child, url });
            }
        }
        let status = child.wait()?;
        Err(format!("impresariod did not start ({status}); is {address} in use?").into())
    }

    /// Waits until the server ends by itself, because Ctrl-C reaches it too.
    pub(crate) fn wait(mut self) -> Result<(), Failure> {
        ended(self.child.wait()?)
    }

    /// Asks the server to end, and waits.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status()?;
        if !asked.success() {
            return Err(format!("process {id} could not be asked to end").into());
        }
        ended(self.child.wait()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // This is only reached after a failure. The child must not outlive the task. An error means that it has
        // already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ended(status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        Ok(())
    } else {
        Err(format!("impresariod ended with {status}").into())
    }
}
