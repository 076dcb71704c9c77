//! A server for a test, and the client.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A server for a test, ended by its process id.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    data: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with_files(&[])
    }

    /// A server with these files in its import folder.
    pub(crate) fn with_files(files: &[(&str, &str)]) -> Self {
        Self::with(files, &[])
    }

    /// The names of everything in its import folder.
    pub(crate) fn imports(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.data.path().join("import")).expect("it is there");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    /// The same, with more arguments.
    pub(crate) fn with(files: &[(&str, &str)], more: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let import = data.path().join("import");
        std::fs::create_dir(&import).expect("a new folder");
        for (name, text) in files {
            std::fs::write(import.join(name), text).expect("the folder is ours");
        }
        let mut child = Command::new(impresariod())
            .args([
                "--listen",
                "127.0.0.1:0",
                "--set",
                "log.level=\"warn\"",
                "--data-dir",
            ])
            .arg(data.path().join("data"))
            .arg("--set")
            .arg(format!("data.import_dir={}", import.display()))
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it says where it listens");
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .expect("an address")
            .to_owned();
        Self { child, url, data }
    }

    pub(crate) fn client(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_impresario"));
        command.args(["--url", &self.url]).env("NO_COLOR", "1");
        command.env("LC_ALL", "C.UTF-8");
        command
            .env_remove("IMPRESARIO_TOKEN")
            .env_remove("IMPRESARIO_URL");
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.client().args(args).output().expect("the client runs")
    }

    /// The standard output of a client that must end with `code`.
    pub(crate) fn says(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let text = self.says(0, &[&["--json"], args].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}: {text}"))
    }

    /// Asks the server to end.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(sent.expect("there is a kill").success());
    }

    /// Starts a dummy that sleeps for an hour, and returns its id.
    pub(crate) fn sleeper(&self) -> String {
        let started = self.json(&[
            "dummy",
            "--iterations",
            "5",
            "--step-ms",
            "3600000",
            "--detach",
        ]);
        let id = started["operation_id"].as_str().expect("an id").to_owned();
        // The dummy must run, because a cancel before that is another test.
        let events = format!(
            "{}/api/v1/operations/{id}/events?since=1&limit=1&wait=30",
            self.url
        );
        ureq::get(&events)
            .call()
            .expect("the feed answers once it runs");
        id
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's binary beside the client's. It is built if only this package was built.
fn impresariod() -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_impresario")).with_file_name("impresariod");
    if !path.exists() {
        let args = ["build", "-p", "impresario-server", "--bin", "impresariod"];
        let built = Command::new(env!("CARGO")).args(args).status();
        assert!(
            built.is_ok_and(|status| status.success()),
            "impresariod could not be built"
        );
    }
    path
}
