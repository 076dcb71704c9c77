//! Stops and views while attackers send the worst requests that we know over twelve connections, beside the
//! same without them. The two states alternate. First each of the worst requests is measured alone: how long
//! it takes, and how long `GET /healthz` takes meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use impresario_bench::{Client, Samples, Server, Target, judge, machine};

const ROUNDS: usize = 5;
/// How many samples of each figure are taken in a round.
const TURNS: usize = 300;
/// How often each of the worst requests is sent alone.
const ALONE: usize = 7;
const CONNECTIONS: usize = 12;
/// The number of points of one metric, and of rows in the longest list.
const POINTS: u64 = 100_000;
const ROWS: usize = 1_000;
const LIST: &str = "/api/v1/operations";
const SLEEPING: &str = "{\"iterations\":1,\"step_ms\":3600000}";

struct Request {
    name: &'static str,
    method: &'static str,
    path: String,
    body: String,
}

fn main() {
    machine();
    let set = [
        "lanes.burn.concurrency=1",
        "lanes.default.queue_limit=100000",
    ];
    let set = set.map(|pair| ["--set", pair]).concat();
    let server = Server::start("bench-server", &set);
    let mut client = Client::new(&server.address);
    let worst: Arc<[Request]> = worst(&mut client).into();
    alone(&server, &mut client, &worst);
    let mut rounds = Vec::new();
    let mut sent = 0;
    for _ in 0..ROUNDS {
        let idle = State::measure(&mut client);
        let flood = Flood::begin(&server.address, &worst);
        rounds.push((idle, State::measure(&mut client)));
        sent += flood.end();
    }
    println!("µs, one connection, {TURNS} of each a round, {ROUNDS} rounds: median (quartiles)");
    println!("{sent} of the worst requests were answered over {CONNECTIONS} connections");
    for (name, figure) in FIGURES {
        for p in [50.0, 99.0] {
            let of = |samples: &Vec<f64>| Samples::new(samples.clone()).percentile(p);
            let idle: Vec<_> = rounds.iter().map(|(idle, _)| of(figure(idle))).collect();
            let flooded: Vec<_> = rounds
                .iter()
                .map(|(_, flooded)| of(figure(flooded)))
                .collect();
            let ratios = Samples::ratios(&flooded, &idle);
            let (idle, flooded) = (Samples::new(idle).spread(), Samples::new(flooded).spread());
            println!("    {name:24} p{p:<3} idle {idle}, flooded {flooded}");
            if p > 50.0 {
                judge(
                    &format!("{name}, p99, flooded / idle"),
                    &ratios,
                    Target::AtMost(3.0),
                );
            }
        }
    }
    println!("  memory, MB: {:.0}", server.resident() / 1e6);
    machine();
}

/// The samples of one state, in microseconds.
struct State {
    trip: Vec<f64>,
    view: Vec<f64>,
    cancel: Vec<f64>,
}

type Figure = fn(&State) -> &Vec<f64>;
const FIGURES: [(&str, Figure); 3] = [
    ("GET /healthz", |state| &state.trip),
    ("a view, running", |state| &state.view),
    ("DELETE ?wait, sleeping", |state| &state.cancel),
];

impl State {
    fn measure(client: &mut Client) -> Self {
        let (mut trip, mut view, mut cancel) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let id = client.start("dummy", SLEEPING);
            client.until_running(&id);
            trip.push(client.time("GET", "/healthz", ""));
            view.push(client.time("GET", &format!("{LIST}/{id}"), ""));
            cancel.push(client.cancel(&id));
        }
        Self { trip, view, cancel }
    }
}

