//! SIGTERM under load, and a second signal.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use crate::client::Client;
use crate::server::Server;
use crate::{Args, Report};

pub(crate) fn run(args: &Args, _: u64) -> Report {
    let mut report = Report::default();
    if let Err(error) = orderly(args, &mut report).and_then(|()| twice(args, &mut report)) {
        report.hold(false, error);
    }
    report
}

/// Two that run, three that wait.
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
    let mut server = Server::start(&args.server, folder.path(), &[])?;
    let client = Client::new(&server.address);
    let ids = busy(&client)?;
    // Once one has counted a few, there is something to lose.
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
    report.say(format!(
        "SIGTERM with two running: exit {:?} after {} ms",
        status.and_then(|status| status.code()),
        took.as_millis()
    ));
    let server = Server::start(&args.server, folder.path(), &[])?;
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

fn twice(args: &Args, report: &mut Report) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut server = Server::start(&args.server, folder.path(), &[])?;
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
    let server = Server::start(&args.server, folder.path(), &[])?;
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
