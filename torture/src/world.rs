//! A disk whose sync fails, and a wall clock that is set. A small library is loaded before the C library
//! (`world.c`), so that a real server meets both on a machine that works.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{GRACE, Server, integrity};
use crate::{Args, Report};

const SOURCE: &str = include_str!("world.c");
/// The exit code of impresariod when its store cannot be trusted any more.
const SOFTWARE: i32 = 70;
const DAY: i64 = 86_400_000;
const YEAR: i64 = 365 * DAY;

/// The environment of a server.
pub(crate) struct World {
    folder: tempfile::TempDir,
    library: PathBuf,
}

impl World {
    /// Builds the library. `None` if there is no C compiler, or the library cannot be loaded.
    pub(crate) fn make() -> Result<Option<Self>, String> {
        if !cfg!(target_os = "linux") {
            return Ok(None);
        }
        let folder = tempfile::tempdir().map_err(said)?;
        let (source, library) = (
            folder.path().join("world.c"),
            folder.path().join("world.so"),
        );
        fs::write(&source, SOURCE).map_err(said)?;
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(&source)
            .status();
        match built {
            Ok(status) if status.success() => {
                let world = Self { folder, library };
                world.set_clock(0)?;
                Ok(Some(world))
            }
            Ok(status) => Err(format!("cc: {status}")),
            Err(_) => Ok(None),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a server in it, whose log is kept.
    fn server(&self, args: &Args, pairs: &[&str]) -> Result<Server, String> {
        let args = Args {
            log: Some(self.path("log")),
            ..args.clone()
        };
        Server::start_in(&args, &self.path("data"), pairs, &self.surroundings())
    }

    /// The environment variables of a server in it.
    pub(crate) fn surroundings(&self) -> Vec<(&'static str, PathBuf)> {
        let signs = [("SYNC_FAILS", "fails"), ("CLOCK_AHEAD", "ahead")];
        let signs = signs.map(|(key, name)| (key, self.path(name)));
        let library = [("LD_PRELOAD", self.library.clone())];
        library.into_iter().chain(signs).collect()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Waits until the log has these words.
    fn says(&self, what: &str) -> bool {
        let began = Instant::now();
        while began.elapsed() < GRACE {
            if self.log().contains(what) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Sets the wall clock ahead of the real one by this many milliseconds.
    pub(crate) fn set_clock(&self, ahead: i64) -> Result<(), String> {
        // The file is written in place, because the server has mapped it.
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false);
        let file = file.open(self.path("ahead")).map_err(said)?;
        file.write_all_at(&ahead.to_ne_bytes(), 0).map_err(said)
    }
}

fn said(error: impl ToString) -> String {
    error.to_string()
}

pub(crate) fn sync(args: &Args, _: u64) -> Report {
    within(|world, report| failed_sync(args, world, report))
}

pub(crate) fn clock(args: &Args, _: u64) -> Report {
    within(|world, report| set_clock(args, world, report))
}

fn within(play: impl FnOnce(&World, &mut Report) -> Result<(), String>) -> Report {
    let mut report = Report::default();
    let played = match World::make() {
        Ok(Some(world)) => play(&world, &mut report),
        Ok(None) => {
            report.say("NOT RUN: it needs Linux and a C compiler (cc)");
            Ok(())
        }
        Err(error) => Err(error),
    };
    if let Err(error) = played {
        report.hold(false, error);
    }
    report
}

fn started(client: &Client, params: &Value) -> Result<String, String> {
    let reply = client.start(params, None).ok_or("a start had no answer")?;
    if reply.is_success() {
        Ok(reply.id())
    } else {
        Err(format!("a start: {} {}", reply.status, reply.body))
    }
}

/// A start that cannot be synced must not be acknowledged, the process must end with a message, and the next
/// one must have everything that was acknowledged.
fn failed_sync(args: &Args, world: &World, report: &mut Report) -> Result<(), String> {
    let mut server = world.server(args, &[])?;
    let client = Client::new(&server.address);
    let kept = started(&client, &json!({"iterations": 10_000, "step_ms": 10}))?;
    fs::write(world.path("fails"), "").map_err(said)?;
    let answer = client.start(&json!({"iterations": 1}), None);
    let acknowledged = answer
        .as_ref()
        .is_some_and(crate::client::Reply::is_success);
    report.hold(
        !acknowledged,
        format!("a start that was not synced: {answer:?}"),
    );
    let (status, took) = server.wait(GRACE);
    let code = status.and_then(|status| status.code());
    report.hold(
        code == Some(SOFTWARE),
        format!("after a failed sync: exit {code:?}"),
    );
    let log = world.log();
    report.hold(log.contains("sync"), format!("it does not say why: {log}"));
    let how = answer.map_or("no answer".to_owned(), |reply| {
        format!("{} {}", reply.status, reply.code())
    });
    report.say(format!(
        "a sync that fails: the start {how}, exit {code:?} after {} ms",
        took.as_millis()
    ));
    fs::remove_file(world.path("fails")).map_err(said)?;
    let server = world.server(args, &[])?;
    let view = Client::new(&server.address).view(&kept);
    let status = view.as_ref().map(|view| view.data()["status"].clone());
    let lives = status
        .as_ref()
        .is_some_and(|status| status == "running" || status == "pending");
    report.hold(
        lives,
        format!("what was acknowledged before it: {status:?}"),
    );
    server.kill()?;
    let whole = integrity(&world.path("data"));
    report.hold(whole == "ok", format!("integrity_check: {whole}"));
    report.say(format!(
        "after it: what was acknowledged lives, integrity_check {whole}"
    ));
    Ok(())
}

/// Sets the clock a year ahead and back: nothing may be removed by its age, ids must ascend, and the log
/// must mention it.
fn set_clock(args: &Args, world: &World, report: &mut Report) -> Result<(), String> {
    let pairs = ["retention.every_seconds=1", "retention.max_age_days=30"];
    let server = world.server(args, &pairs)?;
    let client = Client::new(&server.address);
    let mut ids = vec![started(&client, &json!({"iterations": 0}))?];
    let long = started(&client, &json!({"iterations": 100_000, "step_ms": 10}))?;
    ids.push(long.clone());
    world.set_clock(YEAR)?;
    report.hold(
        world.says("ahead of what was expected"),
        "a year ahead: it is not said",
    );
    ids.push(started(&client, &json!({"iterations": 0}))?);
    // The server has read the clock at least twice by then.
    std::thread::sleep(Duration::from_millis(2_500));
    let view = client.view(&ids[0]).map(|view| view.status);
    report.hold(view == Some(200), format!("what ended before it: {view:?}"));
    world.set_clock(-DAY)?;
    report.hold(
        world.says("behind what was expected"),
        "back by a year and a day: it is not said",
    );
    ids.push(started(&client, &json!({"iterations": 0}))?);
    let grow = ids.windows(2).all(|pair| pair[0] < pair[1]);
    report.hold(grow, format!("ids do not grow: {ids:?}"));
    let cancelled = client.verb(&long, "cancel?wait=5");
    let ended = cancelled
        .as_ref()
        .is_some_and(|reply| reply.is_success() && reply.data()["status"] == "cancelled");
    report.hold(ended, format!("a cancel: {cancelled:?}"));
    let seqs: Vec<_> = events(&client, &long)?;
    let whole = seqs.iter().zip(1..).all(|(seq, at)| *seq == at);
    report.hold(
        whole,
        format!("events of the one that ran through it all: {seqs:?}"),
    );
    server.kill()?;
    let server = world.server(args, &pairs)?;
    let client = Client::new(&server.address);
    let next = started(&client, &json!({"iterations": 0}))?;
    report.hold(
        ids.last().is_some_and(|last| *last < next),
        format!("{next} is older than {ids:?}"),
    );
    let all = ids
        .iter()
        .filter(|id| client.view(id).is_some_and(|view| view.status == 200));
    let all = all.count();
    report.hold(all == ids.len(), format!("{all} of {} are kept", ids.len()));
    server.kill()?;
    report.say("a year ahead, then a day behind, then a restart: said each time, ids grow, nothing removed");
    Ok(())
}

fn events(client: &Client, id: &str) -> Result<Vec<u64>, String> {
    let events = client.events(id).ok_or("no events")?;
    let seqs: Option<Vec<_>> = events.iter().map(|event| event["seq"].as_u64()).collect();
    seqs.ok_or_else(|| "an event without a seq".to_owned())
}
