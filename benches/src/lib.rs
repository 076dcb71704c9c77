//! Shared by the benchmarks: figures, a small HTTP client, a server as a child process.

pub mod load;
pub mod sockets;
pub mod sqlite;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use impresario::operation::{Kinds, Operation};
use impresario::store::MemoryStore;
use impresario::{Config, Options, Orchestrator, Until};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use serde::de::DeserializeOwned;

/// The same allocator as in impresariod, so that it makes no difference between figures and floors.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The samples of one figure, in one unit.
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn new(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        Self(samples)
    }

    /// The `p`-th percentile (0–100, nearest rank).
    pub fn percentile(&self, p: f64) -> f64 {
        let rank = (self.0.len() as f64 * p / 100.0).ceil() as usize;
        self.0[rank.clamp(1, self.0.len()) - 1]
    }

    /// Each sample divided by the one in `floor` at the same place.
    pub fn ratios(figure: &[f64], floor: &[f64]) -> Self {
        let pairs = figure.iter().zip(floor);
        Self::new(pairs.map(|(figure, floor)| figure / floor).collect())
    }

    /// "12.3 (11.9 to 13.0)": the median and the quartiles.
    pub fn spread(&self) -> String {
        let [low, middle, high] = [25.0, 50.0, 75.0].map(|p| self.percentile(p));
        format!("{middle:.2} ({low:.2} to {high:.2})")
    }
}

/// Prints the load of this machine, before and after a benchmark.
pub fn machine() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{cores} cores, load average {}", load.trim());
}

#[derive(Clone, Copy)]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
}

/// Prints one line of a table: the median and the quartiles of a ratio, and whether it meets its target.
pub fn judge(what: &str, ratio: &Samples, target: Target) {
    let middle = ratio.percentile(50.0);
    let (met, wanted) = match target {
        Target::AtMost(most) => (middle <= most, format!("<= {most}")),
        Target::AtLeast(least) => (middle >= least, format!(">= {least}")),
    };
    let verdict = if met { "met" } else { "MISSED" };
    println!(
        "  {what:40} {:26} target {wanted:8} {verdict}",
        ratio.spread()
    );
}

/// The path of a program in the folder of this one.
pub fn beside(program: &str) -> PathBuf {
    let this = std::env::current_exe().expect("this program");
    this.with_file_name(program)
}

/// A server as a child process, ended by its process id.
pub struct Server {
    child: Child,
    pub address: String,
    _data: Option<tempfile::TempDir>,
}

impl Server {
    /// Starts a program in the folder of this one, and waits until it listens.
    pub fn start(program: &str, args: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self::start_in(data.path(), program, args);
        server._data = Some(data);
        server
    }

    /// The same as [`Self::start`], with a data folder that outlives the server.
    pub fn start_in(data: &Path, program: &str, args: &[&str]) -> Self {
        let path = beside(program);
        let mut child = Command::new(&path)
            .args([
                "--listen",
                "127.0.0.1:0",
                "--set",
                "log.level=\"warn\"",
                "--data-dir",
            ])
            .arg(data)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; build it first", path.display()));
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it says where it listens");
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .expect("an address");
        Self {
            child,
            address: address.to_owned(),
            _data: None,
        }
    }
}

impl Server {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn resident(&self) -> f64 {
        let status = format!("/proc/{}/status", self.id());
        let status = std::fs::read_to_string(status).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
        kib.expect("a size") * 1_024.0
    }
}

impl Server {
    /// Runs `work` while this thread has one core and the server the others, so that each request and each answer
    /// crosses from core to core, as for most clients. With a single core it just runs `work`.
    pub fn apart<T>(&self, work: impl FnOnce() -> T) -> T {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        if cores < 2 {
            return work();
        }
        place(Pid::from_raw(0), 0..1);
        self.threads().for_each(|thread| place(thread, 1..cores));
        let done = work();
        place(Pid::from_raw(0), 0..cores);
        self.threads().for_each(|thread| place(thread, 0..cores));
        done
    }

