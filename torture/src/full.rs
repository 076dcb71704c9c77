//! A disk that becomes full while operations run, and has room again later.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount, umount};
use serde_json::json;

use crate::client::{Client, Reply};
use crate::server::{Server, integrity};
use crate::{Args, Report, check};

const FULL_FOR: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(20);

/// A small disk that is removed when this is dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let size = Some("size=24m");
        mount(
            Some("tmpfs"),
            folder.path(),
            Some("tmpfs"),
            MsFlags::empty(),
            size,
        )
        .map_err(|error| format!("a tmpfs cannot be mounted ({error}); this part needs root"))?;
        Ok(Self(folder))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // If this fails, the disk stays mounted until the machine restarts.
        let _ = umount(self.0.path());
    }
}

pub(crate) fn run(args: &Args, _: u64) -> Report {
    let mut report = Report::default();
    for others in [false, true] {
        match Disk::new() {
            Ok(disk) => {
                let played = play(args, disk.0.path(), others, &mut report);
                report.hold(played.is_ok(), format!("{played:?}"));
            }
            Err(error) => report.say(format!("SKIPPED, NOTHING WAS TESTED: {error}")),
        }
    }
    if let Ok(disk) = Disk::new() {
        let played = emptied(args, disk.0.path(), &mut report);
        report.hold(played.is_ok(), format!("{played:?}"));
    }
    report
}

