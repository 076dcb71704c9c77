//! A server of one's own for each test, and short words for asking it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::http::{HeaderMap, Request};

use crate::contract::{self, Asked, Contract};

pub(crate) const OPERATIONS: &str = "/api/v1/operations";
pub(crate) const DUMMY: &str = "/api/v1/dummy/start";

/// The real binary, with a folder of its own. It is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    /// Held: whoever writes to standard output later must find it open.
    _out: BufReader<ChildStdout>,
    pub(crate) address: String,
    pub(crate) folder: Arc<TempDir>,
    /// What it was started with.
    program: (OsString, Vec<OsString>, Vec<(OsString, OsString)>),
    agent: ureq::Agent,
    /// What every answer of it is held against.
    contract: &'static LazyLock<Contract>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// The error's code, or "" for a success.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or("")
    }

    /// The data of a success with this status.
    pub(crate) fn data(&self, status: u16) -> &Value {
        assert_eq!(
            (self.status, self.body["success"].as_bool()),
            (status, Some(true)),
            "{self:?}"
        );
        &self.body["data"]
    }

    /// Whether it is this error in its envelope.
    pub(crate) fn fails(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code()), (status, code), "{self:?}");
        assert_eq!(self.body["success"], false);
        assert!(!self.message().is_empty());
    }

    /// Whether it is this error, and of these faults alone, in any order.
    pub(crate) fn faults(&self, status: u16, code: &str, paths: &[&str]) {
        self.fails(status, code);
        let (mut found, mut wanted) = (self.fault_paths(), paths.to_vec());
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{self:?}");
    }

    /// The message of an error.
    pub(crate) fn message(&self) -> &str {
        let message = self.body["error"]["message"].as_str();
        message.expect("an error has a message")
    }

    /// A list in the data of a success.
    pub(crate) fn list(&self, name: &str) -> Vec<Value> {
        let list = self.data(200)[name].as_array();
        list.unwrap_or_else(|| panic!("no {name} in {self:?}"))
            .clone()
    }

    /// The paths of its faults.
    pub(crate) fn fault_paths(&self) -> Vec<&str> {
        let details = self.body["error"]["details"]
            .as_array()
            .expect("it names its faults");
        details
            .iter()
            .map(|fault| fault["path"].as_str().expect("a fault has a path"))
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }
}

/// A free port and a folder to itself, and what else is asked for.
pub(crate) fn arguments(folder: &TempDir, args: &[&str]) -> Vec<String> {
    let data = folder.path().join("data");
    let data = data.to_str().expect("a path of plain characters");
    let own = ["--listen", "127.0.0.1:0", "--data-dir", data];
    own.iter()
        .chain(args)
        .map(|word| (*word).to_owned())
        .collect()
}

/// The command, with a free port and a folder to itself.
pub(crate) fn command(folder: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_impresariod"));
    command
        .args(arguments(folder, args))
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    command
}

/// More files than any test opens.
const MANY: u32 = 1_024;

