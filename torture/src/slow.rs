//! A store that takes 200 ms for each commit.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::server::Server;
use crate::{Args, Report};

const CLIENTS: usize = 64;
const LASTS: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &Args, _: u64) -> Report {
    let mut report = Report::default();
    if let Err(error) = play(args, &mut report) {
        report.hold(false, error);
    }
    report
}

fn play(args: &Args, report: &mut Report) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let slow = ["store.commit_delay_ms=200", "lanes.default.queue_limit=500"];
    let server = Server::start(&args.server, folder.path(), &slow)?;
    let client = Client::new(&server.address);
    let long = json!({"iterations": 1_000_000, "step_ms": 10});
    let first = client.start(&long, None).ok_or("no answer")?;
    let id = first.data()["operation_id"]
        .as_str()
        .ok_or("no id")?
        .to_owned();
    let before = server.memory();
    let (over, taken, refused) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let mut reads = Vec::new();
    let mut cancel = None;
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let (client, over, taken, refused) =
                (Client::new(&server.address), &over, &taken, &refused);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let reply = client.start(&json!({"iterations": 1, "step_ms": 0}), None);
                    match reply.map(|reply| reply.status) {
                        Some(202) => taken.fetch_add(1, Ordering::Relaxed),
                        _ => refused.fetch_add(1, Ordering::Relaxed),
                    };
                }
            });
        }
        let began = Instant::now();
        while began.elapsed() < LASTS {
            let asked = Instant::now();
            let _ = client.view(&id);
            reads.push(asked.elapsed().as_secs_f64() * 1_000.0);
            if cancel.is_none() && began.elapsed() > LASTS / 2 {
                let asked = Instant::now();
                let reply = client.post(
                    &format!("/api/v1/operations/{id}/cancel?wait=10"),
                    &json!({}),
                    None,
                );
                cancel = Some((asked.elapsed(), reply));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        over.store(true, Ordering::Relaxed);
    });
    reads.sort_by(f64::total_cmp);
    let p99 = reads[(reads.len() * 99) / 100];
    let grown = server.memory().saturating_sub(before) >> 20;
    let (taken, refused) = (taken.into_inner(), refused.into_inner());
    report.say(format!(
        "{CLIENTS} clients, {} s: {taken} starts taken, {refused} refused, memory grew by {grown} MB",
        LASTS.as_secs()
    ));
    report.say(format!(
        "views meanwhile: p50 {:.1} ms, p99 {p99:.1} ms ({} of them)",
        reads[reads.len() / 2],
        reads.len()
    ));
    report.hold(
        p99 < 100.0,
        format!("views wait for the store: p99 {p99:.0} ms"),
    );
    report.hold(grown < 200, format!("memory grew by {grown} MB"));
    let Some((took, Some(reply))) = cancel else {
        return Err("the cancel was not answered".to_owned());
    };
    let status = reply.data()["status"].as_str().unwrap_or("");
    report.say(format!(
        "cancel to its stored end: {} ms ({status})",
        took.as_millis()
    ));
    report.hold(
        status == "cancelled",
        format!("the cancel ended in {}", reply.body),
    );
    report.hold(
        took < Duration::from_millis(1_500),
        format!("the cancel took {took:?}"),
    );
    Ok(())
}