    fn threads(&self) -> impl Iterator<Item = Pid> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.id())).expect("Linux");
        let id = |name: std::ffi::OsString| name.to_str()?.parse().ok().map(Pid::from_raw);
        tasks.filter_map(move |task| id(task.ok()?.file_name()))
    }
}

/// Lets a thread run only on these cores. A thread that has ended meanwhile is ignored.
fn place(thread: Pid, cores: std::ops::Range<usize>) {
    let mut set = CpuSet::new();
    cores.for_each(|core| set.set(core).expect("few cores"));
    let _ = sched_setaffinity(thread, &set);
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Client {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Client {
    pub fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket option");
        Self {
            stream: BufReader::new(stream),
            host: address.to_owned(),
        }
    }

    /// Sends one request. Returns the status and the body.
    pub fn send(&mut self, method: &str, path: &str, body: &str) -> (u16, String) {
        let json = "content-type: application/json\r\n";
        let head = if body.is_empty() { "" } else { json };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{head}content-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.stream
            .get_mut()
            .write_all(request.as_bytes())
            .expect("a request");
        let (mut line, mut length) = (String::new(), 0);
        self.stream.read_line(&mut line).expect("a status line");
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .expect("a status");
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("a header");
            let header = line.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body");
        (status, String::from_utf8(body).expect("UTF-8"))
    }

    /// Sends one request. Returns how long it takes, in microseconds.
    pub fn time(&mut self, method: &str, path: &str, body: &str) -> f64 {
        let began = Instant::now();
        let (status, answer) = self.send(method, path, body);
        let micros = began.elapsed().as_secs_f64() * 1e6;
        assert!(status < 300, "{status} {answer}");
        micros
    }

    /// Starts an operation and returns its id.
    pub fn start(&mut self, kind: &str, params: &str) -> String {
        let body = format!("{{\"kind\":\"{kind}\",\"params\":{params}}}");
        let (status, answer) = self.send("POST", "/api/v1/operations", &body);
        assert_eq!(status, 202, "{answer}");
        let at = answer.find("op_").expect("an id");
        answer[at..at + 16].to_owned()
    }

    /// How long a cancel takes to the stored end, in microseconds.
    pub fn cancel(&mut self, id: &str) -> f64 {
        self.time("DELETE", &format!("/api/v1/operations/{id}?wait=5"), "")
    }

    /// Does something while so many functions compute under the supervisor.
    pub fn beside_computing<T>(&mut self, cores: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        let burning: Vec<_> = (0..cores).map(|_| self.start("burn", "{}")).collect();
        burning.iter().for_each(|id| self.until_running(id));
        let done = work(self);
        for id in &burning {
            self.cancel(id);
        }
        done
    }

    /// Waits until an operation runs.
    pub fn until_running(&mut self, id: &str) {
        let path = format!("/api/v1/operations/{id}/events?since=1&limit=1&wait=30");
        let (_, answer) = self.send("GET", &path, "");
        assert!(answer.contains("\"running\""), "{answer}");
    }
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct NoParams {}

/// The output of a kind that runs alone under a supervisor.
pub async fn supervised<K>(kind: K) -> K::Output
where
    K: Operation<Params = NoParams>,
    K::Output: DeserializeOwned,
{
    let kinds = Kinds::new().register(kind);
    let orchestrator = Orchestrator::start(Config::default(), kinds, MemoryStore::new());
    let orchestrator = orchestrator.expect("the lane is there");
    let started = orchestrator.start_managed_operation::<K>(NoParams {}, Options::default());
    let id = started.await.expect("a start").id;
    let ended = orchestrator.wait_until(id, Until::Ended, Duration::from_secs(90));
    ended.await.expect("it is known");
    let output = orchestrator.result(id).await.expect("an output");
    orchestrator.shutdown().await;
    serde_json::from_value(output).expect("it was written by this type")
}
