//! Latencies of one client with a durable store: a start to its stored end, and a cancel, beside bare round
//! trips and appends with `fdatasync` on the same disk; idle, and with every core computing under the
//! supervisor. The two states alternate.

use std::fs::File;
use std::io::Write;
use std::time::Instant;

use impresario_bench::{Client, Samples, Server, Target, judge, machine};

const ROUNDS: usize = 5;
/// How many samples of each figure are taken in a round.
const TURNS: usize = 1_000;
/// How many bytes a commit of one operation's change adds to the log: some pages.
const APPENDED: usize = 16 * 1_024;
const SLEEPING: &str = "{\"iterations\":1,\"step_ms\":3600000}";

/// The samples of one state, in microseconds.
#[derive(Default)]
struct State {
    trip: Vec<f64>,
    commit: Vec<f64>,
    /// The floor: one round trip and two appends, one after the other.
    floor: Vec<f64>,
    noop: Vec<f64>,
    cancel: Vec<f64>,
    start: Vec<f64>,
}

struct Disk {
    file: File,
    _folder: tempfile::TempDir,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = File::create(folder.path().join("log")).expect("a file");
        Self {
            file,
            _folder: folder,
        }
    }

    fn append(&mut self) -> f64 {
        let began = Instant::now();
        self.file.write_all(&[7; APPENDED]).expect("room");
        self.file.sync_data().expect("a disk");
        began.elapsed().as_secs_f64() * 1e6
    }
}

fn main() {
    machine();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let lane = format!("lanes.burn.concurrency={cores}");
    let server = Server::start("bench-server", &["--set", &lane]);
    let mut client = Client::new(&server.address);
    let mut disk = Disk::new();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let idle = state(&mut client, &mut disk);
        let busy = client.beside_computing(cores, |client| state(client, &mut disk));
        rounds.push((idle, busy));
    }
    println!(
        "µs, one connection, {TURNS} of each a round; the median of {ROUNDS} rounds (quartiles)"
    );
    show("idle", &rounds, |round| &round.0);
    let busy = format!("{cores} functions computing on {cores} cores");
    show(&busy, &rounds, |round| &round.1);
    ratios(&rounds);
    machine();
}

fn state(client: &mut Client, disk: &mut Disk) -> State {
    let mut state = State::default();
    for _ in 0..TURNS {
        state.trip.push(client.time("GET", "/healthz", ""));
        state.commit.push(disk.append());
        let trip = client.time("GET", "/healthz", "");
        state.floor.push(trip + disk.append() + disk.append());
        let noop = "/api/v1/dummy/start?wait=5";
        state
            .noop
            .push(client.time("POST", noop, "{\"iterations\":0}"));
        let later = "{\"kind\":\"dummy\",\"options\":{\"not_before\":\"2999-01-01T00:00:00Z\"}}";
        let began = Instant::now();
        let (status, answer) = client.send("POST", "/api/v1/operations", later);
        state.start.push(began.elapsed().as_secs_f64() * 1e6);
        assert_eq!(status, 202, "{answer}");
        let at = answer.find("op_").expect("an id");
        client.time(
            "DELETE",
            &format!("/api/v1/operations/{}", &answer[at..at + 16]),
            "",
        );
        let id = client.start("dummy", SLEEPING);
        client.until_running(&id);
        state.cancel.push(client.cancel(&id));
    }
    state
}

type Round = (State, State);

fn at(samples: &[f64], p: f64) -> f64 {
    Samples::new(samples.to_vec()).percentile(p)
}

fn show(what: &str, rounds: &[Round], of: impl Fn(&Round) -> &State) {
    println!("  {what:40} {:>28} {:>28}", "p50", "p99");
    let row = |name: &str, figure: fn(&State) -> &Vec<f64>| {
        let [p50, p99] = [50.0, 99.0].map(|p| {
            let all = rounds.iter().map(|round| at(figure(of(round)), p));
            Samples::new(all.collect()).spread()
        });
        println!("    {name:38} {p50:>28} {p99:>28}");
    };
    row("GET /healthz", |state| &state.trip);
    row("16 KiB appended, fdatasync", |state| &state.commit);
    row("GET /healthz, two such appends", |state| &state.floor);
    row("start, acknowledged", |state| &state.start);
    row("POST /dummy/start?wait, no-op", |state| &state.noop);
    row("DELETE ?wait, a sleeping dummy", |state| &state.cancel);
}

/// Each figure of a round, divided by the idle floor of the same round.
fn ratios(rounds: &[Round]) {
    println!("  ratios, round by round: median (quartiles)");
    let line = |what, ratio: &dyn Fn(&Round) -> f64, most| {
        let ratios = Samples::new(rounds.iter().map(ratio).collect());
        judge(what, &ratios, Target::AtMost(most));
    };
    let completed = |p| move |(idle, _): &Round| at(&idle.noop, p) / at(&idle.floor, p);
    line("start to completed, p50", &completed(50.0), 1.5);
    line("start to completed, p99", &completed(99.0), 3.0);
    // The floor is three round trips and one and a half commits.
    let floor = |idle: &State| 3.0 * at(&idle.trip, 50.0) + 1.5 * at(&idle.commit, 50.0);
    let idle = |p| move |(idle, _): &Round| at(&idle.cancel, p) / floor(idle);
    line("cancel / (3 trips + 1.5 commits), p50", &idle(50.0), 1.0);
    line("cancel p99 / the same", &idle(99.0), 2.5);
    let busy = |(idle, busy): &Round| at(&busy.cancel, 99.0) / floor(idle);
    line("cancel p99, computing / the same", &busy, 12.0);
    let acknowledged = |(idle, busy): &Round| at(&busy.start, 99.0) / at(&idle.start, 99.0);
    line(
        "start acknowledged, computing / idle, p99",
        &acknowledged,
        2.0,
    );
}
