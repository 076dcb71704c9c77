//! SIGTERM under load, and a second signal.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use crate::client::Client;
use crate::kill::{self, Ending};
use crate::server::{GRACE, Server};
use crate::{Args, Report};

/// For this many rounds of `kill -9` there is one round with each of these signals.
const ROUNDS_OF: u32 = 10;

pub(crate) fn run(args: &Args, seed: u64) -> Report {
    let mut report = Report::default();
    for part in [orderly, leaving, twice] {
        if let Err(error) = part(args, &mut report) {
            report.hold(false, error);
        }
    }
    let rounds = args.rounds.div_ceil(ROUNDS_OF);
    for ending in [Ending::Terminate, Ending::Twice] {
        kill::rounds(args, seed, rounds, ending, &mut report);
    }
    report
}

/// Starts operations: two run, three wait.
fn busy(client: &Client) -> Result<Vec<String>, String> {
    let body = json!({"iterations": 100_000, "step_ms": 20});
    let start = |_| {
        let reply = client.start(&body, None)?;
        reply.data()["operation_id"].as_str().map(str::to_owned)
    };
    let ids: Option<Vec<_>> = (0..5).map(start).collect();
    ids.ok_or_else(|| "a start was not answered".to_owned())
}

fn orderly(args: &Args, report: &mut Report) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut server = Server::start(args, folder.path(), &[])?;
    let client = Client::new(&server.address);
    let ids = busy(&client)?;
    // When one has counted a few steps, there is something to lose.
    let began = Instant::now();
    let counted = loop {
        let view = client.view(&ids[0]).ok_or("no answer")?;
        let count = view.data()["progress"]["steps"][0]["current"]
            .as_u64()
            .unwrap_or(0);
        if count >= 5 || began.elapsed() > Duration::from_secs(20) {
            break count;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let (status, took) = server.terminate();
    report.hold(
        status.is_some_and(|status| status.success()),
        format!("it ends with {status:?}"),
    );
    report.hold(took < GRACE, format!("it takes {took:?} to go"));
    report.say(format!(
        "SIGTERM with two running: exit {:?} after {} ms",
        status.and_then(|status| status.code()),
        took.as_millis()
    ));
    let server = Server::start(args, folder.path(), &[])?;
    let client = Client::new(&server.address);
    for id in &ids {
        let view = client.view(id).ok_or("no answer")?;
        let view = view.data();
        let live = view["status"] == "running" || view["status"] == "pending";
        report.hold(
            live && view["attempt"] == 1,
            format!("{id}: {} in attempt {}", view["status"], view["attempt"]),
        );
    }
    let view = client.view(&ids[0]).ok_or("no answer")?;
    let kept = view.data()["checkpoint"]["step"]["iteration"]
        .as_u64()
        .unwrap_or(0);
    report.hold(
        kept >= counted,
        format!("{counted} iterations were done, {kept} are kept"),
    );
    report.say(format!(
        "after it: all five live at attempt 1, {kept} iterations kept of {counted} seen"
    ));
    Ok(())
}

/// Checks the answers between the signal and the end. Slow commits leave enough time for requests.
fn leaving(args: &Args, report: &mut Report) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut server = Server::start(args, folder.path(), &["store.commit_delay_ms=300"])?;
    let client = Client::new(&server.address);
    let ids = busy(&client)?;
    let ready = client.get("/readyz").map(|reply| reply.status);
    report.hold(ready == Some(200), format!("readyz before it: {ready:?}"));
    server.signal(Signal::SIGTERM);
    let asked = Instant::now();
    while client.get("/readyz").map(|reply| reply.status) == Some(200) {
        if asked.elapsed() > GRACE {
            return Err("readyz still says yes".to_owned());
        }
    }
    let unready = asked.elapsed();
    let no = client.get("/readyz").map(|reply| reply.status);
    let start = client.start(&json!({"iterations": 1}), None);
    let view = client.view(&ids[0]).map(|reply| reply.status);
    let refused = start
        .as_ref()
        .map(|reply| (reply.status, reply.code().to_owned()));
    report.hold(no == Some(503), format!("readyz while it leaves: {no:?}"));
    let expected = Some((503, "SHUTTING_DOWN".to_owned()));
    report.hold(
        refused == expected,
        format!("a start while it leaves: {start:?}"),
    );
    report.hold(
        view == Some(200),
        format!("a read while it leaves: {view:?}"),
    );
    report.hold(
        unready < Duration::from_millis(200),
        format!("unready after {unready:?}"),
    );
    let (status, took) = server.wait(GRACE);
    let code = status.and_then(|status| status.code());
    report.hold(code == Some(0), format!("it ends with {status:?}"));
    report.say(format!(
        "while it leaves, each commit 300 ms: unready after {} ms, readyz {no:?}, a start {refused:?}, a read {view:?}; exit {code:?} after {} ms",
        unready.as_millis(),
        took.as_millis()
    ));
    Ok(())
}

fn twice(args: &Args, report: &mut Report) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut server = Server::start(args, folder.path(), &[])?;
    let client = Client::new(&server.address);
    let ids = busy(&client)?;
    server.signal(Signal::SIGTERM);
    server.signal(Signal::SIGINT);
    let (status, took) = server.wait(Duration::from_secs(30));
    let code = status.and_then(|status| status.code());
    report.hold(
        matches!(code, Some(0 | 130)),
        format!("a second signal: exit {code:?}"),
    );
    report.hold(
        took < Duration::from_secs(2),
        format!("a second signal: after {took:?}"),
    );
    let server = Server::start(args, folder.path(), &[])?;
    let client = Client::new(&server.address);
    for id in &ids {
        let found = client.view(id).is_some_and(|view| view.status == 200);
        report.hold(
            found,
            format!("{id}: acknowledged and gone after a second signal"),
        );
    }
    report.say(format!(
        "a second signal: exit {code:?} after {} ms, nothing acknowledged lost",
        took.as_millis()
    ));
    Ok(())
}
