//! Data folders that cannot be used: a message that says what to do, and nothing overwritten.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::client::Client;
use crate::server::{Server, command};
use crate::{Args, Report};

pub(crate) fn run(args: &Args, _: u64) -> Report {
    let mut report = Report::default();
    if let Err(error) = play(args, &mut report) {
        report.hold(false, error);
    }
    report
}

fn digest(path: &Path) -> Option<Vec<u8>> {
    fs::read(path)
        .ok()
        .map(|bytes| Sha256::digest(bytes).to_vec())
}

/// It must end at once, by itself, with a message, and leave the file as it was.
fn refuses(what: &str, mut command: Command, file: &Path, report: &mut Report) {
    let before = digest(file);
    let output = match output_within(&mut command, Duration::from_secs(20)) {
        Ok(output) => output,
        Err(error) => {
            report.hold(false, format!("{what}: {error}"));
            return;
        }
    };
    let text = String::from_utf8_lossy(&output.stderr);
    let message = text.replace('\n', " ").trim().to_owned();
    let code = output.status.code();
    report.hold(
        code == Some(69),
        format!("{what}: exit {code:?}: {message}"),
    );
    report.hold(
        before == digest(file),
        format!("{what}: the file was changed"),
    );
    let helps = message.contains("--data-dir");
    report.hold(
        helps,
        format!("{what}: it does not say what to do: {message}"),
    );
    report.say(format!("{what}: {message}"));
}

/// Its output, if it ends by itself in time.
fn output_within(command: &mut Command, limit: Duration) -> std::io::Result<Output> {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let began = Instant::now();
    while child.try_wait()?.is_none() {
        if began.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Err(std::io::Error::other("it serves"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output()
}

/// A folder that a server has used, and was killed in.
fn used(args: &Args, place: &Path) -> Result<PathBuf, String> {
    let server = Server::start(&args.server, place, &[])?;
    let client = Client::new(&server.address);
    for _ in 0..200 {
        client.start(&json!({"iterations": 1, "step_ms": 0}), None);
    }
    server.kill();
    Ok(place.join("operations.db"))
}

fn play(args: &Args, report: &mut Report) -> Result<(), String> {
    let root = tempfile::tempdir().map_err(|error| error.to_string())?;
    let said = |error: std::io::Error| error.to_string();
    let here = |name: &str| root.path().join(name);
    let start = |place: &Path| command(&args.server, place, &[]);

    fs::write(here("file"), "a file").map_err(said)?;
    refuses(
        "a file as the folder",
        start(&here("file")),
        &here("file"),
        report,
    );

    fs::create_dir(here("foreign")).map_err(said)?;
    let database = here("foreign").join("operations.db");
    fs::write(&database, "a,b\n1,2\n".repeat(1_000)).map_err(said)?;
    refuses("a foreign file", start(&here("foreign")), &database, report);

    let database = used(args, &here("cut"))?;
    let server = Server::start(&args.server, &here("cut"), &[])?;
    server.kill();
    let length = fs::metadata(&database).map_err(said)?.len();
    let _ = fs::remove_file(here("cut").join("operations.db-wal"));
    fs::OpenOptions::new()
        .write(true)
        .open(&database)
        .and_then(|file| file.set_len(length / 2))
        .map_err(said)?;
    refuses(
        "cut to half, without its log",
        start(&here("cut")),
        &database,
        report,
    );

    let database = used(args, &here("spoilt"))?;
    let mut server = Server::start(&args.server, &here("spoilt"), &[])?;
    let _ = server.terminate();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(&database)
        .map_err(said)?;
    file.seek(SeekFrom::Start(8_192)).map_err(said)?;
    file.write_all(&[0x5a; 12_288]).map_err(said)?;
    drop(file);
    refuses(
        "three pages spoilt",
        start(&here("spoilt")),
        &database,
        report,
    );

    let database = used(args, &here("newer"))?;
    let mut server = Server::start(&args.server, &here("newer"), &[])?;
    let _ = server.terminate();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(&database)
        .map_err(said)?;
    file.seek(SeekFrom::Start(60)).map_err(said)?;
    file.write_all(&999_u32.to_be_bytes()).map_err(said)?;
    drop(file);
    refuses("a newer version", start(&here("newer")), &database, report);

    let database = used(args, &here("alone"))?;
    fs::remove_file(&database).map_err(said)?;
    let log = here("alone").join("operations.db-wal");
    refuses(
        "a log without its database",
        start(&here("alone")),
        &log,
        report,
    );

    let server = Server::start(&args.server, &here("shared"), &[])?;
    refuses(
        "a second server",
        start(&here("shared")),
        &here("shared").join("lock"),
        report,
    );
    server.kill();

    not_writable(args, root.path(), report).map_err(said)
}

/// As somebody else, from a copy of the binary that anyone may run.
fn not_writable(args: &Args, root: &Path, report: &mut Report) -> std::io::Result<()> {
    if !nix::unistd::Uid::effective().is_root() {
        report.say("a folder that is not writable: SKIPPED, it needs root");
        return Ok(());
    }
    let (binary, place) = (root.join("impresariod"), root.join("readonly"));
    fs::copy(&args.server, &binary)?;
    fs::create_dir(&place)?;
    for (path, mode) in [(root, 0o755), (&*binary, 0o755), (&*place, 0o555)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    let mut command = command(&binary, &place, &[]);
    command.uid(65_534).gid(65_534).current_dir("/");
    refuses(
        "a folder that is not writable",
        command,
        &place.join("operations.db"),
        report,
    );
    Ok(())
}
