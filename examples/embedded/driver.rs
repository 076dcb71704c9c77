//! Drives a service as its users do, and kills it. The tests of both services include this file.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// No wait of a test lasts longer.
const LIMIT: Duration = Duration::from_secs(120);

/// The whole life of a service: work, a cancel, a `kill -9`, an orderly end.
pub fn drive(program: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let service = Service::start(program, folder.path());

    // A start is one call, and the stream of its events ends with it.
    let done = service.begin(10_000);
    let end_of_done = service.events(&done).filter_map(|event| end(&event)).last();
    assert_eq!(end_of_done.as_deref(), Some("completed"));

    // Progress is heard while it runs; a cancel ends it.
    let cancelled = service.begin(100_000_000);
    let mut events = service.events(&cancelled);
    let progress = events.find(|event| first_step(event) > 0);
    progress.expect("progress");
    service.post(&format!("/operations/{cancelled}/cancel"), &json!(null));
    let end_of_cancelled = events.find_map(|event| end(&event));
    assert_eq!(end_of_cancelled.as_deref(), Some("cancelled"));

    // What is wrong is said in words, under the status that fits.
    service.refuses("/operations/unknown", &json!({}), 404, "primes");
    service.refuses("/operations/primes", &json!({"below": 1}), 422, "below");
    let again = format!("/operations/{done}/cancel");
    service.refuses(&again, &json!(null), 409, "completed");

    // One is killed with the service, after a checkpoint of it was recorded.
    let lost = service.begin(100_000_000);
    let mut events = service.events(&lost);
    let checkpoint = events.find(|event| event["data"]["type"] == "checkpoint");
    let checkpoint = checkpoint.expect("a checkpoint");
    let kept = checkpoint["data"]["data"]["step"]["number"].as_u64();
    let kept = kept.expect("the step of the checkpoint");
    service.kill();

    // The next process has all of them, and goes on from that checkpoint.
    let service = Service::start(program, folder.path());
    let mut events = service.events(&lost);
    let progress = events.find(|event| first_step(event) >= kept);
    progress.expect("progress from the checkpoint");
    assert_eq!(
        service.list(),
        [
            (lost.clone(), "running".to_owned(), 2),
            (cancelled.clone(), "cancelled".to_owned(), 1),
            (done.clone(), "completed".to_owned(), 1),
        ]
    );

    // An orderly end puts down what runs, at no charge, and ends the stream of its events.
    let reader = std::thread::spawn(move || events.last());
    service.terminate();
    reader.join().expect("the stream has an end");
    let service = Service::start(program, folder.path());
    let mut events = service.events(&lost);
    let progress = events.find(|event| first_step(event) >= kept);
    progress.expect("progress from the checkpoint");
    service.post(&format!("/operations/{lost}/cancel"), &json!(null));
    events.find_map(|event| end(&event)).expect("its end");
    let (_, status, runs) = service.list().swap_remove(0);
    assert_eq!((&*status, runs), ("cancelled", 3));
    service.terminate();
}

/// The status with which an operation has ended, where an event says so.
fn end(event: &Value) -> Option<String> {
    let status = match event["type"].as_str()? {
        "snapshot" => event["data"]["status"].as_str()?,
        "event" => event["data"]["data"]["status"].as_str()?,
        _ => return None,
    };
    let is_end = ["completed", "cancelled", "failed"].contains(&status);
    is_end.then(|| status.to_owned())
}

/// How many steps of the outermost loop are complete, where an event says so.
fn first_step(event: &Value) -> u64 {
    let progress = &event["data"]["progress"];
    progress["steps"][0]["current"].as_u64().unwrap_or_default()
}

/// A service as a child process.
struct Service {
    child: Child,
    url: String,
    agent: ureq::Agent,
}

impl Service {
    /// Starts it, and waits until it says where it listens.
    fn start(program: &str, folder: &Path) -> Self {
        let mut command = Command::new(program);
        command.arg(folder).arg("127.0.0.1:0");
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let output = child.stdout.take().expect("it is piped");
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        read.expect("its first line");
        let url = line.trim().strip_prefix("listening on ");
        let url = url.expect("where it listens").to_owned();
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .http_status_as_error(false);
        Self {
            child,
            url,
            agent: config.build().new_agent(),
        }
    }

    fn post(&self, path: &str, body: &Value) -> (u16, String) {
        let request = self.agent.post(format!("{}{path}", self.url));
        let mut answer = request.send_json(body).expect("an answer");
        let text = answer.body_mut().read_to_string().expect("text");
        (answer.status().as_u16(), text)
    }

    /// Starts an operation: its id.
    fn begin(&self, below: u64) -> String {
        let (status, text) = self.post("/operations/primes", &json!({"below": below}));
        assert_eq!(status, 200, "{text}");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        answer["operation_id"].as_str().expect("an id").to_owned()
    }

    fn refuses(&self, path: &str, body: &Value, status: u16, word: &str) {
        let (got, text) = self.post(path, body);
        assert_eq!(got, status, "{text}");
        assert!(text.contains(word), "{text}");
    }

    /// The operations, the newest first: id, status and number of runs.
    fn list(&self) -> Vec<(String, String, u64)> {
        let answer = self.agent.get(format!("{}/operations", self.url)).call();
        let body = answer.expect("an answer").body_mut().read_to_string();
        let list: Value = serde_json::from_str(&body.expect("text")).expect("JSON");
        let text = |row: &Value, key: &str| row[key].as_str().expect("text").to_owned();
        let rows = list["operations"].as_array().expect("a list").iter();
        rows.map(|row| {
            let run = row["run"].as_u64().expect("a number");
            (text(row, "operation_id"), text(row, "status"), run)
        })
        .collect()
    }

    /// What the stream of an operation's events gives.
    fn events(&self, id: &str) -> impl Iterator<Item = Value> + Send + use<> {
        let request = self
            .agent
            .get(format!("{}/operations/{id}/events", self.url));
        let answer = request.call().expect("an answer");
        assert_eq!(answer.status(), 200);
        let lines = BufReader::new(answer.into_body().into_reader()).lines();
        // A service that was killed ends its streams with an error.
        let lines = lines.map_while(Result::ok);
        lines.filter_map(|line| {
            let data = line.strip_prefix("data: ")?;
            Some(serde_json::from_str(data).expect("JSON"))
        })
    }

    /// `kill -9`.
    fn kill(mut self) {
        self.child.kill().expect("it lives");
        self.child.wait().expect("it has ended");
    }

    /// Asks it to end, and expects that it does so in order.
    fn terminate(mut self) {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        assert!(asked.expect("kill runs").success());
        let ended = self.child.wait().expect("it has ended");
        assert!(ended.success(), "{ended}");
    }
}

impl Drop for Service {
    /// A test that failed leaves no process.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