/// Attackers that are sending.
struct Flood {
    over: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Flood {
    fn begin(address: &str, worst: &Arc<[Request]>) -> Self {
        let (over, sent) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let stranger = |first: usize| {
            let (over, sent, worst) = (Arc::clone(&over), Arc::clone(&sent), Arc::clone(worst));
            let mut client = Client::new(address);
            std::thread::spawn(move || {
                // The attackers' own threads must not take much of the cores from the server.
                let _ = rustix::process::setpriority_process(None, 10);
                let turns = (0..).map(|turn| &worst[(first + turn) % worst.len()]);
                for request in turns.take_while(|_| !over.load(Ordering::Relaxed)) {
                    client.send(request.method, &request.path, &request.body);
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let threads = (0..CONNECTIONS).map(stranger).collect();
        // By then each of them has sent something large.
        std::thread::sleep(Duration::from_millis(300));
        Self {
            over,
            sent,
            threads,
        }
    }

    fn end(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a stranger");
        }
        self.sent.load(Ordering::Relaxed)
    }
}

/// Makes the data that the worst requests read, and the requests.
fn worst(client: &mut Client) -> Vec<Request> {
    let talker = client.start("talk", &format!("{{\"points\":{POINTS},\"lines\":{ROWS}}}"));
    let (status, answer) = client.send("GET", &format!("{LIST}/{talker}"), "");
    assert_eq!(status, 200, "{answer}");
    let labels = format!("{{\"note\":\"{}\"}}", "\\\"".repeat(2_000));
    let later = format!(
        "{{\"kind\":\"dummy\",\"options\":{{\"not_before\":\"2999-01-01T00:00:00Z\",\"labels\":{labels}}}}}"
    );
    for _ in 0..ROWS {
        let (status, answer) = client.send("POST", LIST, &later);
        assert_eq!(status, 202, "{answer}");
    }
    while !client
        .send("GET", &format!("{LIST}/{talker}"), "")
        .1
        .contains("\"completed\"")
    {
        std::thread::sleep(Duration::from_millis(200));
    }
    let unknown: Vec<_> = (0..70_000).map(|n| format!("\"f{n:05}\":1")).collect();
    let unknown = format!("{{{}}}", unknown.join(","));
    let numbers = format!("[{}1]", "1,".repeat(500_000));
    let post = |name, body: String| Request {
        name,
        method: "POST",
        path: LIST.to_owned(),
        body,
    };
    let get = |name, path: String| Request {
        name,
        method: "GET",
        path,
        body: String::new(),
    };
    let pairs: Vec<_> = (0..1_000).map(|n| format!("a{n}=1")).collect();
    vec![
        post(
            "70,000 unknown params",
            format!("{{\"kind\":\"dummy\",\"params\":{unknown}}}"),
        ),
        post(
            "70,000 unknown options",
            format!("{{\"kind\":\"dummy\",\"options\":{unknown}}}"),
        ),
        post("70,000 unknown fields", unknown.clone()),
        post(
            "a list of 500,001",
            format!("{{\"kind\":\"dummy\",\"params\":{{\"iterations\":{numbers}}}}}"),
        ),
        post(
            "500,001 bytes of a map",
            format!("{{\"kind\":\"shelf\",\"params\":{{\"numbers\":{numbers}}}}}"),
        ),
        post("no JSON, 1 MB", "[".repeat(1_000_000)),
        post("a body over its limit", "x".repeat(1_200_000)),
        get("1,000 rows", format!("{LIST}?limit=1000")),
        get(
            "100,000 points",
            format!("{LIST}/{talker}/metrics?max_points=100000"),
        ),
        get("1,000 events", format!("{LIST}/{talker}/events?limit=1000")),
        get(
            "1,000 log lines",
            format!("{LIST}/{talker}/logs?limit=1000"),
        ),
        get(
            "1,000 fields in a query",
            format!("{LIST}?{}", pairs.join("&")),
        ),
        get("the API's description", "/openapi.json".to_owned()),
        get("the kinds", "/api/v1/kinds".to_owned()),
        get("the metrics", "/metrics".to_owned()),
        get("the system", "/api/v1/system".to_owned()),
    ]
}

/// Measures each request alone, and a bare round trip while the server processes it.
fn alone(server: &Server, client: &mut Client, worst: &Arc<[Request]>) {
    println!(
        "ms, each of the worst requests alone, {ALONE} times: median (quartiles), bytes answered;"
    );
    println!("the longest of the round trips beside it");
    for request in &**worst {
        let mut times = Vec::new();
        let mut bytes = 0;
        let over = Arc::new(AtomicBool::new(false));
        let beside = {
            let (over, mut other) = (Arc::clone(&over), Client::new(&server.address));
            std::thread::spawn(move || {
                let mut trips = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    trips.push(other.time("GET", "/healthz", "") / 1e3);
                    std::thread::sleep(Duration::from_micros(500));
                }
                Samples::new(trips)
            })
        };
        for _ in 0..ALONE {
            let began = std::time::Instant::now();
            bytes = client
                .send(request.method, &request.path, &request.body)
                .1
                .len();
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        over.store(true, Ordering::Relaxed);
        let trips = beside.join().expect("round trips");
        println!(
            "    {:26} {:26} {bytes:>9} bytes; {:.1}",
            request.name,
            Samples::new(times).spread(),
            trips.percentile(100.0)
        );
    }
}