/// The same command, which may have so many files open.
pub(crate) fn within(files: u32, command: Command) -> Command {
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -n \"$0\"; exec \"$@\"", &files.to_string()])
        .arg(command.get_program())
        .args(command.get_args())
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    let envs = command.get_envs();
    limited.envs(envs.filter_map(|(key, value)| Some((key, value?))));
    limited
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With `--set` for each pair.
    pub(crate) fn set(pairs: &[&str]) -> Self {
        let args: Vec<&str> = pairs.iter().flat_map(|pair| ["--set", pair]).collect();
        Self::with(&args)
    }

    pub(crate) fn with(args: &[&str]) -> Self {
        Self::within(tempfile::tempdir().expect("a temporary folder"), args)
    }

    pub(crate) fn within(folder: TempDir, args: &[&str]) -> Self {
        let command = command(&folder, args);
        let server = Self::spawn(folder, command, &contract::PLAIN);
        assert_eq!(server.1, "", "its address is on a line of its own");
        server.0
    }

    /// The same, whose import folder has these files.
    pub(crate) fn importing(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let set = import(&folder, files);
        Self::within(folder, &["--set", &set])
    }

    /// The same, started by a script of a shell, for which `"$0" "$@"` is the server. It has a free
    /// port, and the folder that its arguments name.
    pub(crate) fn by_shell(script: &str, args: &[&str]) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", script, env!("CARGO_BIN_EXE_impresariod")])
            .args(["--listen", "127.0.0.1:0"])
            .args(args)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::spawn(folder, command, &contract::PLAIN).0
    }

    /// The same, which may have so many files open.
    pub(crate) fn limited(files: u32, pairs: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let args: Vec<&str> = pairs.iter().flat_map(|pair| ["--set", pair]).collect();
        let command = within(files, command(&folder, &args));
        Self::spawn(folder, command, &contract::PLAIN).0
    }

    /// The same, whose log goes into a file.
    pub(crate) fn telling(folder: &TempDir, log: std::fs::File) -> Self {
        let mut command = command(folder, &[]);
        command.stderr(log);
        let own = tempfile::tempdir().expect("a temporary folder");
        Self::spawn(own, command, &contract::PLAIN).0
    }

    /// How many files it has open.
    pub(crate) fn files(&self) -> usize {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        files.expect("it lives").count()
    }

    /// How many sockets it has open, once it has served somebody; few are its own.
    pub(crate) fn sockets(&self) -> usize {
        assert_eq!(self.get("/healthz").status, 200);
        let folder = format!("/proc/{}/fd", self.child.id());
        let count = |_| {
            let files = std::fs::read_dir(&folder).expect("it lives");
            let links = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
            links
                .filter(|link| link.to_string_lossy().starts_with("socket:"))
                .count()
        };
        // The one that was just served may still be there.
        (0..20).map(count).min().expect("some")
    }

    /// The most memory that it ever had, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let size = line.and_then(|line| line.trim().strip_suffix(" kB"));
        size.and_then(|size| size.parse().ok()).expect("a size")
    }

    /// The same server with the tests' own kinds: see `own`.
    pub(crate) fn own(pairs: &[&str]) -> Self {
        Self::own_limited(MANY, pairs)
    }

    /// The same, which may have so many files open.
    pub(crate) fn own_limited(files: u32, pairs: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let args: Vec<&str> = pairs.iter().flat_map(|pair| ["--set", pair]).collect();
        let command = within(files, crate::own::command(&arguments(&folder, &args)));
        Self::spawn(folder, command, &contract::OWN).0
    }

    /// One without the project's own kinds: see `own`. It is asked by `fetch`, for no description is made
    /// of it.
    pub(crate) fn alone(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let command = crate::own::command_of("serves_alone", &arguments(&folder, args));
        Self::spawn(folder, command, &contract::OWN).0
    }

    /// Starts it and waits until it listens; what it wrote before it said so.
    fn spawn(
        folder: TempDir,
        command: Command,
        contract: &'static LazyLock<Contract>,
    ) -> (Self, String) {
        Self::spawn_in(Arc::new(folder), command, contract)
    }

    /// `kill -9`, and the same again on what it left.
    pub(crate) fn killed(mut self) -> Self {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.again()
    }

    /// The same again, once this one has ended.
    pub(crate) fn again(&self) -> Self {
        let (program, args, envs) = &self.program;
        let mut command = Command::new(program);
        command.args(args).envs(envs.clone()).env_remove("RUST_LOG");
        command.stdin(Stdio::null());
        Self::spawn_in(Arc::clone(&self.folder), command, self.contract).0
    }

    fn spawn_in(
        folder: Arc<TempDir>,
        mut command: Command,
        contract: &'static LazyLock<Contract>,
    ) -> (Self, String) {
        let args = command.get_args().map(OsString::from).collect();
        let envs = command.get_envs();
        let envs = envs.filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
        let program = (command.get_program().to_owned(), args, envs.collect());
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let out = child.stdout.take().expect("its output is a pipe");
        let (mut out, mut text) = (BufReader::new(out), String::new());
        let address = loop {
            let read = out.read_line(&mut text).expect("it writes text");
            assert!(read > 0, "it said \"{text}\" and ended");
            if let Some((before, address)) = text.split_once("listening on http://") {
                let address = address.trim_end().to_owned();
                text.truncate(before.len());
                break address;
            }
        };
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // The server may close a connection whose body it refused.
            .max_idle_connections(0)
            // Where one leads is looked at, and not followed.
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(60)));
        let server = Self {
            child,
            _out: out,
            address,
            folder,
            program,
            agent: ureq::Agent::new_with_config(config.build()),
            contract,
        };
        (server, text)
    }

    /// Any request; a body is sent as it is, and declared by the headers given. The answer is as
    /// the server's own description says.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Reply {
        let reply = self.fetch(method, path, headers, body);
        let asked = Asked { method, path, body };
        if let Err(why) = self.contract.judge(&asked, &reply) {
            panic!("{method} {path} is not answered as /openapi.json says: {why}\n{reply:?}");
        }
        reply
    }

    /// The same, whatever is answered.
    pub(crate) fn fetch(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Reply {
        self.fetch_at(&self.address, method, path, headers, body)
    }

    /// The same of whoever listens at this address.
    pub(crate) fn fetch_at(
        &self,
        address: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{address}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match body {
            None if method == "GET" || method == "HEAD" => {
                self.agent.run(request.body(()).expect("a request"))
            }
            body => self
                .agent
                .run(request.body(body.unwrap_or_default()).expect("a request")),
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let text = answer.body_mut().read_to_string().expect("a text");
        let media = answer.headers().get("content-type");
        let is_json = media.is_none_or(|media| media.as_bytes().starts_with(b"application/json"));
        let body = match text {
            text if text.is_empty() => Value::Null,
            text if is_json => serde_json::from_str(&text).expect("JSON"),
            text => Value::String(text),
        };
        Reply {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body,
        }
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_as(path, body, &[])
    }

    pub(crate) fn post_as(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.send("POST", path, &headers, Some(body.to_string().as_bytes()))
    }

    /// What there is of an operation: its view, or a part of it.
    pub(crate) fn read(&self, id: &str, part: &str) -> Reply {
        self.get(&format!("{OPERATIONS}/{id}{part}"))
    }

    /// The events of an operation.
    pub(crate) fn events(&self, id: &str) -> Vec<Value> {
        self.read(id, "/events").list("events")
    }

    pub(crate) fn delete(&self, id: &str, query: &str) -> Reply {
        let path = format!("{OPERATIONS}/{id}{query}");
        self.send("DELETE", &path, &[], None)
    }

    /// Asks a verb, and waits until it has brought about this status.
    pub(crate) fn asks(&self, id: &str, verb: &str, status: &str) {
        let reply = self.ask(id, &format!("{verb}?wait=30"));
        assert_eq!(reply.data(200)["status"], status);
    }

    /// Asks a verb without a body.
    pub(crate) fn ask(&self, id: &str, verb: &str) -> Reply {
        self.send("POST", &format!("{OPERATIONS}/{id}/{verb}"), &[], None)
    }

    pub(crate) fn view(&self, id: &str) -> Value {
        self.read(id, "").data(200).clone()
    }

    /// Starts a dummy; its id.
    pub(crate) fn dummy(&self, iterations: u64, step_ms: u64) -> String {
        let reply = self.post(
            DUMMY,
            &json!({"iterations": iterations, "step_ms": step_ms}),
        );
        id(reply.data(202))
    }

    /// Starts a dummy that ends by itself, and waits for that; its id.
    pub(crate) fn ended(&self, iterations: u64, options: &Value) -> String {
        let body = json!({"iterations": iterations, "step_ms": 0, "options": options});
        let reply = self.post(&format!("{DUMMY}?wait=60"), &body);
        id(reply.data(200))
    }

    /// Starts a dummy that sleeps for an hour, and waits until its run goes on; its id.
    pub(crate) fn sleeper(&self) -> String {
        let id = self.dummy(10, 3_600_000);
        self.until(&id, "running");
        id
    }

    /// Starts one of any kind; its id.
    pub(crate) fn of_kind(&self, kind: &str, params: &Value, options: &Value) -> String {
        let body = json!({"kind": kind, "params": params, "options": options});
        id(self.post(OPERATIONS, &body).data(202))
    }

    /// Follows the events until the status is told.
    pub(crate) fn until(&self, id: &str, status: &str) {
        self.until_after(id, status, 0);
    }

    /// The same, for events after `since`.
    pub(crate) fn until_after(&self, id: &str, status: &str, since: u64) {
        let is_it = |event: &Value| event["type"] == "status" && event["data"]["status"] == status;
        self.until_event(id, since, is_it);
    }

    /// Follows the events after `since` until one is as wanted.
    pub(crate) fn until_event(&self, id: &str, mut since: u64, wanted: impl Fn(&Value) -> bool) {
        loop {
            let reply = self.read(id, &format!("/events?since={since}&wait=30"));
            let page = reply.data(200);
            let events = page["events"].as_array().expect("events");
            assert!(!events.is_empty(), "what {id} was waited for never came");
            if events.iter().any(&wanted) {
                return;
            }
            since = page["next_since"].as_u64().expect("a seq");
        }
    }

    /// Bytes as they are; all that comes back until the server closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut socket = TcpStream::connect(&self.address).expect("it listens");
        socket
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a socket has a timeout");
        socket.write_all(bytes).expect("it reads");
        let mut text = Vec::new();
        socket
            .read_to_end(&mut text)
            .expect("it answers and closes");
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(sent.expect("there is a kill").success());
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is ours").is_some()
    }

    pub(crate) fn join(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A token of anna's.
pub(crate) const ANNA: &str = "annas-token-of-28-characters";
/// A token of ben's.
pub(crate) const BEN: &str = "bens-token-of-27-characters";

/// A token file of anna and ben in a folder, as `--set` takes it.
pub(crate) fn tokens(folder: &TempDir) -> String {
    token_file(folder, &format!("# callers\nanna {ANNA}\nben {BEN}\n"))
}

/// A token file of this text, that its owner alone can read.
pub(crate) fn token_file(folder: &TempDir, text: &str) -> String {
    let path = folder.path().join("tokens");
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = file.open(&path).expect("it can be made");
    file.write_all(text.as_bytes()).expect("it can be written");
    format!("http.token_file={}", path.display())
}

/// Three good bars of a file to import.
pub(crate) const BARS: &str = "date,open,high,low,close,volume\n\
    2024-01-02,1,2,1,2,10\n2024-01-03,2,3,1,1,0\n2024-01-04,1,2,1,2,5\n";

/// An import folder with these files in a folder, as `--set` takes it.
pub(crate) fn import(folder: &TempDir, files: &[(&str, &str)]) -> String {
    let import = folder.path().join("import");
    std::fs::create_dir(&import).expect("it can be made");
    for (name, text) in files {
        std::fs::write(import.join(name), text).expect("it can be written");
    }
    format!("data.import_dir={}", import.display())
}

/// Nothing takes so long: past it something hangs.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Looks until it is so.
pub(crate) fn comes(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what} did not come");
        std::thread::yield_now();
    }
}

/// Whether an object has these fields with these values, among others.
pub(crate) fn has(object: &Value, fields: Value) {
    for (name, value) in fields.as_object().expect("fields") {
        assert_eq!(&object[name], value, "{name} of {object}");
    }
}

/// The id that data names.
pub(crate) fn id(data: &Value) -> String {
    data["operation_id"]
        .as_str()
        .expect("it has an id")
        .to_owned()
}
