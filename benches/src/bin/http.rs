//! Start, cancel and view over HTTP with one client, beside `GET /healthz` in the same run; idle, and with
//! every core computing under the supervisor. The two states alternate, and so do blocks of each type of
//! request, as a page or a poll sends them. If single requests alternated, most of each figure would come from
//! how the operating system schedules the mixture.

use impresario_bench::{Client, Samples, Server, Target, judge, machine};

const ROUNDS: usize = 5;
/// The number of blocks of each type of request, in a round and state.
const BLOCKS: usize = 20;
/// The number of starts, and of cancels, in a block: 10,000 in all rounds.
const TURNS: usize = 100;
/// The number of reads in a block: 10,000 in each round.
const READS: usize = 500;
const SLEEPING: &str = "{\"iterations\":1,\"step_ms\":3600000}";

/// The floor and the figures of one state of the machine, in microseconds.
struct State {
    /// `GET /healthz` on any cores: 12 µs when client and worker happen to share a core, otherwise 85.
    health: Samples,
    /// The floor: `GET /healthz` with client and server on different cores, so that it is always the same.
    apart: Samples,
    view: Samples,
    noop: Samples,
    cancel: Samples,
}

struct Round {
    idle: State,
    busy: State,
}

fn main() {
    machine();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let lane = format!("lanes.burn.concurrency={cores}");
    // The arguments are passed to the server, for example --set supervision.nice=10.
    let own: Vec<String> = std::env::args().skip(1).collect();
    let mut args = vec!["--set", &lane, "--set", "store.engine=\"memory\""];
    args.extend(own.iter().map(String::as_str));
    let server = Server::start("bench-server", &args);
    let mut client = Client::new(&server.address);
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|_| round(&server, &mut client, cores))
        .collect();
    println!("µs, one connection; the median of {ROUNDS} rounds (lowest to highest)");
    show("idle", &rounds, |round| &round.idle);
    let busy = format!("{cores} functions computing on {cores} cores");
    show(&busy, &rounds, |round| &round.busy);
    ratios(&rounds);
    machine();
}

fn round(server: &Server, client: &mut Client, cores: usize) -> Round {
    let idle = state(server, client);
    let busy = client.beside_computing(cores, |client| state(server, client));
    Round { idle, busy }
}

fn state(server: &Server, client: &mut Client) -> State {
    let [mut health, mut apart, mut view, mut noop, mut cancel] = [const { Vec::new() }; 5];
    let seen = client.start("dummy", SLEEPING);
    client.until_running(&seen);
    let view_of = format!("/api/v1/operations/{seen}");
    let start = "/api/v1/dummy/start?wait=5";
    for _ in 0..BLOCKS {
        let mut ask = || {
            (0..READS)
                .map(|_| client.time("GET", "/healthz", ""))
                .collect()
        };
        health.append(&mut ask());
        apart.append(&mut server.apart(ask));
        view.extend((0..READS).map(|_| client.time("GET", &view_of, "")));
        noop.extend((0..TURNS).map(|_| client.time("POST", start, "{\"iterations\":0}")));
        cancel.extend((0..TURNS).map(|_| {
            let id = client.start("dummy", SLEEPING);
            client.until_running(&id);
            client.cancel(&id)
        }));
    }
    client.cancel(&seen);
    State {
        health: Samples::new(health),
        apart: Samples::new(apart),
        view: Samples::new(view),
        noop: Samples::new(noop),
        cancel: Samples::new(cancel),
    }
}

fn show(what: &str, rounds: &[Round], of: impl Fn(&Round) -> &State) {
    println!("  {what:40} {:>28} {:>28}", "p50", "p99");
    let row = |name: &str, figure: fn(&State) -> &Samples| {
        let [p50, p99] = [50.0, 99.0].map(|p| {
            let all = rounds.iter().map(|round| figure(of(round)).percentile(p));
            let all = Samples::new(all.collect());
            let [low, middle, high] = [0.0, 50.0, 100.0].map(|p| all.percentile(p));
            format!("{middle:.0} ({low:.0} to {high:.0})")
        });
        println!("    {name:38} {p50:>28} {p99:>28}");
    };
    row("GET /healthz, as it comes", |state| &state.health);
    row("GET /healthz, from core to core", |state| &state.apart);
    row("GET /operations/{id}", |state| &state.view);
    row("POST /dummy/start?wait, no-op", |state| &state.noop);
    row("DELETE ?wait, a sleeping dummy", |state| &state.cancel);
}

/// Each figure of a round, divided by the idle floor of the same round.
fn ratios(rounds: &[Round]) {
    println!("  ratios, round by round: median (quartiles)");
    let line = |what, figure: fn(&Round) -> &Samples, floor: fn(&Round) -> &Samples, p, most| {
        let ratio = |round: &Round| figure(round).percentile(p) / floor(round).percentile(p);
        let ratios = Samples::new(rounds.iter().map(ratio).collect());
        judge(what, &ratios, Target::AtMost(most));
    };
    let idle: fn(&Round) -> &Samples = |round| &round.idle.apart;
    let cancel: fn(&Round) -> &Samples = |round| &round.idle.cancel;
    let busy_cancel: fn(&Round) -> &Samples = |round| &round.busy.cancel;
    line(
        "start to completed, p50",
        |round| &round.idle.noop,
        idle,
        50.0,
        2.5,
    );
    line("cancel, idle, p50", cancel, idle, 50.0, 3.0);
    line("cancel, idle, p99", cancel, idle, 99.0, 5.0);
    line(
        "cancel, computing / idle healthz, p50",
        busy_cancel,
        idle,
        50.0,
        4.0,
    );
    line(
        "cancel, computing / idle healthz, p99",
        busy_cancel,
        idle,
        99.0,
        30.0,
    );
    line(
        "view, computing / view idle, p99",
        |round| &round.busy.view,
        |round| &round.idle.view,
        99.0,
        1.5,
    );
}
