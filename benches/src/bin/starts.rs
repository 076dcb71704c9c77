//! Acknowledged starts with 64 connections, beside a bare POST that answers from memory.

use std::time::Instant;

use actix_web::{App, HttpResponse, HttpServer, web};
use impresario_bench::{Client, Samples, Server, machine};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 64;
const STARTS: usize = 100_000;
const ROUNDS: usize = 5;
const BODY: &str = "{\"iterations\":1,\"step_ms\":1000}";

fn main() {
    machine();
    let bare = bare_server();
    let mut rows = Vec::new();
    for _ in 0..ROUNDS {
        // A fresh server each round: the same empty store.
        let limits = [
            "--set",
            "lanes.default.concurrency=1",
            "--set",
            "lanes.default.queue_limit=1000000",
        ];
        let server = Server::start(
            "bench-server",
            &[&limits[..], &["--set", "lanes.burn.concurrency=1"]].concat(),
        );
        let mut client = Client::new(&server.address);
        let held = client.start("dummy", "{\"iterations\":1,\"step_ms\":3600000}");
        client.until_running(&held);
        let floor = rate(&bare);
        let figure = rate(&server.address);
        println!(
            "  bare {floor:9.0}/s   starts {figure:9.0}/s   share {:5.1} %",
            figure / floor * 100.0
        );
        rows.push(figure / floor * 100.0);
    }
    let share = Samples::new(rows);
    let met = if share.percentile(50.0) >= 40.0 {
        "met"
    } else {
        "MISSED"
    };
    println!(
        "{STARTS} starts, {CONNECTIONS} connections, share in %: {}  target 40: {met}",
        share.spread()
    );
}

/// A server that reads a body and answers as large a JSON from memory, with as many workers.
fn bare_server() -> String {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let answer = || async {
                let json = "{\"success\":true,\"data\":{\"operation_id\":\"op_0cnb4mpn0fnvq\",\"status\":\"pending\",\"mode\":\"async\",\"message\":\"dummy op_0cnb4mpn0fnvq was accepted; watch it at /api/v1/operations/op_0cnb4mpn0fnvq\"}}";
                HttpResponse::Accepted().content_type("application/json").body(json)
            };
            let app = move || App::new().route("/api/v1/dummy/start", web::post().to(move |_: web::Bytes| answer()));
            let server = HttpServer::new(app).workers(1).bind("127.0.0.1:0").expect("a port");
            tell.send(server.addrs()[0].to_string()).expect("somebody waits");
            server.run().await.expect("it serves");
        });
    });
    told.recv().expect("it listens")
}

/// Starts a second, over all connections.
fn rate(address: &str) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let request = format!(
        "POST /api/v1/dummy/start HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    runtime.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..CONNECTIONS {
            let stream = TcpStream::connect(address)
                .await
                .expect("the server listens");
            stream.set_nodelay(true).expect("a socket option");
            streams.push(stream);
        }
        let began = Instant::now();
        let local = tokio::task::LocalSet::new();
        for mut stream in streams {
            let request = request.clone();
            local.spawn_local(async move {
                let mut buffer = vec![0; 4_096];
                for _ in 0..STARTS / CONNECTIONS {
                    stream
                        .write_all(request.as_bytes())
                        .await
                        .expect("a request");
                    let read = stream.read(&mut buffer).await.expect("an answer");
                    assert!(
                        buffer[..read].starts_with(b"HTTP/1.1 202"),
                        "{}",
                        String::from_utf8_lossy(&buffer[..read])
                    );
                }
            });
        }
        local.await;
        (STARTS / CONNECTIONS * CONNECTIONS) as f64 / began.elapsed().as_secs_f64()
    })
}
