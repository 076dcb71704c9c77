//! The floor of `fanout`: a bare actix-ws broadcast that calls `session.text()` for one socket after another.

use std::io::Write;

use actix_web::web::{Data, Payload, Query};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, rt, web};
use actix_ws::Session;
use serde::Deserialize;
use tokio::sync::Mutex;

type Sessions = Data<Mutex<Vec<Session>>>;

/// The length of a metric's frame.
const FRAME: usize = 200;

#[derive(Deserialize)]
struct Count {
    count: usize,
}

async fn open(
    request: HttpRequest,
    payload: Payload,
    all: Sessions,
) -> Result<HttpResponse, Error> {
    let (answer, session, mut messages) = actix_ws::handle(&request, payload)?;
    all.lock().await.push(session);
    rt::spawn(async move { while messages.recv().await.is_some() {} });
    Ok(answer)
}

/// Answers at once, while the frames are being sent.
async fn broadcast(count: Query<Count>, all: Sessions) -> HttpResponse {
    let text = bytestring::ByteString::from("x".repeat(FRAME));
    rt::spawn(async move {
        let mut all = all.lock().await;
        for _ in 0..count.count {
            for session in all.iter_mut() {
                // A socket that has closed is skipped.
                let _ = session.text(text.clone()).await;
            }
        }
    });
    HttpResponse::Ok().body("{}")
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let all: Sessions = Data::new(Mutex::new(Vec::new()));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(all.clone())
            .route("/api/v1/ws", web::get().to(open))
            .route("/broadcast", web::post().to(broadcast))
    })
    .workers(1)
    .keep_alive(std::time::Duration::from_secs(300))
    .bind("127.0.0.1:0")?;
    println!("listening on http://{}", server.addrs()[0]);
    std::io::stdout().flush()?;
    server.run().await
}