/// The operations themselves fill the disk: once they are removed, starts are taken again.
fn emptied(args: &Args, disk: &Path, report: &mut Report) -> Result<(), String> {
    let data = disk.join("data");
    let mut server = Server::start(args, &data, &[])?;
    let client = Client::new(&server.address);
    let labels: serde_json::Map<_, _> = (0..60)
        .map(|n| (format!("k{n:02}"), json!("v".repeat(55))))
        .collect();
    let body = json!({"iterations": 0, "options": {"labels": labels}});
    let mut count = 0_u64;
    loop {
        let reply = client.start(&body, None).ok_or("no answer to a start")?;
        match (reply.status, reply.code()) {
            (202, _) if count < 10_000 => count += 1,
            (507, "STORE_FULL") => break,
            (status, code) => return Err(format!("after {count} starts: {status} {code}")),
        }
    }
    let all = json!({"older_than_seconds": 0});
    let began = Instant::now();
    let mut pruned = 0;
    // The last ones may not have ended yet.
    while pruned + 100 < count && began.elapsed() < PATIENCE {
        let reply = client.post("/api/v1/operations/prune", &all, None);
        let reply = reply.ok_or("a full disk: a prune is not answered")?;
        if !reply.is_success() {
            return Err(format!(
                "after {count} starts nothing can be removed: {reply:?}"
            ));
        }
        pruned += reply.data()["pruned"].as_u64().unwrap_or(0);
    }
    while start(&client, 1)?.status != 202 {
        if began.elapsed() > PATIENCE {
            return Err(format!(
                "{pruned} were removed, and starts are still refused"
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    report.say(format!(
        "the disk is full after {count} starts: {pruned} are removed, and {} ms later starts are taken",
        began.elapsed().as_millis()
    ));
    let _ = server.terminate();
    let verdict = integrity(&data);
    report.hold(verdict == "ok", format!("integrity_check: {verdict}"));
    Ok(())
}

struct Filler {
    file: File,
    path: PathBuf,
    /// Whether to use also the room that the server gives up.
    others: bool,
}

impl Filler {
    fn new(path: PathBuf, others: bool) -> std::io::Result<Self> {
        let file = File::create(&path)?;
        Ok(Self { file, path, others })
    }

    /// Uses all the room that is left.
    fn fill(&mut self) {
        let zeros = [0_u8; 64 << 10];
        for size in [zeros.len(), 512] {
            while self.file.write_all(&zeros[..size]).is_ok() {}
        }
    }

    fn go(self) -> Result<(), String> {
        fs::remove_file(&self.path).map_err(|error| error.to_string())
    }
}

fn play(args: &Args, disk: &Path, others: bool, report: &mut Report) -> Result<(), String> {
    report.say(if others {
        "the disk is full, and others take what the server gives up of its own:"
    } else {
        "the disk is full, and the server has what it had put by:"
    });
    let data = disk.join("data");
    let mut filler = Filler::new(disk.join("filler"), others).map_err(|error| error.to_string())?;
    let mut server = Server::start(args, &data, &[])?;
    let client = Client::new(&server.address);
    let mut taken = Vec::new();
    // The first ends while the disk is full, the second is cancelled then, and the third waits.
    for iterations in [60, 1_000_000, 1_000_000] {
        let reply = start(&client, iterations)?;
        report.hold(reply.status == 202, format!("a start: {reply:?}"));
        taken.push(reply.id());
    }
    filler.fill();
    while_full(&client, &mut taken, &mut filler, report)?;
    cancelled(&client, &taken[1], report)?;
    filler.go()?;
    with_room_again(&client, &taken, report)?;
    let _ = server.terminate();
    let verdict = integrity(&data);
    report.hold(verdict == "ok", format!("integrity_check: {verdict}"));
    Ok(())
}

fn start(client: &Client, iterations: u64) -> Result<Reply, String> {
    let body = json!({"iterations": iterations, "step_ms": 50});
    client
        .start(&body, None)
        .ok_or_else(|| "no answer to a start".to_owned())
}

/// The number of iterations of an operation, and how long the answer took.
fn look(client: &Client, id: &str) -> Result<(u64, Duration), String> {
    let asked = Instant::now();
    let view = client.view(id).filter(Reply::is_success);
    let view = view.ok_or_else(|| format!("{id}: a read is not answered"))?;
    let count = view.data()["progress"]["steps"][0]["current"].as_u64();
    Ok((count.unwrap_or(0), asked.elapsed()))
}

/// While the disk is full, starts must be refused and everything else must work. Starts that are
/// acknowledged all the same are added to `taken`.
fn while_full(
    client: &Client,
    taken: &mut Vec<String>,
    filler: &mut Filler,
    report: &mut Report,
) -> Result<(), String> {
    let (before, _) = look(client, &taken[1])?;
    let (mut refused, mut slowest) = (0, Duration::ZERO);
    let began = Instant::now();
    while began.elapsed() < FULL_FOR {
        let reply = start(client, 1)?;
        match (reply.status, reply.code()) {
            (507, "STORE_FULL") => refused += 1,
            (202, _) => taken.push(reply.id()),
            (status, code) => report.hold(false, format!("full: a start: {status} {code}")),
        }
        slowest = slowest.max(look(client, &taken[1])?.1);
        if filler.others {
            filler.fill();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let (after, _) = look(client, &taken[1])?;
    report.hold(refused > 0, "full: no start was refused as 507 STORE_FULL");
    report.hold(
        after > before,
        format!("full: what runs stands still at {after}"),
    );
    report.say(format!(
        "  {} s: {refused} starts refused as 507 STORE_FULL, {} taken before that; what ran went on from iteration {before} to {after}; slowest view {} ms",
        FULL_FOR.as_secs(), taken.len() - 3, slowest.as_millis()
    ));
    Ok(())
}

/// A stop must take effect, whether it can be written or not.
fn cancelled(client: &Client, id: &str, report: &mut Report) -> Result<(), String> {
    let asked = Instant::now();
    let reply = client
        .verb(id, "cancel")
        .ok_or("full: a cancel is not answered")?;
    let took = asked.elapsed();
    report.hold(reply.is_success(), format!("full: a cancel: {reply:?}"));
    // A step takes 50 ms, so an operation that was not stopped shows more steps.
    let (count, _) = look(client, id)?;
    std::thread::sleep(Duration::from_millis(500));
    let (later, _) = look(client, id)?;
    report.hold(
        later <= count + 1,
        format!("full: cancelled at {count}, now at {later}"),
    );
    report.say(format!(
        "  a cancel is answered {} in {} ms (durable: {}) and stops the function",
        reply.status,
        took.as_millis(),
        reply.data()["durable"]
    ));
    Ok(())
}

/// With room again and without a restart, starts must be accepted and ends written, and nothing may be lost.
fn with_room_again(client: &Client, taken: &[String], report: &mut Report) -> Result<(), String> {
    let began = Instant::now();
    while start(client, 1)?.status != 202 {
        if began.elapsed() > PATIENCE {
            return Err("room again, and starts are still refused".to_owned());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let again = began.elapsed().as_millis();
    let expected = ["completed", "cancelled"];
    let of = |id: &str| client.view(id).map(|view| view.data()["status"].clone());
    while taken
        .iter()
        .zip(expected)
        .any(|(id, end)| of(id) != Some(json!(end)))
    {
        if began.elapsed() > PATIENCE {
            let now: Vec<_> = taken.iter().take(2).map(|id| of(id)).collect();
            return Err(format!("room again; expected {expected:?}, got {now:?}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    for (id, end) in taken.iter().zip(expected) {
        let events = client.events(id).ok_or("no answer to a read of events")?;
        report
            .violations
            .extend(check::history(id, &[], &events, 0));
        let told = events.iter().rev().find_map(check::status);
        report.hold(
            told == Some(end),
            format!("{id}: {end}, and its events say {told:?}"),
        );
    }
    for id in taken {
        let there = client.view(id).is_some_and(|view| view.status == 200);
        report.hold(there, format!("{id}: acknowledged, and gone"));
    }
    report.say(format!(
        "  room again: starts taken after {again} ms without a restart, both ends written, none of {} lost",
        taken.len()
    ));
    Ok(())
}
