//! Acknowledged starts with 64 connections, beside a bare POST that answers from memory. The same
//! client, the same number of workers, answers of the same size.

use std::time::Instant;

use actix_web::{App, HttpResponse, HttpServer, web};
use impresario_bench::sqlite::BareWriter;
use impresario_bench::{Client, Samples, Server, Target, judge, machine};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 64;
const STARTS: usize = 100_000;
const ROUNDS: usize = 5;
const WORKERS: usize = 1;
const BODY: &str = "{\"iterations\":1,\"step_ms\":1000}";
const PATH: &str = "/api/v1/dummy/start";

fn main() {
    machine();
    let mut rates = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        // A fresh server each round: the same empty store.
        let memory = server("memory");
        let mut client = Client::new(&memory.address);
        hold_the_slot(&mut client);
        let (status, answer) = client.send("POST", PATH, BODY);
        assert_eq!(status, 202, "{answer}");
        rates[0].push(rate(&bare_server(answer.clone(), None)));
        rates[1].push(rate(&memory.address));
        drop(memory);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let writer = BareWriter::start(folder.path());
        rates[2].push(rate(&bare_server(answer, Some(writer))));
        let durable = server("sqlite");
        hold_the_slot(&mut Client::new(&durable.address));
        rates[3].push(rate(&durable.address));
    }
    let shares = |figure: usize, floor: usize| Samples::ratios(&rates[figure], &rates[floor]);
    println!("{STARTS} requests a second, {CONNECTIONS} connections, {ROUNDS} alternating rounds");
    let names = [
        "bare POST from memory",
        "starts, store in memory",
        "POST that awaits a bare SQLite writer",
        "starts, embedded store",
    ];
    for (name, rates) in names.iter().zip(&rates) {
        println!("  {name:40} {}", Samples::new(rates.clone()).spread());
    }
    judge("memory: starts / bare", &shares(1, 0), Target::AtLeast(0.4));
    judge(
        "durable: starts / bare writer",
        &shares(3, 2),
        Target::AtLeast(0.7),
    );
    println!(
        "  durable starts / bare POST from memory   {}",
        shares(3, 0).spread()
    );
    machine();
}

fn hold_the_slot(client: &mut Client) {
    let held = client.start("dummy", "{\"iterations\":1,\"step_ms\":3600000}");
    client.until_running(&held);
}

/// One slot, held by an operation that sleeps: what is started waits.
fn server(engine: &str) -> Server {
    let workers = format!("http.workers={WORKERS}");
    let engine = format!("store.engine={engine}");
    let set = [
        &engine,
        "lanes.default.concurrency=1",
        "lanes.default.queue_limit=1000000",
        "lanes.burn.concurrency=1",
        &workers,
    ];
    Server::start("bench-server", &set.map(|pair| ["--set", pair]).concat())
}

/// A server that takes a body and gives an answer from memory, once a writer has written its rows,
/// if there is one.
fn bare_server(answer: String, writer: Option<BareWriter>) -> String {
    let (tell, told) = std::sync::mpsc::channel();
    let answer = web::Bytes::from(answer);
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                let (answer, writer) = (answer.clone(), writer.clone());
                let post = web::post().to(move |_: web::Bytes| {
                    let (answer, writer) = (answer.clone(), writer.clone());
                    async move {
                        if let Some(writer) = writer {
                            writer.written().await;
                        }
                        let mut response = HttpResponse::Accepted();
                        response.content_type("application/json").body(answer)
                    }
                });
                App::new().route(PATH, post)
            };
            let server = HttpServer::new(app).workers(WORKERS);
            let server = server.bind("127.0.0.1:0").expect("a port");
            tell.send(server.addrs()[0].to_string()).expect("one waits");
            server.run().await.expect("it serves");
        });
    });
    told.recv().expect("it listens")
}

/// Requests a second, over all connections.
fn rate(address: &str) -> f64 {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    runtime.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..CONNECTIONS {
            let stream = TcpStream::connect(address).await;
            let stream = stream.expect("the server listens");
            stream.set_nodelay(true).expect("a socket option");
            streams.push(stream);
        }
        let began = Instant::now();
        let local = tokio::task::LocalSet::new();
        for stream in streams {
            local.spawn_local(send(stream, request.clone()));
        }
        local.await;
        (STARTS / CONNECTIONS * CONNECTIONS) as f64 / began.elapsed().as_secs_f64()
    })
}

/// One connection's share, one request after the other.
async fn send(mut stream: TcpStream, request: String) {
    let mut buffer = vec![0; 4_096];
    for _ in 0..STARTS / CONNECTIONS {
        let written = stream.write_all(request.as_bytes()).await;
        written.expect("a request");
        // An answer this small comes in one piece; if not, the next one would not begin like this.
        let read = stream.read(&mut buffer).await.expect("an answer");
        let answer = &buffer[..read];
        let text = || String::from_utf8_lossy(answer);
        assert!(answer.starts_with(b"HTTP/1.1 202"), "{}", text());
    }
}
