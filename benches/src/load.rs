//! Many connections that send the same request repeatedly, and the bare server for the floor.

use std::time::Instant;

use actix_web::{App, HttpResponse, HttpServer, web};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::sqlite::BareWriter;

pub const CONNECTIONS: usize = 64;
pub const WORKERS: usize = 1;

/// A server that reads a body and answers from memory; with a writer, after it has written its rows.
pub fn bare_server(path: &'static str, answer: String, writer: Option<BareWriter>) -> String {
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
                App::new().route(path, post)
            };
            let server = HttpServer::new(app).workers(WORKERS);
            let server = server.bind("127.0.0.1:0").expect("a port");
            tell.send(server.addrs()[0].to_string()).expect("one waits");
            server.run().await.expect("it serves");
        });
    });
    told.recv().expect("it listens")
}

/// The POST requests per second over all connections. Each must be answered with 200 or 202.
pub fn rate(address: &str, path: &str, body: &str, requests: usize) -> f64 {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
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
        let share = requests / CONNECTIONS;
        for stream in streams {
            local.spawn_local(send(stream, request.clone(), share));
        }
        local.await;
        (share * CONNECTIONS) as f64 / began.elapsed().as_secs_f64()
    })
}

/// Sends the requests of one connection, one after the other.
async fn send(mut stream: TcpStream, request: String, share: usize) {
    let mut buffer = vec![0; 4_096];
    for _ in 0..share {
        let written = stream.write_all(request.as_bytes()).await;
        written.expect("a request");
        // An answer this small arrives in one piece. If not, the check of the next one would fail.
        let read = stream.read(&mut buffer).await.expect("an answer");
        let answer = &buffer[..read];
        let text = || String::from_utf8_lossy(answer);
        assert!(answer.starts_with(b"HTTP/1.1 20"), "{}", text());
    }
}
