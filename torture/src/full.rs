//! A disk that fills up under running operations, and empties again.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount, umount};
use serde_json::json;

use crate::client::Client;
use crate::server::{Server, integrity};
use crate::{Args, Report};

/// A small disk, gone when this is dropped.
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
        // Left mounted, it goes with the machine.
        let _ = umount(self.0.path());
    }
}

pub(crate) fn run(args: &Args, _: u64) -> Report {
    let mut report = Report::default();
    let disk = match Disk::new() {
        Ok(disk) => disk,
        Err(error) => {
            report.say(format!("SKIPPED: {error}"));
            return report;
        }
    };
    if let Err(error) = play(args, disk.0.path(), &mut report) {
        report.hold(false, error);
    }
    report
}

/// Takes all room that is left.
fn fill(filler: &Path) {
    let Ok(mut file) = File::create(filler) else {
        return;
    };
    let zeros = vec![0_u8; 64 << 10];
    while file.write_all(&zeros).is_ok() {}
    let small = [0_u8; 512];
    while file.write_all(&small).is_ok() {}
}

fn play(args: &Args, disk: &Path, report: &mut Report) -> Result<(), String> {
    let (data, filler) = (disk.join("data"), disk.join("filler"));
    let mut server = Server::start(&args.server, &data, &[])?;
    let client = Client::new(&server.address);
    let body = json!({"iterations": 60, "step_ms": 50});
    let start = || client.start(&body, None);
    let mut acknowledged: Vec<String> = Vec::new();
    for _ in 0..2 {
        let reply = start().ok_or("no answer to a start")?;
        acknowledged.extend(reply.data()["operation_id"].as_str().map(str::to_owned));
    }
    fill(&filler);
    let (mut refused, mut others) = (0, Vec::new());
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        let reply = start().ok_or("no answer to a start on a full disk")?;
        match reply.status {
            507 => refused += 1,
            202 => acknowledged.extend(reply.data()["operation_id"].as_str().map(str::to_owned)),
            _ => others.push(format!("{} {}", reply.status, reply.code())),
        }
        // What the server has given up for its ends is not to be taken by others here.
        std::thread::sleep(Duration::from_millis(20));
    }
    report.hold(refused > 0, "no start was refused as 507 STORE_FULL");
    report.hold(
        others.is_empty(),
        format!("starts were answered otherwise: {others:?}"),
    );
    let view = client.view(&acknowledged[0]).ok_or("no answer to a read")?;
    let status = view.data()["status"].as_str().unwrap_or("").to_owned();
    report.say(format!(
        "full: {refused} starts refused as 507; the first operation is {status} meanwhile"
    ));
    let cancelled = client.verb(&acknowledged[acknowledged.len() - 1], "cancel");
    report.hold(
        cancelled.is_some_and(|reply| reply.status < 500 || reply.status == 507),
        "a cancel on a full disk is not answered",
    );
    fs::remove_file(&filler).map_err(|error| error.to_string())?;
    let began = Instant::now();
    let again = loop {
        let reply = start().ok_or("no answer after the disk has room")?;
        if reply.status == 202 {
            break began.elapsed();
        }
        if began.elapsed() > Duration::from_secs(20) {
            return Err(format!("starts are still refused: {}", reply.body));
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    report.say(format!(
        "room again: starts are taken after {} ms, without a restart",
        again.as_millis()
    ));
    for id in &acknowledged {
        let view = client.view(id).ok_or("no answer")?;
        report.hold(view.status == 200, format!("{id} is lost"));
    }
    for id in &acknowledged[..2] {
        let ended = client
            .get(&format!("/api/v1/operations/{id}/events?since=0"))
            .is_some_and(|reply| reply.body.to_string().contains("\"completed\""));
        report.hold(ended, format!("{id} ran through; its end was not written"));
    }
    report.say(format!(
        "{} acknowledged, none lost; what ran has its end",
        acknowledged.len()
    ));
    let _ = server.terminate();
    let verdict = integrity(&data);
    report.hold(verdict == "ok", format!("integrity_check: {verdict}"));
    Ok(())
}
